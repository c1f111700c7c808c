"""The plan: what it shows, what can be changed, and that nothing runs before Enter, or on a recorded machine at all."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.stand_ins.plans import make_target
from tests.tui.driving import drive, job_of, recorded_rig, seen, until, until_shown
from textual.pilot import Pilot

from rigfit.core.plan import Base, Plan, Step, Survey
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.selection import Selection, Wish
from rigfit.engine.settings import Settings
from rigfit_installer.app import Installer
from rigfit_installer.job import Job
from rigfit_installer.rig import Rig
from rigfit_installer.screens.plan import PlanScreen
from rigfit_installer.screens.run import RunScreen


class PlanningRig(Rig):
    """Plans without asking any source; `notes` hold what it was asked. Takes a file for the machine that it runs on."""

    problem: Problem | None = None
    no_choice: Problem | None = None
    here = True
    arch = "x86_64"

    def __init__(self, settings: Settings, wish: Wish, notes: Notes) -> None:
        super().__init__(settings, wish)
        self.notes = notes

    @property
    def is_recorded(self) -> bool:
        return not self.here

    def afresh(self, *, home: Path | None = None, wish: Wish | None = None) -> Rig:
        other = super().afresh(home=home, wish=wish)
        return PlanningRig(other.settings, other.wish, self.notes)

    def select(self, template: str | None = None, variant: str | None = None) -> Selection:
        if self.no_choice is not None:
            raise ProblemError(self.no_choice)
        return super().select(template, variant)

    def plan(self, selection: Selection) -> Plan:
        if self.problem is not None:
            raise ProblemError(self.problem)
        assert selection.chosen is not None
        self.notes.planned.append((selection.chosen.variant.name, str(self.settings.home.path), selection.wish.gpu))
        plan = a_plan(self.settings.home.path)
        machine = plan.target.machine
        return replace(
            plan,
            target=replace(plan.target, machine=replace(machine, platform=replace(machine.platform, arch=self.arch))),
        )

    def setup(self, plan: Plan) -> Job:
        job = super().setup(plan)
        self.notes.started.append(plan.environment)
        return job_of((), job.environment)


@dataclass
class Notes:
    planned: list[tuple[str, str, str | None]] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)


def a_plan(home: Path) -> Plan:
    base = Base(kind="local", version="3.11.2", python="/usr/bin/python3.11", why="the conda channel cannot be reached")
    survey = Survey(
        base=base,
        offline=False,
        missing=(),
        local_files={"ab": "/wheels/torch.whl"},
        environment_free=None,
        cache_free=None,
        same_disk=True,
        state="absent",
    )
    libraries = Step(id="libraries", title="64 libraries from wheels", fetch=3 * 1024**3, disk=7 * 1024**3)
    steps = (Step(id="base", title="Python 3.11.2 of this machine"), libraries, Step(id="verify", title="prove it"))
    return Plan(target=make_target(home), base=base, survey=survey, steps=steps)


def rig_at(tmp_path: Path, catalog: Path, machine: str = "t4-535.json") -> PlanningRig:
    return PlanningRig(recorded_rig(machine, catalog, tmp_path).settings, Wish(), Notes())


async def open_plan(pilot: Pilot[int]) -> None:
    await until_shown(pilot, "best fit")
    assert isinstance(pilot.app, Installer)
    pilot.app.go_to_plan("small")
    await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen))


def test_the_plan_tells_steps_bytes_places_and_base(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await open_plan(pilot)
        await until_shown(pilot, "64 libraries from wheels")
        for text in (
            "to fetch         at most 3.0 GiB",
            "on disk          at most 7.0 GiB",
            "because the conda channel cannot be reached",
            "/wheels/torch.whl",
            "Nothing has been done so far",
            "enter set it up",
        ):
            assert text in seen(pilot)

    drive(Installer(rig_at(tmp_path, catalog)), journey, size=(110, 30))


def test_amounts_of_bytes_end_under_each_other(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await open_plan(pilot)
        await until_shown(pilot, "64 libraries from wheels")
        head = next(line for line in seen(pilot).splitlines() if "Steps" in line)
        row = next(line for line in seen(pilot).splitlines() if "64 libraries from wheels" in line)
        assert head.index("to fetch") + len("to fetch") == row.index("3.0 GiB") + len("3.0 GiB")
        assert len(head) == len(row)

    drive(Installer(rig_at(tmp_path, catalog)), journey, size=(110, 30))


def test_nothing_runs_before_enter(catalog: Path, tmp_path: Path) -> None:
    rig = rig_at(tmp_path / "home", catalog)

    async def journey(pilot: Pilot[int]) -> None:
        await open_plan(pilot)
        await until_shown(pilot, "Nothing has been done so far")
        assert rig.notes.started == []
        assert not (tmp_path / "home").exists()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
        assert len(rig.notes.started) == 1

    drive(Installer(rig), journey)


def test_a_recorded_machine_is_judged_and_never_set_up(catalog: Path, tmp_path: Path) -> None:
    rig = rig_at(tmp_path, catalog)
    rig.here = False

    async def journey(pilot: Pilot[int]) -> None:
        await open_plan(pilot)
        await until_shown(pilot, "64 libraries from wheels", "nothing can be proven on it")
        await pilot.press("enter")
        await until_shown(pilot, "is a recorded machine")
        assert isinstance(pilot.app.screen, PlanScreen)

    drive(Installer(rig), journey, size=(120, 40))
    assert rig.notes.started == []


def test_what_another_processor_would_have_to_start_is_not_offered_to_be_made_here(
    catalog: Path, tmp_path: Path
) -> None:
    rig = rig_at(tmp_path, catalog)
    rig.here, rig.arch = False, "another"

    async def journey(pilot: Pilot[int]) -> None:
        await open_plan(pilot)
        await until_shown(pilot, "64 libraries from wheels")
        await pilot.press("enter")
        await until_shown(pilot, "[1]  run `rigfit setup sample --variant cpu` on that machine")
        assert "--no-verify" not in seen(pilot)

    drive(Installer(rig), journey, size=(120, 40))


def test_another_variant_is_planned_when_it_is_picked(catalog: Path, tmp_path: Path) -> None:
    rig = rig_at(tmp_path, catalog)

    async def journey(pilot: Pilot[int]) -> None:
        await open_plan(pilot)
        await until_shown(pilot, "64 libraries from wheels")
        await pilot.press("v")
        await until_shown(pilot, "Which variant", "torch 2.13.0+cpu")
        await pilot.press("end", "enter")
        await until(pilot, lambda: len(rig.notes.planned) == 2)
        await until_shown(pilot, "64 libraries from wheels")

    drive(Installer(rig), journey)
    assert [variant for variant, _home, _gpu in rig.notes.planned] == ["cu121", "cpu"]


def test_another_gpu_and_another_home_make_another_plan(catalog: Path, tmp_path: Path) -> None:
    rig = rig_at(tmp_path, catalog, "v100-a100-535.json")

    async def journey(pilot: Pilot[int]) -> None:
        await open_plan(pilot)
        await until_shown(pilot, "64 libraries from wheels")
        await pilot.press("g")
        await until_shown(pilot, "Which GPU", "GPU 1")
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: len(rig.notes.planned) == 2)
        await until_shown(pilot, "64 libraries from wheels")
        await pilot.press("h")
        await until_shown(pilot, "Where environments and receipts are kept")
        await pilot.press(*"/more", "enter")
        await until(pilot, lambda: len(rig.notes.planned) == 3)

    drive(Installer(rig), journey)
    assert [(home, gpu) for _variant, home, gpu in rig.notes.planned] == [
        (str(tmp_path), None),
        (str(tmp_path), "1"),
        (f"{tmp_path}/more", "1"),
    ]


class SlowRig(PlanningRig):
    """Plans for the home that it began with only when `go_on` is set."""

    def __init__(self, settings: Settings, wish: Wish, notes: Notes, go_on: threading.Event, slow: Path) -> None:
        super().__init__(settings, wish, notes)
        self._go_on, self._slow = go_on, slow

    def afresh(self, *, home: Path | None = None, wish: Wish | None = None) -> Rig:
        other = super().afresh(home=home, wish=wish)
        return SlowRig(other.settings, other.wish, self.notes, self._go_on, self._slow)

    def plan(self, selection: Selection) -> Plan:
        if self.settings.home.path == self._slow:
            self._go_on.wait(20)
        plan = super().plan(selection)
        self.notes.done.append(str(self.settings.home.path))
        return plan

    def setup(self, plan: Plan) -> Job:
        assert plan.target.prefix.startswith(f"{self.settings.home.path}/")
        return super().setup(plan)


@pytest.mark.parametrize("refuses", [False, True])
def test_an_older_plan_that_comes_late_does_not_replace_the_newer_one(
    catalog: Path, tmp_path: Path, *, refuses: bool
) -> None:
    go_on, old, new = threading.Event(), tmp_path / "old", tmp_path / "new"
    rig = SlowRig(recorded_rig("t4-535.json", catalog, old).settings, Wish(), Notes(), go_on, old)
    late = Problem(code="disk_full", what="too little for the old home") if refuses else None

    async def journey(pilot: Pilot[int]) -> None:
        await open_plan(pilot)
        await pilot.press("h")
        await until_shown(pilot, "Where environments and receipts are kept")
        await pilot.press("ctrl+u", *str(new), "enter")
        await until_shown(pilot, f"where to         {new}/", "enter set it up")
        rig.problem = late
        go_on.set()
        await until(pilot, lambda: len(rig.notes.done) == 2 or refuses)
        await pilot.pause(0.3)
        assert f"where to         {new}/" in seen(pilot)
        assert "too little" not in seen(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))

    drive(Installer(rig), journey, size=(200, 40))


def test_what_is_refused_beside_a_plan_leaves_it_in_sight_with_its_enter(catalog: Path, tmp_path: Path) -> None:
    rig = rig_at(tmp_path, catalog)

    async def journey(pilot: Pilot[int]) -> None:
        await open_plan(pilot)
        await until_shown(pilot, "64 libraries from wheels")
        rig.no_choice = Problem(code="catalog_invalid", what="the catalog has gone")
        await pilot.press("v")
        await until_shown(pilot, "✗ the catalog has gone", "64 libraries from wheels", "enter set it up")

    drive(Installer(rig), journey, size=(120, 40))


def test_enter_is_not_called_a_setup_where_the_machine_is_recorded(catalog: Path, tmp_path: Path) -> None:
    rig = rig_at(tmp_path, catalog)
    rig.here = False

    async def journey(pilot: Pilot[int]) -> None:
        await open_plan(pilot)
        await until_shown(pilot, "64 libraries from wheels", "enter how to set it up")
        assert "enter set it up" not in seen(pilot)

    drive(Installer(rig), journey, size=(120, 40))


def test_a_question_comes_once_however_often_its_key_is_pressed(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await open_plan(pilot)
        await until_shown(pilot, "64 libraries from wheels")
        for _ in range(3):
            pilot.app.simulate_key("v")
        await until_shown(pilot, "Which variant")
        await pilot.pause(0.3)
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, PlanScreen)

    drive(Installer(rig_at(tmp_path, catalog)), journey)


def test_escape_from_a_question_leaves_the_plan_as_it_is(catalog: Path, tmp_path: Path) -> None:
    rig = rig_at(tmp_path, catalog)

    async def journey(pilot: Pilot[int]) -> None:
        await open_plan(pilot)
        await until_shown(pilot, "64 libraries from wheels")
        for key, question in (("v", "Which variant"), ("g", "Which GPU"), ("h", "Where environments")):
            await pilot.press(key)
            await until_shown(pilot, question)
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen))

    drive(Installer(rig), journey)
    assert len(rig.notes.planned) == 1


def test_a_plan_that_cannot_be_made_says_why_and_offers_no_enter(catalog: Path, tmp_path: Path) -> None:
    rig = rig_at(tmp_path, catalog)
    rig.problem = Problem(code="disk_full", what="too little free disk space", fix=("free 3.0 GiB",))

    async def journey(pilot: Pilot[int]) -> None:
        await open_plan(pilot)
        await until_shown(pilot, "✗ too little free disk space", "·   free 3.0 GiB")
        assert "set it up" not in seen(pilot)
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, PlanScreen)

    drive(Installer(rig), journey)
    assert rig.notes.started == []
