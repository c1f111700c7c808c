"""What results are drawn of: rows in columns, and text whose wide letters are broken where they may be."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Group
from rich.containers import Lines
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from rigfit.core.words import Words
from rigfit.language import said
from rigfit.language.pieces import breaks, pieces

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions


class Shown(Text):
    """rich breaks at spaces alone, which Chinese has not: a line would end early, at each of its clauses."""

    def wrap(self, console: Console, width: int, **how: Any) -> Lines:
        if not _is_wide(self) or how.get("no_wrap") or self.no_wrap:
            return super().wrap(console, width, **how)
        lines = Lines()
        for part in self.split(allow_blank=True):
            for line in part.divide([*breaks(part.plain, width)]):
                line.rstrip()
                lines.append(line)
        return lines

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        if not _is_wide(self):
            return super().__rich_measure__(console, options)
        lines = self.plain.splitlines()
        return Measurement(
            max((cell_len(piece) for piece in pieces(self.plain)), default=0), max(map(cell_len, lines), default=0)
        )


def _is_wide(text: Text) -> bool:
    return cell_len(text.plain) > len(text.plain)


def shown(text: str, style: str = "") -> Text:
    """`text` in the reader's language."""
    return Shown(said(text), style)


def whole(label: str, lines: Iterable[str]) -> Group:
    """Lines to be copied, each as it is however long; the first has the label before it."""
    first = said(label)
    margins = chain([first], repeat(" " * cell_len(first)))
    return Group(
        *(
            Text.assemble((margin, "bold"), "  ", line, no_wrap=True, overflow="ignore")
            for margin, line in zip(margins, lines, strict=False)
        )
    )


def in_rows(cells: Iterable[tuple[str | Text, ...]]) -> Table:
    """Columns without lines; the first one says what the row is. A cell that is no `Words` is a name, or said already."""
    table = Table.grid(padding=(0, 2))
    for row in cells:
        while len(table.columns) < len(row):
            table.add_column(overflow="fold", no_wrap=not table.columns, style="bold" if not table.columns else "")
        table.add_row(*(_cell(cell) for cell in row))
    return table


def _cell(cell: str | Text) -> Text:
    if isinstance(cell, Text):
        return cell
    return shown(cell) if isinstance(cell, Words) else Shown(cell)


def table(*headings: str, kept: Iterable[str] = ()) -> Table:
    """Columns under headings; those of `kept` are never broken."""
    made = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        made.add_column(said(heading), overflow="fold", no_wrap=heading in tuple(kept))
    return made
