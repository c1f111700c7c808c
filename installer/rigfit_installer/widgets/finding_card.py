"""One thing that the doctor found: what it is, what shows it, and each step to copy."""

from __future__ import annotations

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.containers import VerticalGroup

from rigfit.core.finding import Diagnosis, Finding
from rigfit_installer.draw.findings import (
    evidence_rows,
    headline_rows,
    place_rows,
    source_rows,
    unknown_rows,
    well_rows,
)
from rigfit_installer.hints import command_in, command_told
from rigfit_installer.widgets.columns import Row
from rigfit_installer.widgets.copy_line import CopyLine, step_lines
from rigfit_installer.widgets.sheet import Sheet


class FindingCard(VerticalGroup):
    def __init__(self, finding: Finding, steps: tuple[Sheet, ...]) -> None:
        super().__init__()
        self._finding = finding
        self._steps = steps

    def compose(self) -> ComposeResult:
        yield from _laid(headline_rows(self._finding), "headline")
        yield from _laid(evidence_rows(self._finding), "because")
        yield from self._steps
        yield from _laid(source_rows(self._finding), "source")


def diagnosed(found: Diagnosis, *, after: int, home: str | None, recorded: bool) -> Iterator[Sheet | FindingCard]:
    """All that a diagnosis says. Its lines to copy are numbered on from `after`; `home` is None where none has to name it.

    Of what is `recorded` whoever shows it says where it is from. A record keeps no difference between commands and words.
    """
    if not recorded:
        yield from _laid(place_rows(found), "part")
    for finding in found.findings:
        typed = command_in if recorded else command_told
        steps = tuple(step_lines(finding.fix, "doctor", home, after=after, typed=typed))
        after += sum(isinstance(step, CopyLine) for step in steps)
        yield FindingCard(finding, steps)
    yield from _laid(well_rows(found), "part")
    yield from _laid(unknown_rows(found), "part unknown")


def _laid(rows: Iterator[Row], classes: str) -> Iterator[Sheet]:
    told = tuple(rows)
    if told:
        sheet = Sheet(classes=classes)
        sheet.lay(told)
        yield sheet
