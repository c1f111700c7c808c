"""The real command in Chinese: people read Chinese, programs read what they always read."""
# ruff: noqa: RUF001 - the signs of Chinese are meant

from __future__ import annotations

import argparse
import gettext
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len
from tests.stand_ins.command import Ran, rigfit
from tests.stand_ins.receipts import keep_proven, make_making

from rigfit import language
from rigfit.cli import usage
from rigfit.cli.main import VERBS, main

MACHINES = Path(__file__).parents[1] / "machines"
H100 = MACHINES / "h100-580.json"
SETTINGS = ("RIGFIT_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


def asked(*words: str | Path, **variables: str) -> Ran:
    """The command with these settings of the language and no others."""
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return rigfit(*words, environ={**kept, "PYTHONIOENCODING": "utf-8", **variables})


def chinese(text: str) -> str:
    return "".join(re.findall(r"[\u4e00-\u9fff]", text))


def lines_of(text: str) -> list[str]:
    """Whatever time they took, and in whatever order a child's two streams were read."""
    return sorted(re.sub(r'"seconds": [^,}]+', '"seconds": 0', text).splitlines())


@pytest.mark.parametrize("name", SETTINGS)
def test_a_person_reads_the_language_of_the_setting(name: str) -> None:
    ran = asked("select", "lora-8bit", "--machine", H100, **{name: "zh_CN.UTF-8"})
    assert ran.code == 3
    assert chinese(ran.out)
    assert chinese(ran.err)


def test_the_setting_of_rigfit_comes_before_the_locale() -> None:
    ran = asked("select", "--machine", H100, RIGFIT_LANG="en", LANG="zh_CN.UTF-8")
    assert chinese(ran.out + ran.err) == ""


def test_a_stream_without_chinese_letters_is_written_to_in_english() -> None:
    ran = asked("select", "--machine", H100, RIGFIT_LANG="zh_CN", PYTHONIOENCODING="latin-1")
    assert ran.out.startswith("chosen  current/cu132")


def test_names_codes_and_commands_stay_as_they_are() -> None:
    english, other = (asked("select", "lora-8bit", "--machine", H100, RIGFIT_LANG=name) for name in ("en", "zh_CN"))
    for name in ("lora-8bit/cu121", "quantization", "gpu_code", "bitsandbytes 0.41.2.post2", "NVIDIA H100 80GB HBM3"):
        seen, there = ("".join(ran.out.split()).count(name.replace(" ", "")) for ran in (english, other))
        assert there == seen > 0
    assert "`rigfit setup current`" in other.err


@pytest.mark.parametrize(
    "words",
    [
        ["select", "lora-8bit", "--json", "--machine", H100],
        ["select", "--json", "--machine", MACHINES / "v100-470.json"],
        ["plan", "--json", "--machine", MACHINES / "nouveau.json"],
        ["detect", "--json", "--machine", MACHINES / "no-permission.json"],
        ["templates", "--json", "nix"],
        ["remove", "current", "--json"],
        ["verify", "--json"],
        ["verify", "--events"],
        ["verify", "nix", "--events"],
        ["list", "--json"],
        ["run", "nix", "--", "true"],
    ],
    ids=lambda words: " ".join(map(str, words[:3])),
)
def test_what_programs_read_is_the_same_in_every_language(tmp_path: Path, words: list[str | Path]) -> None:
    ran = {}
    end = words.index("--") if "--" in words else len(words)
    for name in ("en", "zh_CN"):
        home = tmp_path / "home"
        keep_proven(home, make_making("current-cpu-00000001", home=home))
        where: list[str | Path] = [] if words[0] == "templates" else ["--home", home]
        ran[name] = asked(*words[:end], *where, *words[end:], RIGFIT_LANG=name)
        home.rename(tmp_path / name)
    assert lines_of(ran["zh_CN"].out) == lines_of(ran["en"].out)
    assert ran["zh_CN"].code == ran["en"].code


def test_a_run_is_logged_in_english(tmp_path: Path) -> None:
    keep_proven(tmp_path, make_making("current-cpu-00000001", home=tmp_path))
    asked("verify", "--home", tmp_path, RIGFIT_LANG="zh_CN")  # the interpreter of the tests has no torch
    (log,) = (tmp_path / "runs").iterdir()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert chinese(str(lines)) == ""
    assert "is not proven" in lines[-1]["problem"]["what"]


class Everything(gettext.NullTranslations):
    """A language that has a word for every text: the text in brackets, between wide letters."""

    def gettext(self, message: str) -> str:
        text = message.rstrip()
        return f"《译》{text}《完》{message[len(text) :]}"


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """argparse is given its own words back in the end."""
    before = vars(argparse)["_"]
    monkeypatch.setattr(language, "_catalog", lambda _: Everything())
    monkeypatch.setenv("COLUMNS", "80")
    yield
    vars(argparse)["_"] = before


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("verb", [*VERBS, None])
def test_all_that_help_says_can_be_translated_and_fits(verb: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*([verb] if verb else []), "--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert [line for line in shown.splitlines() if cell_len(line) > 80] == []
    untranslated = re.sub(r"《译》.*?《完》", "", shown, flags=re.DOTALL)
    assert re.findall(r"[a-z]{2,} [a-z]{2,}", " ".join(untranslated.replace(f"rigfit {verb}", "").split())) == []


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    "words", ["fly", "setup --home", "setup --base x", "list --json=1", "setup --json --events", "remove", "list -- x"]
)
def test_a_slip_is_told_in_the_readers_language(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    *_, last = capsys.readouterr().err.strip().splitlines()
    assert ended.value.code == 2
    assert last.count("《译》") >= 2


def test_lines_of_wide_letters_are_cut_by_their_width() -> None:
    text = "在此文件夹中保存环境和收据（或 RIGFIT_HOME），并且不询问任何网络；缓存和文件夹中的内容都会被使用。" * 2
    parser = argparse.ArgumentParser(prog="rigfit", formatter_class=usage.Help, description=text)
    parser.add_argument("--home", metavar="DIR", help=text)
    lines = parser.format_help().splitlines()
    assert max(map(cell_len, lines)) in range(74, 79)  # argparse leaves two columns free
    assert not any(line.lstrip().startswith(("，", "；", "。", "）", "、")) for line in lines)
    assert "".join(lines).replace(" ", "").count(text.replace(" ", "")) == 2
