"""Another home for environments and receipts, typed in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalGroup
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input

from rigfit.core.problem import ProblemError
from rigfit.core.words import say
from rigfit.language import said
from rigfit.store.paths import meant
from rigfit_installer.widgets.sheet import Sheet
from rigfit_installer.words import BAD, MUTED, STRONG, shown


class PlaceScreen(ModalScreen[Path | None]):
    """Dismissed with the folder, None where all stays as it is. Nothing is made yet."""

    CSS_PATH = "place.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+c", "dismiss", show=False)]

    def __init__(self, now: Path, environ: Mapping[str, str]) -> None:
        super().__init__()
        self._now, self._environ = now, environ

    def compose(self) -> ComposeResult:
        with VerticalGroup(id="place"):
            yield Sheet(shown(say("Where environments and receipts are kept"), STRONG))
            yield Input(str(self._now), select_on_focus=False, compact=True)
            yield Sheet(id="meant")
            yield Sheet(shown(say("enter takes it, esc leaves all as it is"), MUTED))

    def _meant(self) -> Path | None:
        """None where nothing is typed. Raises ProblemError."""
        typed = self.query_one(Input).value.strip()
        return meant(typed, self._environ) if typed else None

    @on(Input.Changed)
    def _tell(self) -> None:
        """What would be taken, in full, before it is."""
        told = self.query_one("#meant", Sheet)
        try:
            place = self._meant()
        except ProblemError as error:
            told.update(Content.assemble(("✗ ", BAD), said(error.problem.what)))
            return
        if place is None:
            told.update(shown(say("nothing typed: all stays as it is"), MUTED))
        elif place.is_dir():
            told.update(Content(said(say("{place}, which is there", place=place))))
        else:
            told.update(Content(said(say("{place}, a new folder", place=place))))

    def on_input_submitted(self) -> None:
        try:
            self.dismiss(self._meant())
        except ProblemError:
            self._tell()
