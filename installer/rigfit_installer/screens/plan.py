"""What would be done, before anything is: steps, bytes, places; home, GPU and variant can be changed here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from rigfit.core.plan import Plan
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.selection import Selection
from rigfit.core.words import say
from rigfit_installer.draw import choice
from rigfit_installer.draw.plan import plan_rows, step_rows
from rigfit_installer.key import Key, bindings
from rigfit_installer.screens.stage import BACK, COPY, HELP, PALETTE, QUIT, Stage
from rigfit_installer.widgets.columns import aligned
from rigfit_installer.widgets.problem_card import ProblemCard
from rigfit_installer.widgets.sheet import Sheet
from rigfit_installer.words import MUTED, shown

_GO = Key(keys="enter", label="enter", does=say("set it up"), action="go_on")
_HOW = Key(keys="enter", label="enter", does=say("how to set it up"), action="go_on")  # for a recorded machine
_CHANGES = (
    Key(keys="v", label="v", does=say("variant"), action="change_variant"),
    Key(keys="g", label="g", does=say("GPU"), action="change_gpu"),
    Key(keys="h", label="h", does=say("home"), action="change_home"),
)
_AGAIN = Key(
    keys="r",
    label="r",
    does=say("plan again"),
    action="plan_again",
    help=say("asks all sources afresh, after the network has come back, say"),
)


class PlanScreen(Stage):
    """Of `template`, in the variant that fits best until another is picked."""

    NAME = "plan"
    CSS_PATH = "plan.tcss"
    KEYS = (_GO, _AGAIN, *_CHANGES, BACK, PALETTE, COPY, HELP, QUIT)
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    def __init__(self, template: str) -> None:
        super().__init__()
        self._template = template
        self._variant: str | None = None
        self._asked = 0  # how many plans: only the last one is wanted
        self.plan: Plan | None = None
        self._is_refused = False

    def body(self) -> ComposeResult:
        yield VerticalScroll(id="plan")

    def on_mount(self) -> None:
        self.plan_anew()

    def plan_anew(self) -> None:
        """What was planned before is wanted no more."""
        self.run_worker(self._make())

    def usable_keys(self) -> tuple[Key, ...]:
        go = _HOW if self.installer.rig.is_recorded else _GO
        can = (go,) if self.plan else (_AGAIN,) if self._is_refused else ()
        return (*can, *_CHANGES, BACK, PALETTE, COPY, HELP, QUIT)

    async def _make(self) -> None:
        self._asked += 1
        number = self._asked
        self.plan, self._is_refused = None, False
        self.keys_changed()
        asking = say("Planning: asking what is there and what can be had ...")
        await self.fill("#plan", Sheet(shown(asking, MUTED)))
        rig, template, variant = self.installer.rig, self._template, self._variant

        def planned() -> tuple[Selection, Plan]:
            judged = rig.select(template, variant)
            return judged, rig.plan(judged)

        self.ask(planned, self._show, refused=self._refuse_to_plan, wanted=lambda: number == self._asked)

    async def _show(self, made: tuple[Selection, Plan]) -> None:
        judged, self.plan = made
        plan = self.plan
        self.keys_changed()
        facts, steps = Sheet(), Sheet(classes="steps")
        facts.lay(plan_rows(plan))
        steps.lay(step_rows(plan), giving=(1,), right=(2, 3))
        notes = Sheet(classes="notes")
        notes.lay(choice.warning_rows(judged.warnings))
        await self.fill("#plan", facts, steps, *([notes] if judged.warnings else []), self._promise())

    def _promise(self) -> Sheet:
        if self.installer.rig.is_recorded:
            text = say(
                "This is the plan for a recorded machine: nothing can be proven on it from here. Enter says what can be done."
            )
        else:
            text = say("Nothing has been done so far. Enter does it; it can be stopped at any moment.")
        return Sheet(shown(text, MUTED), classes="promise")

    async def _refuse_to_plan(self, problem: Problem) -> None:
        self._is_refused = True
        self.keys_changed()
        await self.fill("#plan", ProblemCard(problem))

    def action_plan_again(self) -> None:
        """With the machine as it is now: what was read of it may be what has changed."""
        self.installer.look_again()
        self.plan_anew()

    async def on_problem(self, problem: Problem) -> None:
        """Of whatever was asked beside the plan: below it, which stays as it is."""
        place = self.query_one("#plan")
        await place.query(ProblemCard).remove()
        await place.mount(ProblemCard(problem))
        place.scroll_end(animate=False)

    async def action_go_on(self) -> None:
        if self.plan is None:
            return
        try:
            self.installer.run_job(self.installer.rig.setup(self.plan))
        except ProblemError as error:
            await self.on_problem(error.problem)

    # Changes, each of which makes a new plan

    def action_change_variant(self) -> None:
        from rigfit_installer.screens.pick import PickScreen

        rig, template = self.installer.rig, self._template

        def judged() -> list[Selection]:
            """Each as if it were asked for: on purpose, a CPU build fits beside a GPU."""
            names = [each.variant.name for each in rig.select(template).candidates]
            return [rig.select(template, name) for name in names]

        def offered(each_judged: list[Selection]) -> None:
            rows = [choice.variant_row(each.candidates[0]) for each in each_judged]
            names = [each.candidates[0].variant.name for each in each_judged]
            now = self.plan.target.variant.name if self.plan else ""
            offers = tuple(zip(names, aligned(rows), strict=True))
            self.put(PickScreen(say("Which variant"), offers, now), picked)

        def picked(variant: str | None) -> None:
            if variant is not None:
                self._variant = variant
                self.plan_anew()

        self.ask(judged, offered)

    def action_change_gpu(self) -> None:
        from rigfit_installer.screens.pick import PickScreen

        def offered(machine_gpus: tuple[tuple[str, Content], ...]) -> None:
            offers = (("all", shown(say("every GPU that it works on"))), *machine_gpus)
            self.put(PickScreen(say("Which GPU"), offers, rig.wish.gpu or "all"), picked)

        def picked(gpu: str | None) -> None:
            if gpu is not None:
                self.installer.look_again(wish=replace(rig.wish, gpu=gpu))
                self.plan_anew()

        rig = self.installer.rig
        self.ask(
            lambda: tuple((str(gpu.index), Content(f"GPU {gpu.index}  {gpu.label}")) for gpu in rig.machine().gpus),
            offered,
        )

    def action_change_home(self) -> None:
        from rigfit_installer.screens.place import PlaceScreen

        rig = self.installer.rig

        def picked(home: Path | None) -> None:
            if home is not None:
                self.installer.look_again(home=home)
                self.plan_anew()

        self.put(PlaceScreen(rig.settings.home.path, rig.settings.environ), picked)
