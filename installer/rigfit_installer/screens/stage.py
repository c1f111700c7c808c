"""What every screen of the journey has: the trail above, the keys below, and questions that never block."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual.app import ComposeResult
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import say
from rigfit_installer.key import Key
from rigfit_installer.widgets.copy_line import CopyLine
from rigfit_installer.widgets.key_line import KeyLine
from rigfit_installer.widgets.trail import Trail

if TYPE_CHECKING:
    from rigfit_installer.app import Installer

T = TypeVar("T")
BACK = Key(keys="escape", label="esc", does=say("back"), action="back")
HELP = Key(keys="question_mark,f1", label="?", does=say("help"), action="app.help", priority=True)
PALETTE = Key(keys="ctrl+p", label="^p", does=say("commands"), action="app.command_palette")
QUIT = Key(
    keys="q", label="q", does=say("quit"), action="app.quit", help=say("asks while something runs; ^q does the same")
)
KEPT = Key(keys="e", label="e", does=say("environments"), action="app.environments")
COPY = Key(
    keys="",
    label="1-9",
    does=say("copy"),
    action="copy",
    help=say("copies the numbered line to the terminal's clipboard; a click on the line does the same"),
    in_line=False,
)


class Answered(Message):
    """A thread has an answer; `deliver` takes it in, here, where the screen may be changed."""

    def __init__(self, deliver: Callable[[], Awaitable[None] | None]) -> None:
        super().__init__()
        self.deliver = deliver


class Stage(Screen[None]):
    NAME: ClassVar[str] = ""
    KEYS: ClassVar[tuple[Key, ...]] = ()

    def compose(self) -> ComposeResult:
        yield Trail(self.NAME)
        yield from self.body()
        yield KeyLine()

    def body(self) -> ComposeResult:
        yield from ()

    @property
    def installer(self) -> Installer:
        from rigfit_installer.app import Installer

        assert isinstance(self.app, Installer)  # noqa: S101 - no other application has these screens
        return self.app

    def usable_keys(self) -> tuple[Key, ...]:
        """Those that do something now."""
        return self.KEYS

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        mine = {key.action.partition("(")[0] for key in self.KEYS}
        return action not in mine or any(key.action.partition("(")[0] == action for key in self.usable_keys())

    def keys_changed(self) -> None:
        self.refresh_bindings()
        for line in self.query(KeyLine):
            line.refresh(layout=True)

    # Questions that take a while

    def ask(
        self,
        question: Callable[[], T],
        answer: Callable[[T], Awaitable[None] | None],
        refused: Callable[[Problem], Awaitable[None] | None] | None = None,
        wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """Have `question` answered in a thread; a ProblemError goes to `refused`, else to `on_problem`.

        Neither is told of what is not `wanted` any more when it comes. The thread is ours, not a worker of Textual's:
        quitting does not wait for a driver that hangs.
        """

        def asked() -> None:
            deliver: Callable[[], Awaitable[None] | None]
            try:
                value = question()
            except ProblemError as error:
                problem = error.problem
                deliver = lambda: (refused or self.on_problem)(problem) if wanted() else None  # noqa: E731
            except Exception as error:  # noqa: BLE001 - a bug is shown where bugs are shown
                bug = error
                deliver = lambda: _rise(bug)  # noqa: E731
            else:
                deliver = lambda: answer(value) if wanted() else None  # noqa: E731
            with suppress(RuntimeError):  # the application has gone
                self.post_message(Answered(deliver))

        threading.Thread(target=asked, daemon=True, name="rigfit-question").start()

    async def on_answered(self, message: Answered) -> None:
        message.stop()
        if self.app.return_code is not None or not self.is_attached:
            return  # it comes too late
        taken_in = message.deliver()
        if isawaitable(taken_in):
            await taken_in

    def on_problem(self, problem: Problem) -> Awaitable[None] | None:
        """What a screen does with a failure that was foreseen."""
        raise ProblemError(problem)  # a screen that asks says how it shows a refusal

    def put(self, question: Screen[T], answered: Callable[[T | None], None]) -> None:
        """Have a person answer `question`, unless another one, or another screen, has come over this one meanwhile."""
        if self.app.screen is self:  # `is_current` is true beneath a question, too
            self.app.push_screen(question, answered)

    async def fill(self, place: str, *widgets: Widget) -> None:
        """Have `widgets` in `place`, instead of what is there."""
        container = self.query_one(place)
        with self.app.batch_update():
            await container.remove_children()
            if container.is_attached:  # the application may be leaving meanwhile
                await container.mount(*widgets)

    # What every screen can do

    def action_back(self) -> None:
        self.app.pop_screen()

    def on_click(self, event: Any) -> None:
        if isinstance(event.widget, CopyLine):
            event.widget.copy()

    def on_key(self, event: Any) -> None:
        """The number of a line copies it, where no field is being written in."""
        if event.character and event.character in "123456789":
            lines = [line for line in self.query(CopyLine) if line.number == int(event.character)]
            if lines:
                event.stop()
                lines[0].copy()


def _rise(error: Exception) -> None:
    raise error
