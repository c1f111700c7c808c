"""What the doctor found, as rows: the cause and its evidence, where it is known from, and what is not known."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content

from rigfit.core.finding import WELL_WORDS, Diagnosis, Finding
from rigfit.core.template import in_brief
from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.draw.machine import label
from rigfit_installer.widgets.columns import Row
from rigfit_installer.words import GOOD, MUTED, SEVERITIES, STRONG, shown


def place_rows(found: Diagnosis) -> Iterator[Row]:
    if found.place:
        yield label(say("looked at")), Content(said(found.place))
    versions = in_brief({name: version for name, version in found.versions.items() if version is not None})
    if versions:
        yield label(say("found")), Content(versions)


def headline_rows(finding: Finding) -> Iterator[Row]:
    yield SEVERITIES[finding.severity].whole, shown(finding.what, STRONG)


def evidence_rows(finding: Finding) -> Iterator[Row]:
    for number, each in enumerate(finding.because):
        yield Content("") if number else label(say("because")), Content(said(each))


def source_rows(finding: Finding) -> Iterator[Row]:
    yield label(say("code")), Content.styled(finding.code, MUTED)
    if finding.source:
        yield label(say("source")), shown(finding.source, MUTED)


def well_rows(found: Diagnosis) -> Iterator[Row]:
    """Where nothing is wrong, as far as it was looked at: that is no proof."""
    if found.subject == "error":
        yield from () if found.findings else ((shown(WELL_WORDS["error"], STRONG),),)
        return
    if not found.findings:
        yield (Content.assemble(("✓ ", GOOD), (said(WELL_WORDS[found.subject]), STRONG)),)
    if not found.is_ill:
        yield (shown(say("Only a proof proves that it works: a setup or a verify that passes."), MUTED),)


def unknown_rows(found: Diagnosis) -> Iterator[Row]:
    for each in found.unknown:
        yield label(say("unknown")), Content(said(say("{what}: {why}", what=each.what, why=each.why)))
