"""One question with a yes and a no, before something that cannot be undone."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalGroup
from textual.screen import ModalScreen
from textual.widgets import Button

from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.widgets.sheet import Sheet
from rigfit_installer.words import STRONG, shown


class AskScreen(ModalScreen[bool]):
    """Dismissed with the answer; no is where the focus is, and what escape means."""

    CSS_PATH = "ask.tcss"
    AUTO_FOCUS = "#no"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", show=False),
        Binding("n,escape,q,ctrl+c", "answer(False)", show=False),
        Binding("left,up", "app.focus_previous", show=False),
        Binding("right,down", "app.focus_next", show=False),
    ]

    def __init__(self, question: str, consequence: str, yes: str) -> None:
        super().__init__()
        self._question, self._consequence, self._yes = question, consequence, yes

    def compose(self) -> ComposeResult:
        with VerticalGroup(id="question"):
            yield Sheet(shown(self._question, STRONG))
            yield Sheet(shown(self._consequence), classes="consequence")
            with Horizontal(id="answers"):
                yield Button(said(say("[n] no")).replace("[", r"\["), id="no", compact=True)
                yield Button(f"\\[y] {said(self._yes)}", id="yes", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:  # noqa: FBT001 - called by the name of a key
        self.dismiss(answer)
