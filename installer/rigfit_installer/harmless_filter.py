"""What is drawn never commands the terminal: control characters are taken out at the very end, whoever drew them."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from rigfit.core.harmless import unsigned


class HarmlessFilter(LineFilter):
    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        del background
        return [each if each.control else Segment(unsigned(each.text), each.style) for each in segments]
