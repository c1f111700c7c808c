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
from rigfit_installer.draw.choice import best_row, best_rows
from rigfit_installer.draw.machine import host_rows
from rigfit_installer.key import Key, bindings
from rigfit_installer.screens.stage import COPY, HELP, KEPT, PALETTE, QUIT, Stage
from rigfit_installer.widgets.fault_card import FaultCard
from rigfit_installer.widgets.gpu_card import GpuCard
from rigfit_installer.widgets.problem_card import ProblemCard
from rigfit_installer.widgets.sheet import Sheet
from rigfit_installer.words import MUTED, shown

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

    def on_mount(self) -> None:
        self._seen: Machine | None = None
        self.set_interval(_GLANCE, self._glance)
        self.call_after_refresh(self._look)

    async def action_look(self) -> None:
        self.installer.look_again()
        self._seen = None
        await self.fill("#machine", Sheet(shown(say("Looking at this machine ..."), MUTED)))
        self._look()

    def _look(self) -> None:
        rig = self.installer.rig

        async def see(machine: Machine) -> None:
            if rig is self.installer.rig:
                await self._show(machine)
                self.ask(lambda: (rig.facts(), rig.select()), judged)

        def judged(known: tuple[Facts, Selection]) -> None:
            if rig is self.installer.rig:
                self._know(*known)

        self.ask(rig.machine, see)

    async def _show(self, machine: Machine) -> None:
        self._seen = machine
        host, parts = Sheet(id="host"), list[Widget]()
        host.lay((*host_rows(machine), (shown(say("Judging what fits ..."), MUTED),)))
        if isinstance(machine.driver, DriverFault):
            parts.append(FaultCard(machine.driver))
        if machine.gpus:
            parts.append(Grid(*(GpuCard(gpu) for gpu in machine.gpus), id="gpus"))
        await self.fill("#machine", host, *parts, Sheet(id="best"))

    def _know(self, facts: Facts, judged: Selection) -> None:
        for card in self.query(GpuCard):
            card.know(facts, judged)
        assert self._seen is not None  # noqa: S101 - what was judged was seen
        self.query_one("#host", Sheet).lay((*host_rows(self._seen), best_row(judged)))
        self.query_one("#best", Sheet).lay(best_rows(judged))

    async def on_problem(self, problem: Problem) -> None:
        """The file of a recorded machine, or of the catalog, is not what it should be."""
        if self._seen is None:
            await self.fill("#machine", ProblemCard(problem))
        else:
            self.query_one("#host", Sheet).lay(host_rows(self._seen))
            await self.query_one("#machine").mount(ProblemCard(problem))

    def _glance(self) -> None:
        if self.is_current and self._seen is not None and self._seen.gpus:
            self.ask(self.installer.rig.use, self._watch)

    def _watch(self, uses: tuple[Use, ...]) -> None:
        by_index = {use.index: use for use in uses}
        for card in self.query(GpuCard):
            if card.gpu.index in by_index:
                card.watch_use(by_index[card.gpu.index])

    def action_go_on(self) -> None:
        self.installer.go_to_choose()
