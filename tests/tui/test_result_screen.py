"""How it ended: the receipt and the lines to use it, each with its key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.tui.driving import drive, job_of, recorded_rig, seen, until, until_shown
from tests.tui.runs import NAME, STOPPED, failed, passed, receipt
from tests.tui.test_plan_screen import open_plan, rig_at
from textual.pilot import Pilot

from rigfit.core.event import RunFailed
from rigfit.core.problem import Problem
from rigfit.store.paths import Home
from rigfit.store.receipts import Receipts
from rigfit_installer.app import Installer
from rigfit_installer.screens.environments import EnvironmentsScreen
from rigfit_installer.screens.machine import MachineScreen
from rigfit_installer.screens.plan import PlanScreen


async def show(pilot: Pilot[int]) -> None:
    assert isinstance(pilot.app, Installer)
    pilot.app.run_job(job_of(passed(), NAME))
    await until_shown(pilot, f"✓ Proven: {NAME}")


def test_each_line_to_use_it_is_copied_by_its_number(catalog: Path, tmp_path: Path) -> None:
    wanted = {
        "1": f"rigfit run {NAME} -- python",
        "2": f'eval "$(rigfit shell-hook {NAME})"',
        "3": f"/home/me/envs/{NAME}/bin/python",
        "5": f"rigfit run {NAME} -- python -m ipykernel install --user --name {NAME}",
    }

    async def journey(pilot: Pilot[int]) -> None:
        await show(pilot)
        for key, line in wanted.items():
            await pilot.press(key)
            assert pilot.app.clipboard == line

    drive(Installer(recorded_rig("cpu-only.json", catalog, tmp_path)), journey)


@pytest.mark.parametrize(("lines", "first"), [(3, "reason 2"), (30, "What to do")])
def test_what_to_do_stays_in_sight_however_long_the_reasons_are(
    lines: int, first: str, catalog: Path, tmp_path: Path
) -> None:
    detail = "\n".join(f"reason {number}" for number in range(lines))
    problem = Problem(code="disk_full", what="too little", fix=("free some",), detail=detail)

    async def journey(pilot: Pilot[int]) -> None:
        assert isinstance(pilot.app, Installer)
        pilot.app.run_job(job_of((RunFailed(problem=problem),), NAME))
        await until_shown(pilot, "reason 0", "reason 2", "·   free some")
        second = "What to do" if first != "What to do" else "reason 2"
        assert seen(pilot).index(first) < seen(pilot).index(second)

    drive(Installer(recorded_rig("cpu-only.json", catalog, tmp_path)), journey)


STANDINGS = {
    "proven": "stays proven",
    "failed": "has no receipt and is not usable",
    "unfinished": "has no receipt and is not usable",
}


def a_home_with(standing: str, place: Path) -> Path:
    made = receipt(str(place / "envs" / NAME))
    python = place / "envs" / NAME / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    if standing == "proven":
        Receipts(Home(place)).keep(made)
    if standing == "failed":
        Receipts(Home(place)).withdraw(made)
    return place


@pytest.mark.parametrize("standing", STANDINGS)
def test_what_a_crashed_proof_has_left_is_told_as_it_is(standing: str, catalog: Path, tmp_path: Path) -> None:
    crashed = RunFailed(problem=Problem(code="verification_crashed", what="it was killed", fix=("rigfit doctor",)))

    async def journey(pilot: Pilot[int]) -> None:
        assert isinstance(pilot.app, Installer)
        pilot.app.run_job(job_of((crashed,), NAME))
        await until_shown(pilot, "it was killed", STANDINGS[standing])

    drive(Installer(recorded_rig("cpu-only.json", catalog, a_home_with(standing, tmp_path))), journey, size=(120, 40))


@pytest.mark.parametrize(
    ("standing", "told"), [("proven", "is as it was before"), ("unfinished", "not listed as usable")]
)
def test_what_a_stopped_run_has_left_is_told_as_it_is(standing: str, told: str, catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        assert isinstance(pilot.app, Installer)
        pilot.app.run_job(job_of((STOPPED,), NAME))
        await until_shown(pilot, f"Stopped: {NAME}", told)

    drive(Installer(recorded_rig("cpu-only.json", catalog, a_home_with(standing, tmp_path))), journey, size=(120, 40))


def test_run_again_plans_anew_where_the_plan_was_to_prove_what_stood(catalog: Path, tmp_path: Path) -> None:
    rig = rig_at(tmp_path, catalog)
    app = Installer(rig)

    async def journey(pilot: Pilot[int]) -> None:
        await open_plan(pilot)
        await until_shown(pilot, "64 libraries from wheels")
        app.run_job(replace(job_of(failed(), NAME), only_proves=True))
        await until_shown(pilot, "1 of 2 checks failed")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and len(rig.notes.planned) == 2)
        await until_shown(pilot, "64 libraries from wheels", "enter set it up")

    drive(app, journey, size=(120, 40))


def test_a_reason_is_told_one_time(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        assert isinstance(pilot.app, Installer)
        pilot.app.run_job(job_of(failed(), NAME))
        await until_shown(pilot, "1 of 2 checks failed", "✗ failed")
        assert seen(pilot).count("the numbers are wrong") == 1

    drive(Installer(recorded_rig("cpu-only.json", catalog, tmp_path)), journey, size=(100, 40))


def test_nothing_is_marked_as_passed_on_the_way_to_a_failure(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        assert isinstance(pilot.app, Installer)
        pilot.app.run_job(job_of(failed(), NAME))
        await until_shown(pilot, "1 of 2 checks failed", "● Result")
        assert "✓" not in seen(pilot).splitlines()[0]

    drive(Installer(recorded_rig("cpu-only.json", catalog, tmp_path)), journey)


def test_a_click_on_a_line_copies_it(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await show(pilot)
        await pilot.click("CopyLine", offset=(8, 0))
        assert pilot.app.clipboard == f"rigfit run {NAME} -- python"

    drive(Installer(recorded_rig("cpu-only.json", catalog, tmp_path)), journey)


def test_the_receipt_tells_libraries_place_and_lock(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await show(pilot)
        for text in ("torch 2.13.0+cpu", "sha256 abab", "/usr/bin/python3.11", "on cpu, level full", "The proof"):
            assert text in seen(pilot)
        assert "run again" not in seen(pilot)

    drive(Installer(recorded_rig("cpu-only.json", catalog, tmp_path)), journey, size=(120, 40))


def test_enter_begins_at_the_first_screen_and_e_shows_what_there_is(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await show(pilot)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, EnvironmentsScreen))
        await pilot.press("escape")
        await until_shown(pilot, f"✓ Proven: {NAME}")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, MachineScreen))
        await until_shown(pilot, "best fit")

    drive(Installer(recorded_rig("cpu-only.json", catalog, tmp_path)), journey)
