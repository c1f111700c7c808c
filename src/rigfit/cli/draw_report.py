"""What a report contains, as people read it before it is written."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.text import Text

from rigfit.cli.rows import in_rows, shown, table
from rigfit.core.report import Member, Report
from rigfit.core.size import human
from rigfit.core.words import say

_WIDE = 1000  # columns: more than any name has


def contents(report: Report, *, whole: bool) -> RenderableType:
    """Name, size and a clause for each file; `whole` shows what stands in them, too."""
    told = [(say("removed"), report.removed_words)]
    told += [(say("left out"), say("{what}: {why}", what=each.what, why=each.why)) for each in report.left_out]
    parts: list[RenderableType] = [_Listed(report.members), Text(), in_rows(told)]
    for member in report.members if whole else ():
        parts += [Text(), Text(member.name, "bold"), Text(member.content.decode().rstrip("\n"))]
    return Group(*parts)


class _Listed:
    """In columns, or where these do not go beside each other the clause under the name: both are kept whole."""

    def __init__(self, members: tuple[Member, ...]) -> None:
        self.members = members

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        name, size = say("file"), say("size")
        listed = table(name, size, say("holds"), kept=(name, size))
        for member in self.members:
            listed.add_row(member.name, human(len(member.content)), shown(member.what))
        if Measurement.get(console, options.update(max_width=_WIDE), listed).minimum <= options.max_width:
            yield listed
            return
        for member in self.members:
            yield Text(f"{member.name}  {human(len(member.content))}", no_wrap=True, overflow="ignore")
            yield Padding(shown(member.what), (0, 0, 0, 2))
