"""A problem as it is: what, why, and each next step to copy."""

from __future__ import annotations

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.containers import VerticalGroup
from textual.content import Content

from rigfit.core.problem import Problem
from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.widgets.copy_line import CopyLine
from rigfit_installer.widgets.sheet import Sheet
from rigfit_installer.words import BAD, MUTED, STRONG, shown

_LONG = 4  # lines


class ProblemCard(VerticalGroup):
    """`brief` leaves the detail out, where the screen shows it in another way."""

    def __init__(self, problem: Problem, *, brief: bool = False) -> None:
        super().__init__()
        self.problem = problem
        self._brief = brief

    def compose(self) -> ComposeResult:
        head = Content.assemble(("✗ ", BAD), (said(self.problem.what), STRONG))
        yield Sheet(head, classes="headline")
        story, rest = _parted("" if self._brief else said(self.problem.detail))
        yield from _detail(story)
        if self.problem.fix:
            yield Sheet(shown(say("What to do")), classes="heading")
            for number, step in enumerate(self.problem.fix, start=1):
                yield CopyLine(number, step)
        yield from _detail(rest)
        if self.problem.source:
            yield Sheet(shown(say("source: {address}", address=self.problem.source), MUTED), classes="source")


def _parted(detail: str) -> tuple[list[str], list[str]]:
    """What stands before the next steps; of a long one its first paragraph, so that the steps stay in sight."""
    lines = detail.splitlines()
    return (lines, []) if len(lines) <= _LONG else (lines[:1], lines[1:])


def _detail(lines: list[str]) -> Iterator[Sheet]:
    if lines:
        sheet = Sheet(classes="detail")
        sheet.lay((Content(line),) for line in lines)
        yield sheet
