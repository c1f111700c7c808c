"""The installer: which screen follows which, and how it ends."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.types import CSSPathType

from rigfit.core.problem import DONE, STOPPED
from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer import themes
from rigfit_installer.ascii_filter import AsciiFilter
from rigfit_installer.harmless_filter import HarmlessFilter
from rigfit_installer.lasting_driver import LastingDriver
from rigfit_installer.plain import is_poor
from rigfit_installer.rig import Rig
from rigfit_installer.screens.machine import MachineScreen
from rigfit_installer.screens.stage import Stage

if TYPE_CHECKING:
    from textual.command import Provider

    from rigfit.core.progress import RunView
    from rigfit.core.selection import Selection, Wish
    from rigfit_installer.job import Job
    from rigfit_installer.screens.run import RunScreen

_HERE = Path(__file__).parent
_STOPS = (signal.SIGHUP, signal.SIGTERM)


def _commands() -> type[Provider]:
    from rigfit_installer.palette import Commands

    return Commands


class Installer(App[int]):
    """Flow only: the screens draw, the engine works."""

    TITLE = "rigfit"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands}
    CSS_PATH: ClassVar[CSSPathType | None] = [_HERE / "theme.tcss", _HERE / "screens" / "machine.tcss"]  # of the first
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (104, "-wide"), (156, "-huge")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+t", "toggle_light", show=False),
        Binding("ctrl+l", "redraw", show=False),
    ]

    def __init__(self, rig: Rig) -> None:
        super().__init__(driver_class=LastingDriver)
        self.rig = rig
        self._leaving_with: int | None = None
        self._filters.append(HarmlessFilter())
        if is_poor(rig.settings.environ):
            self._filters.append(AsciiFilter())
        for theme in (themes.DARK, themes.LIGHT):
            self.register_theme(theme)
        self.theme = themes.first(rig.settings.environ)

    def get_default_screen(self) -> Screen[None]:
        return MachineScreen()

    def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        for number in _STOPS:
            with suppress(ValueError, RuntimeError):  # only the main thread hears signals
                loop.add_signal_handler(number, self._stop_and_leave)

    # The journey

    def look_again(self, *, wish: Wish | None = None, home: Path | None = None) -> None:
        self.rig = self.rig.afresh(wish=wish, home=home)

    def go_to_choose(self) -> None:
        from rigfit_installer.screens.choose import ChooseScreen

        self.push_screen(ChooseScreen())

    def go_to_plan(self, template: str) -> None:
        from rigfit_installer.screens.plan import PlanScreen

        self.push_screen(PlanScreen(template))

    def run_job(self, job: Job) -> None:
        from rigfit_installer.screens.run import RunScreen

        self.push_screen(RunScreen(job))

    def run_again(self, job: Job) -> None:
        """A plan that found its environment standing is made anew: by now it may have failed its proof."""
        from rigfit_installer.screens.plan import PlanScreen
        from rigfit_installer.screens.run import RunScreen

        beneath = self.screen_stack[-2]
        if job.only_proves and isinstance(beneath, PlanScreen):
            self.pop_screen()
            beneath.plan_anew()
        else:
            self.switch_screen(RunScreen(job))

    def run_ended(self, screen: RunScreen) -> None:
        """Told by the screen; where it lies open, the result follows at once."""
        if self._leaving_with is not None:
            self.exit(self._leaving_with, return_code=self._leaving_with)
            return
        while self.screen is not screen:  # a question or the help over a run that needs neither any more
            self.pop_screen()
        self.show_result(screen.job, screen.view)

    def show_result(self, job: Job, view: RunView) -> None:
        from rigfit_installer.screens.result import ResultScreen

        self.switch_screen(ResultScreen(job, view))

    def start_over(self) -> None:
        """Back to the first screen, with the machine as it is now."""
        first = self._back_to_first()
        if first is not None:
            self.run_worker(first.action_look())

    def _back_to_first(self) -> MachineScreen | None:
        """None while a run is under way: its screen stays, and so does all that lies beneath it."""
        if self.running is not None:
            return None
        while len(self.screen_stack) > 1:
            self.pop_screen()
        first = self.screen
        assert isinstance(first, MachineScreen)  # noqa: S101 - the default screen
        return first

    def choose_afresh(self) -> None:
        if self._back_to_first() is not None:
            self.go_to_choose()

    def plan_best(self) -> None:
        """Of the template that fits best; where none does, the list says why."""

        def judged(selection: Selection) -> None:
            self.go_to_choose()
            if selection.chosen is not None:
                self.go_to_plan(selection.chosen.variant.template)

        first = self._back_to_first()
        if first is not None:
            first.ask(self.rig.select, judged, wanted=lambda: self.screen is first)

    def action_environments(self) -> None:
        from rigfit_installer.screens.environments import EnvironmentsScreen

        if not isinstance(self.screen, EnvironmentsScreen):
            self.push_screen(EnvironmentsScreen())

    def action_doctor(self) -> None:
        """Where a run has failed, what its error means is told first. To a question that is left for it the answer is no."""
        from rigfit_installer.screens.ask import AskScreen
        from rigfit_installer.screens.doctor import DoctorScreen
        from rigfit_installer.screens.result import ResultScreen

        if isinstance(self.screen, DoctorScreen):
            return
        if isinstance(self.screen, AskScreen):
            self.screen.dismiss(False)  # noqa: FBT003 - Textual takes the answer so
        failure = self.screen.failure if isinstance(self.screen, ResultScreen) else None
        self.push_screen(DoctorScreen(failure))

    def action_help(self) -> None:
        from rigfit_installer.screens.help import HelpScreen

        if isinstance(self.screen, Stage):
            self.push_screen(HelpScreen(self.screen.usable_keys()))

    # Endings

    @property
    def running(self) -> RunScreen | None:
        """The run that is under way, on whatever screen one is."""
        from rigfit_installer.screens.run import RunScreen

        return next((each for each in self.screen_stack if isinstance(each, RunScreen) and each.under_way), None)

    async def action_quit(self) -> None:
        run = self.running
        if run is None:
            self.exit(DONE)
        else:
            run.ask_to_stop(self._stop_and_leave)

    def action_help_quit(self) -> None:
        """Ctrl-C is what people press to be let out."""
        self.run_worker(self.action_quit())

    def _stop_and_leave(self) -> None:
        """At once where nothing runs; else when the run has ended itself, with nothing half-listed."""
        run = self.running
        if run is None:
            self.exit(STOPPED, return_code=STOPPED)
            return
        self._leaving_with = STOPPED
        run.stop()

    def on_hung_up(self) -> None:
        self._stop_and_leave()

    @property
    def bug(self) -> Exception | None:
        """What nobody foresaw, for whoever opened us to tell of."""
        return self._exception

    def _fatal_error(self) -> None:
        """Without Textual's page of local variables, some of which are nobody's business."""
        self._close_messages_no_wait()

    # What is everywhere

    def action_toggle_light(self) -> None:
        self.theme = themes.DARK.name if self.theme == themes.LIGHT.name else themes.LIGHT.name

    def action_redraw(self) -> None:
        self.refresh(layout=True)

    def action_command_palette(self) -> None:
        """As Textual's own, but for what stands where one types."""
        from textual.command import CommandPalette

        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder=said(say("type a command")), id="--command-palette"))


def open_with(rig: Rig) -> int:
    """Stay until it is left; the exit code."""
    return stay(Installer(rig))


def stay(app: Installer) -> int:
    """The exit code. What nobody foresaw rises again here."""
    app.run()
    app.rig.removals.wait(lambda name: _tell(say("finishing the removal of {name} ...", name=name)))
    if app.bug is not None:
        raise app.bug
    return app.return_code or DONE


def _tell(text: str) -> None:
    """To whoever waits before a terminal that is theirs again."""
    sys.stderr.write(f"{said(text)}\n")
    sys.stderr.flush()
