"""Lines of wide letters: Chinese has no spaces, and Textual would start a line afresh for each of its clauses."""

from __future__ import annotations

from textual.content import Content

from rigfit.language.pieces import breaks


def wrapped(text: Content, width: int) -> list[Content]:
    """No line of more than `width` cells."""
    if text.cell_length == len(text.plain):
        return text.wrap(width)
    parts = text.split("\n", allow_blank=True)
    return [line.rstrip() for part in parts for line in part.divide([*breaks(part.plain, width)])]
