"""What is set up: its receipts, its size, and proving, repairing or removing it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
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
from rigfit_installer.widgets.marked_list import MarkedList
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
        self._weighed: set[str] = set()  # or about to be
        self._leaving: set[str] = set()  # while their files are removed
        self._refused: tuple[str, Problem] | None = None  # of the one that is highlighted

    def body(self) -> ComposeResult:
        with Container(id="kept"):
            yield MarkedList(id="environments")
            with VerticalScroll(id="environment", can_focus=False):
                yield Sheet(shown(say("Looking at the environments ..."), MUTED), id="facts")
                yield Container(id="use", classes="beside-scrollbar")

    def on_screen_resume(self) -> None:
        """Also when it is opened."""
        self._look()

    def usable_keys(self) -> tuple[Key, ...]:
        if not self._found:
            return (BACK, PALETTE, HELP, QUIT)
        return self.KEYS if self._here else (BACK, PALETTE, COPY, HELP, QUIT)

    def _look(self) -> None:
        self.ask(self.installer.rig.environments, self._show)

    async def _show(self, found: tuple[Environment, ...]) -> None:
        self._found = {each.name: each for each in found}
        self._await_removals()
        self._draw_list()
        self.keys_changed()
        if not found:
            none = say("No environment yet. Pick a template on Choose to set one up.")
            self.query_one("#facts", Sheet).update(shown(none, MUTED))
            await self.fill("#use")
        for each in found:
            self._weigh(each)

    def _await_removals(self) -> None:
        """Those that another visit to this screen has begun."""
        removals = self.installer.rig.removals
        for name in set(removals.names) - self._leaving:
            self._leaving.add(name)
            self.ask(partial(removals.wait_for, name), partial(self._left, name))

    def _left(self, name: str, _nothing: None) -> None:
        self._leaving.discard(name)
        self._forget_weight(name)
        self._look()

    def _weigh(self, each: Environment) -> None:
        rig = self.installer.rig

        def weighed(weight: Weight) -> None:
            self._weights[each.name] = weight
            self._draw_list()

        if each.name not in self._weighed:
            self._weighed.add(each.name)
            self.ask(lambda: rig.weigh(each), weighed)

    def _forget_weight(self, name: str) -> None:
        self._weights.pop(name, None)
        self._weighed.discard(name)

    def _draw_list(self) -> None:
        listed = self.query_one(MarkedList)
        before = listed.highlighted_option.id if listed.highlighted_option else None
        rows = [
            environment_row(each, self._weights.get(each.name), leaving=each.name in self._leaving)
            for each in self._found.values()
        ]
        names = list(self._found)
        listed.set_options([Option(line, id=name) for line, name in zip(aligned(rows), names, strict=True)])
        if names:
            listed.highlighted = names.index(before) if before in names else 0

    @property
    def _highlighted(self) -> Environment | None:
        option = self.query_one(MarkedList).highlighted_option
        return self._found.get(option.id or "") if option else None

    @property
    def _here(self) -> Environment | None:
        """The one that a key is about; none that is being removed already."""
        each = self._highlighted
        return None if each is None or each.name in self._leaving else each

    @on(OptionList.OptionHighlighted, "#environments")
    async def _moved(self) -> None:
        each = self._highlighted
        if each is None:
            return
        if self._refused and self._refused[0] != each.name:
            self._refused = None
        self.keys_changed()
        await self._tell(each)

    async def _tell(self, each: Environment) -> None:
        """Its facts, and the lines to use it; in their place, until one moves on, what was refused of it."""
        self.query_one("#facts", Sheet).lay(environment_rows(each, self._weights.get(each.name)))
        if self._refused:
            await self.fill("#use", ProblemCard(self._refused[1]))
            self.query_one("#environment").scroll_end(animate=False)
        else:
            home = self.installer.rig.settings.named_home
            await self.fill("#use", *copy_lines(uses(each.making, home) if each.usable and each.making else ()))

    # Deeds

    async def action_verify(self) -> None:
        each = self._here
        if each is not None:
            await self._run(each, lambda: self.installer.rig.verify(each))

    async def _run(self, each: Environment, job: Callable[[], Job]) -> None:
        try:
            begun = job()
        except ProblemError as error:
            await self._refuse(each, error.problem)
        else:
            self._refused = None
            self._forget_weight(each.name)
            self.installer.run_job(begun)

    async def _refuse(self, each: Environment, problem: Problem) -> None:
        """Where one has moved on meanwhile, one is brought back to it: no refusal stands beside another's name."""
        self._refused = (each.name, problem)
        listed = self.query_one(MarkedList)
        listed.highlighted = list(self._found).index(each.name) if each.name in self._found else None
        await self._tell(each)

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
                lambda: self.run_worker(self._run(here, lambda: rig.setup(plan))),
            )

        self.ask(lambda: rig.plan_repair(here), planned, refused=lambda problem: self._refuse(here, problem))

    def action_remove(self) -> None:
        each, rig = self._here, self.installer.rig
        if each is None:
            return
        here, weight = each, self._weights.get(each.name)
        gives = f"{said(freed(weight))}\n" if weight else ""
        consequence = f"{here.prefix}\n{gives}{said(say('With everything in it; this cannot be undone.'))}"

        def remove() -> None:
            self._leaving.add(here.name)
            self._draw_list()
            self.ask(lambda: rig.remove(here), removed, refused=kept)

        def removed(_nothing: None) -> None:
            self.notify(said(say("removed {name}", name=here.name)), markup=False)
            self._left(here.name, None)

        async def kept(problem: Problem) -> None:
            self._leaving.discard(here.name)
            self._draw_list()
            await self._refuse(here, problem)

        self._asked(say("Remove {name}?", name=here.name), consequence, say("remove it"), remove)

    def _asked(self, question: str, consequence: str, yes: str, then: Callable[[], object]) -> None:
        from rigfit_installer.screens.ask import AskScreen

        def answered(agreed: bool | None) -> None:  # noqa: FBT001 - Textual hands the answer over so
            if agreed:
                then()

        self.put(AskScreen(question, consequence, yes), answered)
