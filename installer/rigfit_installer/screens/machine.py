"""The first screen: the machine as it is seen, or the fault as what it is."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Grid, VerticalScroll
from textual.widget import Widget

from rigfit.core.fact import Facts
from rigfit.core.machine import DriverFault, Machine
from rigfit.core.problem import Problem
from rigfit.core.selection import Selection
from rigfit.core.use import Use
from rigfit.core.words import say
from rigfit_installer.draw.choice import best_row, libraries_rows, note_rows, wished_rows
from rigfit_installer.draw.machine import host_rows, recorded_rows
from rigfit_installer.key import Key, bindings
from rigfit_installer.rig import Rig
from rigfit_installer.screens.stage import COPY, HELP, KEPT, PALETTE, QUIT, Stage
from rigfit_installer.widgets.columns import Row
from rigfit_installer.widgets.fault_card import FaultCard
from rigfit_installer.widgets.gpu_card import GpuCard
from rigfit_installer.widgets.problem_card import ProblemCard
from rigfit_installer.widgets.sheet import Sheet
from rigfit_installer.words import MUTED, shown

_DOCTOR = Key(
    keys="d",
    label="d",
    does=say("doctor"),
    action="doctor",
    help=say("what is wrong with this machine, and what to do"),
)
_GLANCE = 3.0  # seconds between looks at how busy the GPUs are


class MachineScreen(Stage):
    NAME = "machine"
    CSS_PATH = "machine.tcss"
    KEYS = (
        Key(keys="enter", label="enter", does=say("choose what fits"), action="go_on"),
        Key(
            keys="r",
            label="r",
            does=say("look again"),
            action="look",
            help=say("asks the machine afresh, after you have mended the driver, say"),
        ),
        _DOCTOR,
        KEPT,
        PALETTE,
        COPY,
        HELP,
        QUIT,
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    def body(self) -> ComposeResult:
        with VerticalScroll(id="machine"):
            yield Sheet(shown(say("Looking at this machine ..."), MUTED))

    def __init__(self) -> None:
        super().__init__()
        self._seen: Machine | None = None

    def on_mount(self) -> None:
        self._looked_with = self.installer.rig
        self._glancing = False
        self._glances = self.set_interval(_GLANCE, self._glance)
        self.call_after_refresh(self._look)

    def on_screen_resume(self) -> None:
        if self._looked_with is not self.installer.rig:  # changed on another screen
            self.run_worker(self._look_anew())

    def usable_keys(self) -> tuple[Key, ...]:
        """Where the driver is at fault, what helps there comes before what is for later."""
        driver = self._seen.driver if self._seen else None
        if not isinstance(driver, DriverFault) or driver.fault == "no_device":
            return tuple(key for key in self.KEYS if key is not _DOCTOR)
        first = tuple(key for key in self.KEYS if key not in (KEPT, COPY, HELP, QUIT))
        return (*first, KEPT, COPY, HELP, QUIT)

    def action_doctor(self) -> None:
        self.installer.action_doctor()

    async def action_look(self) -> None:
        self.installer.look_again()
        await self._look_anew()

    async def _look_anew(self) -> None:
        self._seen = None
        self._looked_with = self.installer.rig
        self._glances.resume()
        await self.fill("#machine", Sheet(shown(say("Looking at this machine ..."), MUTED)))
        self._look()

    def _look(self) -> None:
        rig = self._looked_with

        def wanted() -> bool:
            return rig is self._looked_with

        async def see(machine: Machine) -> None:
            await self._show(machine)
            self.ask(lambda: (rig.facts(), rig.select(), rig.select_wished()), self._know, wanted=wanted)

        self.ask(rig.machine, see, wanted=wanted)

    async def _show(self, machine: Machine) -> None:
        self._seen = machine
        host, parts = Sheet(id="host"), list[Widget]()
        host.lay((*self._host_rows(machine), (shown(say("Judging what fits ..."), MUTED),)))
        if isinstance(machine.driver, DriverFault):
            parts.append(FaultCard(machine.driver))
        if machine.gpus:
            parts.append(Grid(*(GpuCard(gpu) for gpu in machine.gpus), id="gpus"))
        await self.fill("#machine", host, *parts, Sheet(id="notes"))
        self.keys_changed()

    def _host_rows(self, machine: Machine) -> tuple[Row, ...]:
        return (*recorded_rows(self._looked_with.settings.machine), *host_rows(machine))

    def _know(self, known: tuple[Facts, Selection, Selection | None]) -> None:
        facts, judged, wished = known
        for card in self.query(GpuCard):
            card.know(facts, judged)
        assert self._seen is not None  # noqa: S101 - what was judged was seen
        self.query_one("#host", Sheet).lay(
            (*self._host_rows(self._seen), best_row(judged), *libraries_rows(judged), *wished_rows(wished))
        )
        self.query_one("#notes", Sheet).lay(note_rows(judged))

    async def on_problem(self, problem: Problem) -> None:
        """The file of a recorded machine, or of the catalog, is not what it should be."""
        if self._seen is None:
            await self.fill("#machine", ProblemCard(problem))
        else:
            self.query_one("#host", Sheet).lay(self._host_rows(self._seen))
            await self.query_one("#machine").mount(ProblemCard(problem))

    def _glance(self) -> None:
        """One at a time: a driver that hangs is not asked again meanwhile."""
        if self.is_current and not self._glancing and self._seen is not None and self._seen.gpus:
            self._glancing, rig = True, self._looked_with
            self.ask(rig.use, lambda uses: self._watch(rig, uses))

    def _watch(self, rig: Rig, uses: tuple[Use, ...]) -> None:
        """What is not told now is not shown as now; where nothing is told, nothing is asked until one looks again."""
        self._glancing = False
        if rig is not self._looked_with:
            return
        if not uses:
            self._glances.pause()
        by_index = {use.index: use for use in uses}
        for card in self.query(GpuCard):
            card.watch_use(by_index.get(card.gpu.index))

    def action_go_on(self) -> None:
        self.installer.go_to_choose()
