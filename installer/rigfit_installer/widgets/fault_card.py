"""Why no driver answers, as what it is, and the next steps to copy."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalGroup
from textual.content import Content

from rigfit.core.machine import DriverFault
from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.widgets.copy_line import step_lines
from rigfit_installer.widgets.sheet import Sheet
from rigfit_installer.words import BAD, MUTED, STRONG, shown

_NAMES = {
    "no_device": say("no NVIDIA GPU"),
    "no_driver": say("no driver"),
    "not_loaded": say("the driver is not loaded"),
    "version_mismatch": say("two versions of the driver"),
    "no_permission": say("no permission to use the GPU"),
    "no_library": say("the driver's library is missing"),
    "timeout": say("the driver does not answer"),
    "unknown": say("the driver fails"),
}


class FaultCard(VerticalGroup):
    def __init__(self, fault: DriverFault) -> None:
        super().__init__()
        self.fault = fault
        self.border_title = said(say("driver"))

    def compose(self) -> ComposeResult:
        calm = self.fault.fault == "no_device"
        mark = Content.styled("· ", MUTED) if calm else Content.styled("✗ ", BAD)
        yield Sheet(
            Content.assemble(mark, (said(_NAMES[self.fault.fault]), STRONG), (f"  ({self.fault.fault})", MUTED))
        )
        yield Sheet(shown(self.fault.what))
        if self.fault.fix:
            yield Sheet(shown(say("What to do, then look again with r")), classes="heading")
            yield from step_lines(self.fault.fix, "machine")
