"""The command line says what the contract says, and starts without what it does not need."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rigfit.cli import installer
from rigfit.cli.main import VERBS, main, parser
from rigfit.core.problem import EXIT_CODES

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("pynvml", "rattler", "conda_lock", "yaml", "rich", "filelock", "torch", "textual", "urllib.request", "asyncio")


def test_importing_the_command_loads_nothing_heavy() -> None:
    code = "import sys, rigfit.cli.main as m; m.parser(); print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert [name for name in HEAVY if name in loaded] == []


@pytest.mark.parametrize("verb", VERBS)
def test_every_command_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    assert "usage: rigfit" in capsys.readouterr().out


def test_without_words_and_terminal_it_prints_help_and_ends_with_2() -> None:
    ran = subprocess.run([sys.executable, "-m", "rigfit.cli.main"], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "COMMAND" in ran.stderr


def test_an_unknown_word_ends_with_2() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["fly"])
    assert ended.value.code == 2


def test_the_help_names_every_exit_code_that_a_problem_can_have() -> None:
    text = " ".join((parser().epilog or "").split())
    named = {int(number) for number in re.findall(r"\b(\d+) [a-z]", text)}
    assert set(EXIT_CODES.values()) <= named | {0}


def test_a_problem_as_json_is_one_envelope_with_its_exit_code(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code = main(["verify", "--json", "--home", str(tmp_path)])
    answer = json.loads(capsys.readouterr().out)
    assert code == 2
    assert (answer["schema"], answer["command"], answer["ok"]) == (1, "verify", False)
    assert answer["problem"]["code"] == "no_environment"
    assert set(answer["problem"]) == {"code", "what", "fix", "detail", "source"}


def test_the_help_of_the_command_names_every_option_of_the_installer(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    assert "rigfit [OPTION...] [TEMPLATE]" in told
    assert all(f"{name}" in told for name in ("--gpu", "--machine", "--variant", "--home", "--catalog", "TEMPLATE"))


@pytest.mark.parametrize("words", [[], ["--gpu", "1"], ["lora-8bit"], ["current", "--gpu", "1"]])
def test_a_template_or_an_option_of_its_means_the_installer(words: list[str]) -> None:
    assert installer.is_meant(words)
    args = installer.parse(words, VERBS)
    assert args.template == next((word for word in words if word in ("lora-8bit", "current")), None)


@pytest.mark.parametrize("words", [["setup"], ["fly"], ["-V"], ["--help"], ["--"]])
def test_whatever_else_comes_first_does_not(words: list[str]) -> None:
    assert not installer.is_meant(words)


def test_where_nothing_can_be_drawn_one_is_told_what_can_be_done(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["lora-8bit"])
    assert ended.value.code == 2
    assert "needs a terminal; `rigfit setup`" in capsys.readouterr().err


def test_a_command_behind_options_is_told_where_it_goes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        installer.parse(["--gpu", "1", "setup"], VERBS)
    assert ended.value.code == 2
    assert "`rigfit setup --gpu 1`" in capsys.readouterr().err


def test_a_name_is_offered_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["select", "--variant", "nix", "--machine", str(ROOT / "tests/machines/h100-580.json")]) == 2
    assert capsys.readouterr().err.count("cu121") == 1


@pytest.mark.parametrize(
    ("content", "told"), [("", "found an empty file"), ('{"a":', "something else from line 1"), ("\xff", "other bytes")]
)
def test_a_file_that_is_no_json_is_told_as_that(
    content: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "machine.json"
    file.write_text(content, encoding="latin-1")
    assert main(["detect", "--machine", str(file)]) == 2
    assert told in capsys.readouterr().err
