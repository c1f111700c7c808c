"""What the doctor found: what is wrong, what shows it, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rigfit.core.words import Words, say

Severity = Literal["error", "warning", "note"]
Subject = Literal["machine", "python", "error"]
_ORDER: tuple[Severity, ...] = ("error", "warning", "note")
SEVERITY_WORDS: Mapping[Severity, Words] = {"error": say("error"), "warning": say("warning"), "note": say("note")}
WELL_WORDS: Mapping[Subject, Words] = {
    "machine": say("nothing wrong was found"),
    "python": say("nothing wrong was found; only `rigfit verify --python` proves it"),
    "error": say("unknown: no rule knows this error, so nothing is said about its cause"),
}
MORE_WORDS: Mapping[Subject, Words] = {  # what would let it tell more
    "error": say("give the whole output, not only its last line, and with `--python PATH` the Python that said it"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`because` holds the evidence, `fix` commands or steps, the likeliest first; `code` is stable and never translated.

    `source` is an address, or says what was measured; empty where the evidence is all there is to it.
    """

    code: str
    severity: Severity
    what: str
    because: tuple[str, ...] = ()
    fix: tuple[str, ...] = ()
    source: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "severity": self.severity,
            "what": self.what,
            "because": list(self.because),
            "fix": list(self.fix),
            "source": self.source,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Something that could not be looked at, and why: it is no finding, and no word that all is well."""

    what: str
    why: str

    def to_json(self) -> dict[str, str]:
        return {"what": self.what, "why": self.why}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was looked at (`place`, and `versions` of the libraries where it has any), and what was found, best first."""

    subject: Subject
    place: str = ""
    versions: Mapping[str, str | None] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    unknown: tuple[Unknown, ...] = ()

    @property
    def is_ill(self) -> bool:
        """Whether something is wrong; a note is no more than worth knowing."""
        return any(finding.severity != "note" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        return {
            "subject": self.subject,
            "place": self.place,
            "versions": dict(self.versions),
            "findings": [finding.to_json() for finding in self.findings],
            "unknown": [unknown.to_json() for unknown in self.unknown],
        }


def best_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors, then warnings, then notes; within these in the order given. What is told twice is told once."""
    once: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        once.setdefault((finding.code, finding.what), finding)
    return tuple(sorted(once.values(), key=lambda finding: _ORDER.index(finding.severity)))
