"""What the tools said, out of sight until it is wanted."""

from __future__ import annotations

from textual.containers import VerticalScroll
from textual.content import Content

from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.key import Key
from rigfit_installer.widgets.sheet import Sheet

LOG = Key(keys="l", label="l", does=say("log"), action="log", help=say("opens and closes what the tools say"))
_LINES = 500  # the last ones


class LogPane(VerticalScroll):
    """Opened and closed by `toggle`; stays at its end while lines come."""

    def __init__(self, log: tuple[str, ...] = ()) -> None:
        super().__init__(Sheet(_text(log)))

    def show(self, log: tuple[str, ...]) -> None:
        self.query_one(Sheet).update(_text(log))
        self.scroll_end(animate=False)

    def toggle(self) -> None:
        if self.toggle_class("-open").has_class("-open"):
            self.focus()
            self.scroll_end(animate=False)


def _text(log: tuple[str, ...]) -> Content:
    if not log:
        return Content(said(say("nothing was said so far")))
    return Content("\n".join(said(line) for line in log[-_LINES:]))
