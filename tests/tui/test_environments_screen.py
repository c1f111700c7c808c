"""What is set up, on a real home: standing, size, and what verify, repair and remove do."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.driving import drive, job_of, recorded_rig, seen, until, until_shown
from tests.tui.runs import NAME, receipt
from textual.pilot import Pilot

from rigfit.core.environment import Environment
from rigfit.core.selection import Wish
from rigfit.engine.keeping import Keeping
from rigfit.store.paths import Home
from rigfit.store.receipts import Receipts
from rigfit_installer.app import Installer
from rigfit_installer.job import Job
from rigfit_installer.rig import Rig
from rigfit_installer.screens.run import RunScreen


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """One proven environment of a megabyte, and one whose setup was cut short."""
    place = tmp_path / "home"
    prefix = place / "envs" / NAME
    (prefix / "bin").mkdir(parents=True)
    python = prefix / "bin" / "python"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    (prefix / "library.so").write_bytes(b"x" * 1024**2)
    (place / "envs" / "half-cpu-11111111").mkdir()
    Receipts(Home(place)).keep(receipt(str(prefix)))
    return place


class HereRig(Rig):
    """Takes a file for the machine that it runs on, and verifies without doing it."""

    verified: list[str]

    @property
    def is_recorded(self) -> bool:
        return False

    def verify(self, environment: Environment) -> Job:
        self.verified.append(environment.name)
        return job_of((), environment.name)


def rig_at(home: Path, catalog: Path) -> HereRig:
    rig = HereRig(recorded_rig("cpu-only.json", catalog, home).settings, Wish())
    rig.verified = []
    return rig


async def open_list(pilot: Pilot[int]) -> None:
    await until_shown(pilot, "best fit")
    await pilot.press("e")
    await until_shown(pilot, NAME, "half-cpu-11111111", "removal")


def test_each_environment_is_told_by_standing_age_and_size(home: Path, catalog: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await open_list(pilot)
        await until_shown(pilot, "1.0 MiB")
        assert f"✓ proven                  {NAME}" in seen(pilot)
        assert "! unfinished: not usable  half-cpu-11111111" in seen(pilot)
        assert " ago  " in seen(pilot)
        assert f"rigfit run {NAME} -- python" in seen(pilot)
        await pilot.press("down")
        await until_shown(pilot, "its setup was interrupted")

    drive(Installer(rig_at(home, catalog)), journey, size=(100, 40))


def test_removing_asks_says_what_is_freed_and_leaves_nothing(home: Path, catalog: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await open_list(pilot)
        await until_shown(pilot, "1.0 MiB")
        await pilot.press("d")
        await until_shown(pilot, f"Remove {NAME}?", "frees 1.0 MiB")
        await pilot.press("n")
        assert (home / "envs" / NAME).exists()
        await pilot.press("d", "y")
        await until(pilot, lambda: not (home / "envs" / NAME).exists())
        await until_shown(pilot, "half-cpu-11111111")
        await until(pilot, lambda: "✓ proven" not in seen(pilot))

    rig = rig_at(home, catalog)
    drive(Installer(rig), journey, size=(100, 40))
    assert [each.name for each in Keeping(rig.settings).all()] == ["half-cpu-11111111"]


def test_verify_runs_the_proof_of_the_one_that_is_highlighted(home: Path, catalog: Path) -> None:
    rig = rig_at(home, catalog)

    async def journey(pilot: Pilot[int]) -> None:
        await open_list(pilot)
        await pilot.press("v")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))

    drive(Installer(rig), journey)
    assert rig.verified == [NAME]


def test_repairing_what_the_catalog_no_longer_has_says_so(home: Path, catalog: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await open_list(pilot)
        await pilot.press("r")
        await until_shown(pilot, "is no longer in the catalog")

    drive(Installer(rig_at(home, catalog)), journey, size=(140, 40))


def test_on_a_recorded_machine_nothing_is_verified(home: Path, catalog: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await open_list(pilot)
        await pilot.press("v")
        await until_shown(pilot, "recorded machine")

    drive(Installer(recorded_rig("cpu-only.json", catalog, home)), journey, size=(140, 40))


def test_a_home_without_environments_says_how_to_get_one(tmp_path: Path, catalog: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "best fit")
        await pilot.press("e")
        await until_shown(pilot, "No environment yet")
        await pilot.press("d", "v", "r")
        assert "No environment yet" in seen(pilot)

    drive(Installer(rig_at(tmp_path / "empty", catalog)), journey)
