"""Another home, typed in: it is told in full before it is taken, and what cannot be one is not taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.driving import drive, recorded_rig, seen, until, until_shown
from textual.pilot import Pilot
from textual.widgets import Input

from rigfit_installer.app import Installer
from rigfit_installer.screens.place import PlaceScreen
from rigfit_installer.widgets.sheet import Sheet

HERE = Path.cwd()


async def ask(pilot: Pilot[int], taken: list[Path | None]) -> None:
    await until_shown(pilot, "best fit")
    environ = {"DATA": "/data"}
    pilot.app.push_screen(PlaceScreen(Path("/home/me"), environ), taken.append)
    await until_shown(pilot, "Where environments and receipts are kept", "/home/me, a new folder")


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        ("$DATA/rigfit", "/data/rigfit"),
        ("${DATA}x", "/datax"),
        ("df$%^&*(", str(HERE / "df$%^&*(")),
        ("a/b", str(HERE / "a/b")),
    ],
)
def test_what_is_typed_is_told_as_the_folder_that_it_means_before_it_is_taken(
    typed: str, place: str, catalog: Path, tmp_path: Path
) -> None:
    taken: list[Path | None] = []

    async def journey(pilot: Pilot[int]) -> None:
        await ask(pilot, taken)
        pilot.app.screen.query_one(Input).value = typed
        await until(pilot, lambda: f"{place}, a new folder" in seen(pilot))
        assert taken == []
        await pilot.press("enter")
        await until(pilot, lambda: taken == [Path(place)])

    drive(Installer(recorded_rig("cpu-only.json", catalog, tmp_path)), journey, size=(120, 30))


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("/proc/x", "is no disk"),
        ("/dev/null", "is a file"),
        ("/" + "a" * 300, "too long"),
        ("$NOPE/x", "NOPE is not set"),
    ],
)
def test_what_cannot_be_a_home_says_why_and_is_not_taken(
    typed: str, reason: str, catalog: Path, tmp_path: Path
) -> None:
    taken: list[Path | None] = []

    async def journey(pilot: Pilot[int]) -> None:
        await ask(pilot, taken)
        pilot.app.screen.query_one(Input).value = typed
        await until(pilot, lambda: reason in pilot.app.screen.query_one("#meant", Sheet).plain)
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, PlaceScreen)
        await pilot.press("escape")
        await until(pilot, lambda: taken == [None])

    drive(Installer(recorded_rig("cpu-only.json", catalog, tmp_path)), journey, size=(120, 30))
