"""What the doctor found, as people read it in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from rigfit.cli.rows import Labelled, in_rows, shown, step
from rigfit.core.finding import MORE_WORDS, SEVERITY_WORDS, WELL_WORDS, Diagnosis, Finding, Severity
from rigfit.core.problem import help_without_root
from rigfit.core.template import in_brief
from rigfit.core.words import say

_STYLES: dict[Severity, str] = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}


def diagnosis(found: Diagnosis, *, sources: bool) -> RenderableType:
    """`sources` tells where each is known from, too."""
    tables = [
        Labelled(rows) for rows in (_looked_at(found), *(_finding(each, sources=sources) for each in found.findings))
    ]
    parts: list[RenderableType] = [table for table in tables if table.rows]
    if not found.findings:
        more = MORE_WORDS.get(found.subject)
        parts.append(Group(shown(WELL_WORDS[found.subject], "bold"), *([shown(more)] if more else [])))
    if found.unknown:
        parts.append(in_rows(_unknown(found)))
    return Group(*(each for part in parts for each in (part, Text())))


def _looked_at(found: Diagnosis) -> Iterator[tuple[str, str]]:
    if found.place:
        yield say("looked at"), found.place
    versions = {name: version for name, version in found.versions.items() if version is not None}
    if brief := in_brief(versions):
        yield say("found"), brief


def _finding(finding: Finding, *, sources: bool) -> Iterator[tuple[str | Text, str | Text]]:
    yield shown(SEVERITY_WORDS[finding.severity], _STYLES[finding.severity]), shown(finding.what, "bold")
    yield from _labelled(say("because"), map(shown, finding.because))
    yield from _labelled(say("do"), map(step, finding.fix))
    if asks := help_without_root(finding.fix):
        yield "", shown(asks)
    if sources:
        yield say("code"), finding.code
        if finding.source:
            yield say("source"), shown(finding.source)


def _labelled(label: str, lines: Iterable[Text]) -> Iterator[tuple[str, Text]]:
    for number, line in enumerate(lines):
        yield "" if number else label, line


def _unknown(found: Diagnosis) -> Iterator[tuple[str | Text, ...]]:
    for each in found.unknown:
        yield say("unknown"), say("{what}: {why}", what=each.what, why=each.why)
