"""The plan: what it shows, what can be changed, and that nothing runs before Enter, or on a recorded machine at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

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
    here = True

    def __init__(self, settings: Settings, wish: Wish, notes: Notes) -> None:
        super().__init__(settings, wish)
        self.notes = notes

    @property
    def is_recorded(self) -> bool:
        return not self.here

    def afresh(self, *, home: Path | None = None, wish: Wish | None = None) -> Rig:
        other = super().afresh(home=home, wish=wish)
        return PlanningRig(other.settings, other.wish, self.notes)

    def plan(self, selection: Selection) -> Plan:
        if self.problem is not None:
            raise ProblemError(self.problem)
        assert selection.chosen is not None
        self.notes.planned.append((selection.chosen.variant.name, str(self.settings.home.path), selection.wish.gpu))
        return a_plan(self.settings.home.path)

    def setup(self, plan: Plan) -> Job:
        job = super().setup(plan)
        self.notes.started.append(plan.environment)
        return job_of((), job.environment)


@dataclass
class Notes:
    planned: list[tuple[str, str, str | None]] = field(default_factory=list)
    started: list[str] = field(default_factory=list)


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
            "to fetch     at most 3.0 GiB",
            "on disk      at most 7.0 GiB",
            "because the conda channel cannot be reached",
            "/wheels/torch.whl",
            "Nothing has been done so far",
            "enter set it up",
        ):
            assert text in seen(pilot)

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
        await until_shown(pilot, "64 libraries from wheels", "it can be judged")
        await pilot.press("enter")
        await until_shown(pilot, "is a recorded machine")
        assert isinstance(pilot.app.screen, PlanScreen)

    drive(Installer(rig), journey, size=(120, 40))
    assert rig.notes.started == []


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
        await until_shown(pilot, "✗ too little free disk space", "[1]  free 3.0 GiB")
        assert "set it up" not in seen(pilot)
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, PlanScreen)

    drive(Installer(rig), journey)
    assert rig.notes.started == []
