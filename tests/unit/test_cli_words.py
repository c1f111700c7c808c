"""The command line says what the contract says, and starts without what it does not need."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

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
