"""Pick one of a few: a GPU, a variant."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalGroup
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets.option_list import Option

from rigfit.core.words import say
from rigfit_installer.widgets.marked_list import MarkedList
from rigfit_installer.widgets.sheet import Sheet
from rigfit_installer.words import MUTED, STRONG, shown


class PickScreen(ModalScreen[str | None]):
    """Dismissed with the key of what was picked, None where nothing was."""

    CSS_PATH = "pick.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,ctrl+c", "dismiss", show=False)]

    def __init__(self, title: str, offers: tuple[tuple[str, Content], ...], now: str) -> None:
        super().__init__()
        self._title, self._offers, self._now = title, offers, now

    def compose(self) -> ComposeResult:
        with VerticalGroup(id="pick"):
            yield Sheet(shown(self._title, STRONG))
            yield MarkedList(*(Option(line, id=key) for key, line in self._offers))
            yield Sheet(shown(say("enter takes it, esc leaves all as it is"), MUTED))

    def on_mount(self) -> None:
        keys = [key for key, _line in self._offers]
        self.query_one(MarkedList).highlighted = keys.index(self._now) if self._now in keys else 0

    def on_option_list_option_selected(self, event: MarkedList.OptionSelected) -> None:
        self.dismiss(event.option.id)
