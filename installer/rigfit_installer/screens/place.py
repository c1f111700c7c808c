"""Another home for environments and receipts, typed in."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalGroup
from textual.screen import ModalScreen
from textual.widgets import Input

from rigfit.core.words import say
from rigfit_installer.widgets.sheet import Sheet
from rigfit_installer.words import MUTED, STRONG, shown


class PlaceScreen(ModalScreen[Path | None]):
    """Dismissed with the folder, None where all stays as it is. Nothing is made yet."""

    CSS_PATH = "place.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+c", "dismiss", show=False)]

    def __init__(self, now: Path) -> None:
        super().__init__()
        self._now = now

    def compose(self) -> ComposeResult:
        with VerticalGroup(id="place"):
            yield Sheet(shown(say("Where environments and receipts are kept"), STRONG))
            yield Input(str(self._now), select_on_focus=False, compact=True)
            yield Sheet(shown(say("enter takes it, esc leaves all as it is"), MUTED))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        typed = event.value.strip()
        self.dismiss(Path(typed).expanduser().absolute() if typed else None)
