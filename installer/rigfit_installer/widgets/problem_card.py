"""A problem as it is: what, why, and each next step to copy."""

from __future__ import annotations

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.containers import VerticalGroup
from textual.content import Content

from rigfit.core.problem import Problem
from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.widgets.copy_line import step_lines
from rigfit_installer.widgets.sheet import Sheet
from rigfit_installer.words import BAD, MUTED, STRONG, shown

_LONG = 4  # lines


class ProblemCard(VerticalGroup):
    """`after` is the last number of a line to copy that is taken already."""

    def __init__(self, problem: Problem, *, after: int = 0) -> None:
        super().__init__()
        self.problem = problem
        self._after = after

    @property
    def _home(self) -> str | None:
        """Steps for another machine know nothing of a home here."""
        from rigfit_installer.app import Installer

        assert isinstance(self.app, Installer)  # noqa: S101 - no other application has such cards
        return None if self.problem.code == "machine_is_recorded" else self.app.rig.settings.named_home

    def compose(self) -> ComposeResult:
        head = Content.assemble(("✗ ", BAD), (said(self.problem.what), STRONG))
        yield Sheet(head, classes="headline")
        story, rest = _parted(said(self.problem.detail))
        yield from _detail(story)
        if self.problem.fix:
            yield Sheet(shown(say("What to do")), classes="heading")
            yield from step_lines(self.problem.fix, getattr(self.screen, "NAME", ""), self._home, after=self._after)
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
