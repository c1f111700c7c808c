"""A list whose highlighted row has a mark before it, since its ground alone is easily overlooked."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip
from textual.widgets import OptionList

_HERE = "▸ "


class MarkedList(OptionList):
    def _get_left_gutter_width(self) -> int:
        return len(_HERE)

    def render_line(self, y: int) -> Strip:
        """As the list itself draws it, behind the mark."""
        line = super().render_line(y)
        style = next((each.style for each in line), None)
        mark = _HERE if self._is_first_of_highlighted(y) else " " * len(_HERE)
        return Strip([Segment(mark, style), *line])

    def _is_first_of_highlighted(self, y: int) -> bool:
        at = self.scroll_offset.y + y
        return at < len(self._lines) and self._lines[at] == (self.highlighted, 0)
