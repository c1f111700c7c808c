"""What results are drawn of: rows in columns, and text whose wide letters are broken where they may be."""

from __future__ import annotations

import re
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
    from rich.console import Console, ConsoleOptions, RenderResult

_QUOTED = re.compile(r"`[^`]*`[.,;:)。,;:)]*")  # with the mark that ends its clause
_APART = 2  # columns between a label and what stands beside it


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


def step(text: str) -> Text:
    """A command that is a whole step is no `Words`; it is never broken."""
    return shown(text) if isinstance(text, Words) else Text(text, no_wrap=True, overflow="ignore")


def broken(console: Console, text: Text, width: int) -> list[Text]:
    """Its lines. A command in it that a line would end in stands on one of its own, however long that is."""
    if text.no_wrap:
        return [text]
    lines = [*text.wrap(console, width, overflow="fold")]
    ends = [each for each in _QUOTED.finditer(text.plain) if " " in each[0]]
    torn = next((each for each in ends if not any(each[0] in line.plain for line in lines)), None)
    if torn is None:
        return lines
    before, after = (
        Shown(part, text.style) for part in (text.plain[: torn.start()].rstrip(), text.plain[torn.end() :].strip())
    )
    command = Text(torn[0], text.style, no_wrap=True, overflow="ignore")
    return [
        *(broken(console, before, width) if before else ()),
        command,
        *(broken(console, after, width) if after else ()),
    ]


class Labelled:
    """Rows of a label and a text, which is broken beside it; commands are whole."""

    def __init__(self, rows: Iterable[tuple[str | Text, str | Text]]) -> None:
        self.rows = [(_cell(label), _cell(text)) for label, text in rows]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        margin = max((label.cell_len for label, _ in self.rows), default=0) + _APART
        for label, text in self.rows:
            lines = broken(console, text, max(options.max_width - margin, 1))
            for first, line in zip(chain([label], repeat(Text())), lines, strict=False):
                gap = " " * (margin - first.cell_len)
                yield Text.assemble((first.plain, first.style or "bold"), gap, line, no_wrap=True, overflow="ignore")


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
