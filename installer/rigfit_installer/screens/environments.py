"""What is set up: its receipts, its size, and proving, repairing or removing it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from rigfit.core.environment import Environment
from rigfit.core.plan import Plan
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.draw.environments import environment_row, environment_rows, freed
from rigfit_installer.draw.receipt import uses
from rigfit_installer.job import Job
from rigfit_installer.key import Key, bindings
from rigfit_installer.screens.stage import BACK, COPY, HELP, PALETTE, QUIT, Stage
from rigfit_installer.widgets.columns import aligned
from rigfit_installer.widgets.copy_line import copy_lines
from rigfit_installer.widgets.problem_card import ProblemCard
from rigfit_installer.widgets.sheet import Sheet
from rigfit_installer.words import MUTED, shown

if TYPE_CHECKING:
    from rigfit.engine.weighing import Weight

_DEEDS = (
    Key(
        keys="v",
        label="v",
        does=say("verify"),
        action="verify",
        help=say("proves it again; a failure withdraws its receipt"),
    ),
    Key(
        keys="r",
        label="r",
        does=say("repair"),
        action="repair",
        help=say("makes it afresh from its lock, and proves it"),
    ),
    Key(keys="d,delete", label="d", does=say("remove"), action="remove", help=say("asks, and says what is freed")),
)


class EnvironmentsScreen(Stage):
    NAME = "environments"
    CSS_PATH = "environments.tcss"
    KEYS = (*_DEEDS, BACK, PALETTE, COPY, HELP, QUIT)
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    AUTO_FOCUS = "#environments"

    def __init__(self) -> None:
        super().__init__()
        self._found: dict[str, Environment] = {}
        self._weights: dict[str, Weight] = {}

    def body(self) -> ComposeResult:
        with Container(id="kept"):
            yield OptionList(id="environments")
            with VerticalScroll(id="environment", can_focus=False):
                yield Sheet(shown(say("Looking at the environments ..."), MUTED), id="facts")
                yield Container(id="use", classes="beside-scrollbar")

    def on_mount(self) -> None:
        self._look()

    def on_screen_resume(self) -> None:
        self._look()

    def usable_keys(self) -> tuple[Key, ...]:
        return self.KEYS if self._found else (BACK, PALETTE, HELP, QUIT)

    def _look(self) -> None:
        self.ask(self.installer.rig.environments, self._show)

    def _show(self, found: tuple[Environment, ...]) -> None:
        self._found = {each.name: each for each in found}
        self.keys_changed()
        self._draw_list()
        if not found:
            none = say("No environment yet. Choose a template on the first screen to set one up.")
            self.query_one("#facts", Sheet).update(shown(none, MUTED))
        for each in found:
            self._weigh(each)

    def _weigh(self, each: Environment) -> None:
        rig = self.installer.rig

        def weighed(weight: Weight) -> None:
            self._weights[each.name] = weight
            self._draw_list()

        if each.name not in self._weights:
            self.ask(lambda: rig.weigh(each), weighed)

    def _draw_list(self) -> None:
        listed = self.query_one("#environments", OptionList)
        before = listed.highlighted_option.id if listed.highlighted_option else None
        rows = [environment_row(each, self._weights.get(each.name)) for each in self._found.values()]
        names = list(self._found)
        listed.set_options([Option(line, id=name) for line, name in zip(aligned(rows), names, strict=True)])
        if names:
            listed.highlighted = names.index(before) if before in names else 0

    @property
    def _here(self) -> Environment | None:
        option = self.query_one("#environments", OptionList).highlighted_option
        return self._found.get(option.id or "") if option else None

    @on(OptionList.OptionHighlighted, "#environments")
    async def _moved(self) -> None:
        each = self._here
        if each is None:
            return
        self.query_one("#facts", Sheet).lay(environment_rows(each, self._weights.get(each.name)))
        await self.fill("#use", *copy_lines(uses(each.making) if each.usable and each.making else ()))

    # Deeds

    async def action_verify(self) -> None:
        each = self._here
        if each is not None:
            await self._run(lambda: self.installer.rig.verify(each))

    async def _run(self, job: Callable[[], Job]) -> None:
        try:
            self.installer.run_job(job())
        except ProblemError as error:
            await self.on_problem(error.problem)

    async def on_problem(self, problem: Problem) -> None:
        """In the place of the lines to use it, until one moves on."""
        await self.fill("#use", ProblemCard(problem))
        self.query_one("#environment").scroll_end(animate=False)

    def action_repair(self) -> None:
        each, rig = self._here, self.installer.rig
        if each is None:
            return
        here = each

        def planned(plan: Plan) -> None:
            lost = say("Its receipt is withdrawn first, and files that you added to it are lost.")
            self._asked(
                say("Make {name} afresh?", name=here.name),
                lost,
                say("repair it"),
                lambda: self.run_worker(self._run(lambda: rig.setup(plan))),
            )

        self.ask(lambda: rig.plan_repair(here), planned)

    def action_remove(self) -> None:
        each, rig = self._here, self.installer.rig
        if each is None:
            return
        here, weight = each, self._weights.get(each.name)
        gives = f"{said(freed(weight))}\n" if weight else ""
        consequence = f"{here.prefix}\n{gives}{said(say('With everything in it; this cannot be undone.'))}"

        def removed(_nothing: None) -> None:
            self._weights.pop(here.name, None)
            self.notify(said(say("removed {name}", name=here.name)), markup=False)
            self._look()

        question = say("Remove {name}?", name=here.name)
        self._asked(question, consequence, say("remove it"), lambda: self.ask(lambda: rig.remove(here), removed))

    def _asked(self, question: str, consequence: str, yes: str, then: Callable[[], object]) -> None:
        from rigfit_installer.screens.ask import AskScreen

        def answered(agreed: bool | None) -> None:  # noqa: FBT001 - Textual hands the answer over so
            if agreed:
                then()

        self.app.push_screen(AskScreen(question, consequence, yes), answered)
