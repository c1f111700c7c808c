"""Rows of aligned cells that wrap inside their own column, so that a long reason never runs under its label."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content
from textual.css.styles import RulesMap
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual

from rigfit_installer.widgets.wrapping import wrapped

Row = tuple[Content, ...]  # a row of fewer cells than the others is one cell that spans the whole width
_LEAST = 8  # cells, below which a column that gives way is no narrower


class Columns(Visual):
    """The columns numbered in `giving` share what the others leave; left out: the last one does.

    Those in `right`, such as numbers, end under each other.
    """

    def __init__(
        self, rows: Iterable[Row], *, giving: Sequence[int] = (), right: Sequence[int] = (), gap: int = 2
    ) -> None:
        self.rows = tuple(rows)
        self._count = max((len(row) for row in self.rows), default=1)
        self._giving = tuple(giving) or (self._count - 1,)
        self._right = frozenset(right)
        self._gap = gap
        self._laid: tuple[int, Content] = (-1, Content(""))  # one width is asked for again and again

    @property
    def plain(self) -> str:
        """All that it says, wherever it is shown."""
        return "\n".join("  ".join(cell.plain for cell in row) for row in self.rows)

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        return self.at(width).render_strips(width, height, style, options)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        del rules, container_width
        spanning = [_natural(row[0]) for row in self.rows if len(row) < self._count]
        return max([*spanning, sum(self.naturals()) + self._gap * (self._count - 1)], default=0)

    def get_height(self, rules: RulesMap, width: int) -> int:
        return self.at(width).get_height(rules, width) if self.rows else 0

    def at(self, width: int) -> Content:
        """All of it in `width` cells."""
        if self._laid[0] != width:
            widths = self._widths(width)
            lines = [line for row in self.rows for line in self._row(row, widths, width)]
            self._laid = (width, Content("\n").join(lines))
        return self._laid[1]

    def _row(self, row: Row, widths: list[int], width: int) -> list[Content]:
        if len(row) < self._count or self._count == 1:
            return _hanging(row[0], width)
        if self._breaks_a_name(row[-1], widths, width):
            return self._parted(row, widths, width)
        cells = [wrapped(cell, max(room, 1)) for cell, room in zip(row, widths, strict=True)]
        height = max(len(lines) for lines in cells)
        return [
            self.line([lines[y] if y < len(lines) else Content("") for lines in cells], widths) for y in range(height)
        ]

    def _breaks_a_name(self, cell: Content, widths: list[int], width: int) -> bool:
        """Whether a path, say, would be cut in the last column, and need not be on a line of its own."""
        longest = max((len(word) for word in cell.plain.split() if word.isascii()), default=0)
        return self._giving == (self._count - 1,) and widths[-1] < longest <= width - self._indent(widths)

    def _parted(self, row: Row, widths: list[int], width: int) -> list[Content]:
        """What it is, and below it the name."""
        head = self.line([*row[:-1], Content("")], widths)
        indent = self._indent(widths)
        below = [line.pad_left(indent) for line in wrapped(row[-1], width - indent)]
        return [head, *below] if head.plain.strip() else below

    def _indent(self, widths: list[int]) -> int:
        return widths[0] + self._gap if self._count > 2 else self._gap

    def line(self, parts: list[Content], widths: list[int]) -> Content:
        filled = [
            self._filled(number, part, room) for number, (part, room) in enumerate(zip(parts, widths, strict=True))
        ]
        return Content(" " * self._gap).join(filled).rstrip()

    def _filled(self, number: int, part: Content, room: int) -> Content:
        rest = max(room - part.cell_length, 0)
        return part.pad_left(rest) if number in self._right else part.pad_right(rest)

    def naturals(self) -> list[int]:
        whole = [row for row in self.rows if len(row) == self._count]
        return [max((_natural(row[number]) for row in whole), default=0) for number in range(self._count)]

    def _widths(self, width: int) -> list[int]:
        """What each column gets of `width`: the giving ones by what they would like, when there is too little."""
        widths = self.naturals()
        over = sum(widths) + self._gap * (self._count - 1) - width
        givers = [number for number in self._giving if number < self._count]
        while over > 0 and any(widths[number] > _LEAST for number in givers):
            widest = max(givers, key=lambda number: widths[number])
            widths[widest] -= 1
            over -= 1
        return widths


def _hanging(line: Content, width: int) -> list[Content]:
    """Wrapped under its own first letter: what is indented stays so."""
    indent = len(line.plain) - len(line.plain.lstrip(" "))
    if not 0 < indent < width - _LEAST:
        return wrapped(line, width)
    return [part.pad_left(indent) for part in wrapped(line[indent:], width - indent)]


def _natural(cell: Content) -> int:
    return max((line.cell_length for line in cell.split("\n")), default=0)


def aligned(rows: Iterable[Row], gap: int = 2) -> list[Content]:
    """Each row as one line, its columns under those of the others."""
    table = Columns(rows, gap=gap)
    widths = table.naturals()
    return [table.line([*row], widths) for row in table.rows]
