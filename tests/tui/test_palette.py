"""The palette finds a command by its name and by what it does, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.driving import drive, recorded_rig, seen, until, until_shown
from textual.command import CommandPalette
from textual.pilot import Pilot

from rigfit_installer.app import Installer


async def search(pilot: Pilot[int], *keys: str) -> None:
    await pilot.press("ctrl+p")
    await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette))
    await pilot.press(*keys)


def test_the_words_of_what_a_command_does_find_it(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "best fit")
        await search(pilot, *"afresh")
        await until_shown(pilot, "repair")
        await until(pilot, lambda: "detect" not in seen(pilot))

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey, size=(100, 50))


@pytest.mark.parametrize("query", ["环境", "repair", "afresh"])
def test_in_chinese_both_languages_find_it(
    query: str, catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIGFIT_LANG", "zh_CN")

    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "H100")
        await search(pilot, *query)
        await until_shown(pilot, "repair")

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey, size=(100, 50))


def test_where_nothing_is_found_that_is_said_in_our_words(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "best fit")
        await search(pilot, *"zzzz")
        await until_shown(pilot, "no command has these words")
        await pilot.pause(0.8)  # after which Textual would say it itself
        assert "No matches found" not in seen(pilot)

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey, size=(100, 50))
