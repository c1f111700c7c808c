"""What is set up, on a real home: standing, size, and what verify, repair and remove do."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from tests.tui.driving import MACHINES, drive, job_of, recorded_rig, seen, until, until_shown
from tests.tui.runs import NAME, receipt
from textual.pilot import Pilot

from rigfit.core.environment import Environment
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.selection import Wish
from rigfit.engine.keeping import Keeping
from rigfit.engine.settings import Settings
from rigfit.engine.weighing import Weight
from rigfit.probe.recorded import read_machine
from rigfit.store.paths import Home
from rigfit.store.receipts import Receipts
from rigfit_installer.app import Installer
from rigfit_installer.job import Job
from rigfit_installer.rig import Rig
from rigfit_installer.screens.environments import EnvironmentsScreen
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


def test_a_driver_that_is_another_than_at_the_proof_is_told_in_list_and_facts(home: Path, catalog: Path) -> None:
    made = receipt(str(home / "envs" / NAME))
    machine = {**made.machine, "driver": {"version": "550.54.14", "cuda": "12.4"}}
    making, done = replace(made.making, device="cuda:0"), replace(made.verification, device="cuda:0")
    on_a_gpu = replace(made, making=making, verification=done, machine=machine)
    Receipts(Home(home)).keep(on_a_gpu)

    async def journey(pilot: Pilot[int]) -> None:
        await open_list(pilot)
        assert f"! proven                  {NAME}" in seen(pilot)
        assert "on driver 550.54.14; now 580.126.20" in seen(pilot)
        Receipts(Home(home)).keep(replace(on_a_gpu, machine=read_machine(MACHINES / "rtx4090-580.json").to_json()))
        await pilot.press("escape", "e")
        await until_shown(pilot, f"✓ proven                  {NAME}")
        assert "550.54.14" not in seen(pilot)

    drive(Installer(recorded_rig("rtx4090-580.json", catalog, home)), journey, size=(100, 40))


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


class SlowRig(HereRig):
    """Weighs and removes only when it is let."""

    refusal_of_proof = Problem(code="machine_is_recorded", what=f"{NAME} cannot be proven here")

    def __init__(self, settings: Settings, wish: Wish) -> None:
        super().__init__(settings, wish)
        self.weighed: list[str] = []
        self.listed = 0
        self.may_weigh, self.may_remove = threading.Event(), threading.Event()

    def environments(self) -> tuple[Environment, ...]:
        self.listed += 1
        return super().environments()

    def weigh(self, environment: Environment) -> Weight:
        self.weighed.append(environment.name)
        self.may_weigh.wait(20)
        return super().weigh(environment)

    def remove(self, environment: Environment) -> None:
        self.removals.carry_out(environment.name, lambda: self._remove(environment))

    def _remove(self, environment: Environment) -> None:
        self.may_remove.wait(20)
        Keeping(self.settings).remove(environment)

    def verify(self, environment: Environment) -> Job:
        raise ProblemError(self.refusal_of_proof)


def slow_rig_at(home: Path, catalog: Path) -> SlowRig:
    return SlowRig(recorded_rig("cpu-only.json", catalog, home).settings, Wish())


def test_a_refusal_stays_when_a_weight_arrives_and_all_is_looked_up_once(home: Path, catalog: Path) -> None:
    rig = slow_rig_at(home, catalog)

    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "best fit")
        await pilot.press("e")
        await until_shown(pilot, NAME, "half-cpu-11111111")
        await pilot.press("v")
        await until_shown(pilot, f"✗ {NAME} cannot be proven here")
        rig.may_weigh.set()
        await until_shown(pilot, "1.0 MiB")
        await pilot.pause(0.2)
        assert f"✗ {NAME} cannot be proven here" in seen(pilot)
        await pilot.press("down")
        await until(pilot, lambda: "cannot be proven" not in seen(pilot))
        await pilot.press("up")
        await until_shown(pilot, f"rigfit run {NAME}")

    drive(Installer(rig), journey, size=(100, 40))
    assert sorted(rig.weighed) == sorted({*rig.weighed})
    assert rig.listed == 1


def test_a_removal_under_way_is_told_and_nothing_else_is_done_to_what_it_removes(home: Path, catalog: Path) -> None:
    rig = slow_rig_at(home, catalog)
    rig.may_weigh.set()

    async def journey(pilot: Pilot[int]) -> None:
        await open_list(pilot)
        await pilot.press("d", "y")
        await until_shown(pilot, f"· being removed ...       {NAME}")
        assert "d remove" not in seen(pilot)
        await pilot.press("d", "v", "r")
        await pilot.pause(0.2)
        assert isinstance(pilot.app.screen, EnvironmentsScreen)
        assert "cannot be proven" not in seen(pilot)
        await pilot.press("escape", "e")  # it is told to whoever comes back, too
        await until_shown(pilot, "being removed")
        rig.may_remove.set()
        await until(pilot, lambda: NAME not in seen(pilot))
        assert "d remove" in seen(pilot)

    drive(Installer(rig), journey, size=(100, 40))


def test_the_mark_goes_with_the_row_that_is_highlighted(home: Path, catalog: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await open_list(pilot)
        assert "▸ ✓ proven" in seen(pilot)
        await pilot.press("down")
        await until_shown(pilot, "▸ ! unfinished", "  ✓ proven")

    drive(Installer(rig_at(home, catalog)), journey, size=(100, 40))


def test_what_lies_in_another_home_is_used_with_it_named(home: Path, catalog: Path) -> None:
    rig = slow_rig_at(home, catalog)
    rig.may_weigh.set()
    rig.settings = replace(rig.settings, environ={**rig.settings.environ, "RIGFIT_HOME": "/elsewhere"})
    rig.refusal_of_proof = Problem(code="environment_unfinished", what="no", fix=(f"rigfit repair {NAME}",))

    async def journey(pilot: Pilot[int]) -> None:
        await open_list(pilot)
        await pilot.press("1")
        assert pilot.app.clipboard == f"rigfit run --home {home} {NAME} -- python"
        await pilot.press("v")
        await until_shown(pilot, f"rigfit repair --home {home}")
        await pilot.press("1")
        assert pilot.app.clipboard == f"rigfit repair --home {home} {NAME}"

    drive(Installer(rig), journey, size=(200, 40))


def test_a_home_without_environments_says_how_to_get_one(tmp_path: Path, catalog: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "best fit")
        await pilot.press("e")
        await until_shown(pilot, "No environment yet")
        await pilot.press("d", "v", "r")
        assert "No environment yet" in seen(pilot)

    drive(Installer(rig_at(tmp_path / "empty", catalog)), journey)
