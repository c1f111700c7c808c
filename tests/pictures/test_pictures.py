"""The pictures in docs/pictures are what the installer looks like: a change of looks or texts shows in their difference."""

from __future__ import annotations

import sys
from itertools import zip_longest
from pathlib import Path

import pytest
from rich.segment import Segment
from rich.style import Style
from tests.pictures import __main__ as renewing
from tests.pictures.drawing import draw
from tests.pictures.journeys import JOURNEYS
from tests.pictures.taking import FOLDER, LANGUAGES, taken_on
from textual.strip import Strip

RENEW = "`python -m tests.pictures` writes them anew; then read the difference"
LISTED = {language: {path.name for path in (FOLDER / language).glob("*")} for language in LANGUAGES}


@pytest.mark.parametrize("machine", JOURNEYS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_screen_looks_like_its_picture(machine: str, language: str) -> None:
    for name, drawn in taken_on(machine, language).items():
        assert name in LISTED[language], f"{language}/{name} is new; {RENEW}"
        kept = (FOLDER / language / name).read_text(encoding="utf-8")
        lines = enumerate(zip_longest(kept.splitlines(), drawn.splitlines()), start=1)
        changed = [f"line {number}\n- {before}\n+ {after}" for number, (before, after) in lines if before != after]
        assert not changed, "\n".join([f"{language}/{name} looks different; {RENEW}", *changed[:10]])


def test_both_languages_have_the_same_pictures() -> None:
    assert LISTED["en"] == LISTED["zh_CN"] != set()


def test_whoever_renews_them_is_told_where_they_are_in_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {
        "ROOT": tmp_path,
        "FOLDER": tmp_path / "docs",
        "taken": lambda _language: {"a.svg": "<svg/>"},
    }.items():
        monkeypatch.setattr(renewing, name, value)
    monkeypatch.setattr(sys, "argv", ["tests.pictures"])
    renewing.main()
    assert capsys.readouterr().out.splitlines() == ["wrote docs/en: 1 pictures", "wrote docs/zh_CN: 1 pictures"]
    assert (tmp_path / "docs" / "en" / "a.svg").read_text() == "<svg/>"


def test_a_line_is_drawn_with_its_grounds_letters_frames_and_bars() -> None:
    text = Style(color="#d8dee4", bgcolor="#14181d")
    strip = Strip(
        [
            Segment("│ ", Style(color="#3a4652", bgcolor="#14181d")),
            Segment("a  b<", text + Style(bold=True)),
            Segment(" 机器 ", Style(color="#d8dee4", bgcolor="#222a33")),
            Segment("█░", text),
        ]
    )

    drawn = draw([strip], "#14181d").splitlines()

    grounds, signs = drawn[3:5]
    assert grounds == '<rect x="58.8" y="0" width="50.4" height="18" fill="#222a33" shape-rendering="crispEdges"/>'
    assert '<path d="M4.2 0Q4.2 9 4.2 18" stroke="#3a4652" fill="none"/>' in signs
    assert '<text x="16.8" y="13" textLength="42" fill="#d8dee4" font-weight="bold">a  b&lt;</text>' in signs
    assert '<text x="67.2 84" y="13" fill="#d8dee4">机器</text>' in signs
    assert signs.count("<rect") == 2
