"""A run while it happens, or replayed: a row for each step, then the checks one by one."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from rigfit.core.cancel import Cancel
from rigfit.core.event import Event, Progress, RunFailed, RunFinished, StepStarted
from rigfit.core.pace import Pace
from rigfit.core.progress import RunView
from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.draw.run import check_rows, step_rows
from rigfit_installer.job import Job
from rigfit_installer.key import Key, bindings
from rigfit_installer.screens.stage import HELP, QUIT, Stage
from rigfit_installer.widgets.log_pane import LOG, LogPane
from rigfit_installer.widgets.sheet import Sheet
from rigfit_installer.words import MUTED, STRONG

_BEAT = 0.1  # seconds between two drawings, however many events there are

_STOP = Key(
    keys="x,escape",
    label="x",
    does=say("stop"),
    action="stop",
    help=say("asks first; what is done so far is never listed as usable, and downloads are kept for the next time"),
)


class RunScreen(Stage):
    """Draws the events of `job`, whoever makes them; the thread that makes them is this screen's own."""

    NAME = "run"
    CSS_PATH = "run.tcss"
    KEYS = (_STOP, LOG, HELP, QUIT)
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job
        self.view = RunView(environment=job.environment)
        self.cancel = Cancel()
        self._heard: deque[Event | Exception] = deque()
        self._pace = Pace()
        self._drawn = (RunView(), 0)

    @property
    def under_way(self) -> bool:
        return self.view.finished is None and self.view.problem is None

    def body(self) -> ComposeResult:
        yield Sheet(self._head(), id="head")
        with VerticalScroll(id="run"):
            yield Sheet(id="steps")
            yield Sheet(id="checks")
        yield LogPane()

    def _head(self) -> Content:
        stopping = f"  {said(say('stopping ...'))}" if self.cancel.requested and self.under_way else ""
        return Content.assemble(
            (f"{said(self.job.title)}  ", MUTED), (self.job.environment, STRONG), (stopping, "bold")
        )

    def on_mount(self) -> None:
        self._beat = self.set_interval(_BEAT, self._draw)
        threading.Thread(target=self._follow, daemon=True, name="rigfit-run").start()

    def _follow(self) -> None:
        """In a thread: events pile up here, and are drawn at the next beat."""
        try:
            for event in self.job.events(self.cancel):
                self._heard.append(event)
        except Exception as error:  # noqa: BLE001 - a bug, which rises where it is seen
            self._heard.append(error)

    def _draw(self) -> None:
        """All that happened since the last beat, in one drawing."""
        while self._heard:
            heard = self._heard.popleft()
            if isinstance(heard, Exception):
                raise heard
            self._take_in(heard)
        drawn, second = self._drawn
        now = time.monotonic()
        if self.view is drawn and int(now) == second:
            return
        if self.view.log is not drawn.log:
            self.query_one(LogPane).show(self.view.log)
        self._drawn = (self.view, int(now))
        rows = self.query_one("#run", VerticalScroll)
        followed = rows.scroll_offset.y >= rows.max_scroll_y  # nobody has scrolled up
        self.query_one("#steps", Sheet).lay(step_rows(self.view, self._pace, now), giving=(1,))
        self.query_one("#checks", Sheet).lay(check_rows(self.view.checks, self.view.checking), giving=(2, 3))
        if followed:
            rows.scroll_end(animate=False)  # what happens now stays in sight
        if not self.under_way:
            self.installer.run_ended(self)

    def _take_in(self, event: Event) -> None:
        self.view = self.view.after(event)
        match event:
            case StepStarted(step=step):
                self._pace.begin(step, time.monotonic())
            case Progress(step=step, done=done):
                self._pace.note(step, done, time.monotonic())
            case RunFinished() | RunFailed():
                self._beat.pause()
            case _:
                pass

    def action_log(self) -> None:
        self.query_one(LogPane).toggle()

    # Endings

    def action_stop(self) -> None:
        if self.under_way and not self.cancel.requested:
            self.ask_to_stop(self.stop)

    def ask_to_stop(self, then: Callable[[], None]) -> None:
        """Over whatever lies over this screen, but not over a question that is asked already."""
        from rigfit_installer.screens.ask import AskScreen

        if any(isinstance(screen, AskScreen) for screen in self.app.screen_stack):
            return

        def answered(yes: bool | None) -> None:  # noqa: FBT001 - Textual hands the answer over so
            if yes:
                then()

        self.app.push_screen(AskScreen(say("Stop this run?"), _consequence(self.job), say("stop it")), answered)

    def stop(self) -> None:
        """Ends what is blocked, too; the stream then ends by itself, and says so."""
        self.cancel.request()
        self.query_one("#head", Sheet).update(self._head())


def _consequence(job: Job) -> str:
    if job.only_proves:
        return say("The environment stays as it is, and what was proven of it before stays proven.")
    return say(
        "The environment stays unfinished and is not listed as usable. Downloads are kept, so that the same "
        "setup goes on from them.",
    )
