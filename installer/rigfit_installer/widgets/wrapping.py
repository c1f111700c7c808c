"""Lines of wide letters: Chinese has no spaces, and Textual would start a line afresh for each of its clauses."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from textual.content import Content

from rigfit.language.pieces import pieces


def wrapped(text: Content, width: int) -> list[Content]:
    """No line of more than `width` cells."""
    if text.cell_length == len(text.plain):
        return text.wrap(width)
    parts = text.split("\n", allow_blank=True)
    return [line.rstrip() for part in parts for line in part.divide([*_breaks(part.plain, width)])]


def _breaks(text: str, width: int) -> Iterator[int]:
    at = used = 0
    for piece in pieces(text):
        if used and used + cell_len(piece.rstrip()) > width:
            yield at
            used = 0
        rest = piece
        while cell_len(rest.rstrip()) > width:  # a path, say
            fitting = _fitting(rest, width)
            at += fitting
            rest = rest[fitting:]
            yield at
        at += len(rest)
        used += cell_len(rest)


def _fitting(text: str, width: int) -> int:
    """How many letters of it have room; one at least."""
    return next((end for end in range(min(len(text), width), 1, -1) if cell_len(text[:end]) <= width), 1)
