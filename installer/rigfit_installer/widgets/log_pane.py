"""What the tools said, out of sight until it is wanted."""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.key import Key

LOG = Key(keys="l", label="l", does=say("log"), action="log", help=say("opens and closes what the tools say"))


class LogPane(ScrollView, can_focus=True):
    """Opened and closed by `toggle`; stays at its end while lines come, unless somebody has scrolled up.

    However long the log is, only the lines in sight are drawn: it grows while keys want to be heard.
    """

    def __init__(self, log: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._log = log
        self._rows: list[str] = []

    def show(self, log: tuple[str, ...]) -> None:
        self._log = log
        if self.has_class("-open"):
            self._lay()

    def toggle(self) -> None:
        if self.toggle_class("-open").has_class("-open"):
            self.focus()
            self.call_after_refresh(self._lay)

    def on_resize(self) -> None:
        if self.has_class("-open"):
            self._lay()

    def _lay(self) -> None:
        follows = self.scroll_offset.y >= self.max_scroll_y
        width = self.scrollable_content_region.width
        lines = self._log or (say("nothing was said so far"),)
        self._rows = [row for line in lines for row in _folded(said(line), max(width, 1))]
        self.virtual_size = Size(width, len(self._rows))
        if follows:
            self.scroll_end(animate=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        at = self.scroll_offset.y + y
        row = self._rows[at] if at < len(self._rows) else ""
        style = self.rich_style
        return Strip([Segment(row, style)], cell_len(row)).adjust_cell_length(self.size.width, style)


@lru_cache(maxsize=1024)
def _folded(text: str, width: int) -> tuple[str, ...]:
    """Cut where a line ends, as a terminal does."""
    return tuple(chop_cells(text.expandtabs(), width)) or ("",)
