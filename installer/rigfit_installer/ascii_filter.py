"""For poor terminals: every sign that is not ASCII is replaced at the very end, whoever drew it."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from rigfit_installer.plain import ascii_only


class AsciiFilter(LineFilter):
    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        del background
        return [Segment(ascii_only(text), style, control) for text, style, control in segments]
