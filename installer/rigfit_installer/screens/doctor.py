"""What is wrong: what the error of a failed run means, then the machine, each with what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalGroup, VerticalScroll
from textual.widget import Widget

from rigfit.core.finding import Diagnosis
from rigfit.core.words import say
from rigfit_installer.draw.machine import recorded_rows
from rigfit_installer.failure import Failure
from rigfit_installer.key import Key, bindings
from rigfit_installer.screens.stage import BACK, COPY, HELP, PALETTE, QUIT, Stage
from rigfit_installer.widgets.copy_line import CopyLine
from rigfit_installer.widgets.finding_card import diagnosed
from rigfit_installer.widgets.problem_card import ProblemCard
from rigfit_installer.widgets.sheet import Sheet
from rigfit_installer.words import MUTED, STRONG, shown

_SOURCES = Key(
    keys="v",
    label="v",
    does=say("sources"),
    action="sources",
    help=say("shows and hides the code of each finding, and where it is known from"),
)
_AGAIN = Key(
    keys="r",
    label="r",
    does=say("look again"),
    action="again",
    help=say("looks afresh, after you have mended something"),
)


class DoctorScreen(Stage):
    """`failure` is the run that failed, if one did. Whoever leaves meanwhile is not told what is found."""

    NAME = "doctor"
    CSS_PATH = "doctor.tcss"
    KEYS = (BACK, _AGAIN, _SOURCES, COPY, PALETTE, HELP, QUIT)
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)
    AUTO_FOCUS = "#doctor"

    def __init__(self, failure: Failure | None = None) -> None:
        super().__init__()
        self._failure = failure
        self._looks = 0  # the last one is the one whose answers are wanted

    def body(self) -> ComposeResult:
        with VerticalScroll(id="doctor"):
            if self._failure is not None:
                yield Sheet(shown(say("The run that failed"), STRONG))
                yield VerticalGroup(id="error")
                yield Sheet(shown(say("The machine"), STRONG))
            rows = [*recorded_rows(self.installer.rig.settings.machine)]
            if rows:
                whose = Sheet(id="whose")
                whose.lay(rows)
                yield whose
            yield VerticalGroup(id="host")

    def on_mount(self) -> None:
        self.run_worker(self._look())

    async def _look(self) -> None:
        """The error first, so that its lines have the first numbers; that takes a moment, the machine may take seconds."""
        self._looks += 1
        look, rig, failure = self._looks, self.installer.rig, self._failure
        await self.fill("#host", Sheet(shown(say("Looking at this machine ..."), MUTED), classes="part"))
        if failure is None:
            self._ask(look, "#host", rig.examine)
            return
        await self.fill("#error", Sheet(shown(say("Looking for what the error means ..."), MUTED), classes="part"))
        self._ask(
            look,
            "#error",
            lambda: rig.explain(failure.text, failure.environment),
            then=lambda: self._ask(look, "#host", rig.examine),
        )

    def _ask(
        self, look: int, place: str, question: Callable[[], Diagnosis], then: Callable[[], None] = lambda: None
    ) -> None:
        async def told(*parts: Widget) -> None:
            await self.fill(place, *parts)
            self.keys_changed()
            then()

        self.ask(
            question,
            lambda found: told(*self._drawn(found)),
            lambda problem: told(ProblemCard(problem, after=self._taken)),
            wanted=lambda: look == self._looks,
        )

    def _drawn(self, found: Diagnosis) -> tuple[Widget, ...]:
        rig = self.installer.rig
        recorded = rig.is_recorded and found.subject == "machine"
        home = None if recorded else rig.settings.named_home
        return tuple(diagnosed(found, after=self._taken, home=home, recorded=recorded))

    @property
    def _taken(self) -> int:
        """The last number of a line to copy that is there already."""
        return max((line.number for line in self.query(CopyLine)), default=0)

    def usable_keys(self) -> tuple[Key, ...]:
        return tuple(key for key in self.KEYS if key is not COPY or self.query(CopyLine))

    def action_sources(self) -> None:
        self.toggle_class("-sources")

    def action_again(self) -> None:
        self.run_worker(self._look())
