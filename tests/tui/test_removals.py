"""Removals: they end although the application is left, and what one left that was killed is cleared away."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tests.stand_ins.command import rigfit
from tests.stand_ins.receipts import keep_proven, make_making
from tests.tui.driving import drive, recorded_rig, seen, until, until_shown
from textual.pilot import Pilot
from textual.widgets import OptionList

from rigfit.engine.keeping import Keeping
from rigfit_installer.app import Installer, stay
from rigfit_installer.removals import Removals
from rigfit_installer.rig import Rig

NAME = "small-cpu-00000001"


@pytest.fixture
def rig(tmp_path: Path, catalog: Path) -> Rig:
    keep_proven(tmp_path, make_making(NAME, home=tmp_path, made="2026-01-01T00:00:00+00:00"))
    return recorded_rig("cpu-only.json", catalog, tmp_path)


def test_leaving_waits_for_a_removal_and_says_so() -> None:
    removals, go_on, told, done = Removals(), threading.Event(), list[str](), list[str]()

    def remove() -> None:
        go_on.wait(20)
        done.append(NAME)

    asking = threading.Thread(target=lambda: removals.carry_out(NAME, remove), daemon=True)
    asking.start()
    while not removals.under_way:
        asking.join(0.01)

    def tell(name: str) -> None:
        told.append(name)
        go_on.set()

    removals.wait(tell)
    assert (told, done) == ([NAME], [NAME])
    removals.wait(told.append)
    assert told == [NAME]


def test_a_removal_that_fails_fails_where_it_was_asked_for() -> None:
    def remove() -> None:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        Removals().carry_out(NAME, remove)


def test_the_application_ends_after_the_removals_that_it_began(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    app, go_on = Installer(rig), threading.Event()

    def remove() -> None:
        go_on.wait(20)

    def left_during_a_removal() -> None:
        threading.Thread(target=lambda: rig.removals.carry_out(NAME, remove), daemon=True).start()
        while not rig.removals.under_way:
            pass
        threading.Timer(0.2, go_on.set).start()

    monkeypatch.setattr(app, "run", left_during_a_removal)
    stay(app)
    assert go_on.is_set()
    assert f"finishing the removal of {NAME}" in capfd.readouterr().err


def test_after_the_last_one_is_removed_nothing_is_told_of_it_any_more(rig: Rig) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "best fit")
        await pilot.press("e")
        await until_shown(pilot, f"rigfit run {NAME}")
        await pilot.press("d")
        await until_shown(pilot, "Remove")
        await pilot.press("y")
        await until_shown(pilot, "No environment yet", "Choose")
        await until(pilot, lambda: f"rigfit run {NAME}" not in seen(pilot))
        assert pilot.app.screen.query_one(OptionList).option_count == 0

    drive(Installer(rig), journey, size=(100, 40))


def leave_trash(home: Path) -> Path:
    trash = home / "envs" / f".trash-{NAME}-abcd1234"
    trash.mkdir(parents=True)
    (trash / "library.so").write_bytes(b"x")
    return trash


def test_removing_what_was_half_removed_clears_it_away_although_it_has_no_name_any_more(tmp_path: Path) -> None:
    trash = leave_trash(tmp_path)
    assert rigfit("remove", NAME, "--yes", "--home", tmp_path).code == 2
    assert not trash.exists()


def test_opening_the_application_clears_away_what_a_removal_left(rig: Rig) -> None:
    trash = leave_trash(rig.settings.home.path)
    rig.look_ahead()
    for _ in range(1000):
        if not trash.exists():
            break
        threading.Event().wait(0.01)
    assert not trash.exists()
    assert [each.name for each in Keeping(rig.settings).all()] == [NAME]
