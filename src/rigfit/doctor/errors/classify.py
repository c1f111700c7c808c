"""What an error text means: the families that are known to speak so, and of their causes those that the versions leave."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from rigfit.core.finding import Finding, Unknown
from rigfit.core.installed import Installed
from rigfit.core.literal import literals
from rigfit.core.rule import FIGURES, Rule
from rigfit.core.words import say
from rigfit.doctor.errors.known import Known, Seen
from rigfit.doctor.errors.saying import finding, shortened
from rigfit.doctor.errors.stories import Story, last_error, stories
from rigfit.doctor.errors.text import cleaned, unwrapped
from rigfit.doctor.errors.versions import normal, versions_in

_MOST = 3  # findings: a log of a day has errors enough that nobody asks about


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A rule that speaks of lines `line` to `end`, both included; `words` is what stands there, `library` the one that it names."""

    rule: Rule
    priority: int
    line: int
    end: int
    words: str
    library: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """`told` is what the text tells of libraries, `hits` are the rules that speak of it, best first."""

    told: Installed
    hits: tuple[Hit, ...]
    unknown: tuple[Unknown, ...]


class _View:
    """A text with the places of its lines."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]

    def has(self, pattern: str) -> bool:
        return re.search(pattern, self.text, re.MULTILINE) is not None

    def hits(self, rule: Rule, priority: int) -> Iterator[Hit]:
        pieces = literals(rule.pattern)
        if pieces and not any(piece in self.text for piece in pieces):
            return
        for match in re.finditer(rule.pattern, self.text, re.MULTILINE):
            line, end = self._line(match.start()), self._line(max(match.start(), match.end() - 1))
            words = shortened(self.text, match.start(), match.end())
            library = normal(match[1]) if match.lastindex else ""
            yield Hit(rule=rule, priority=priority, line=line, end=end, words=words, library=library)

    def _line(self, at: int) -> int:
        return bisect_right(self._starts, at) - 1


class Pasted:
    """A text as it was printed, and the same with the lines joined that something may have broken."""

    def __init__(self, text: str) -> None:
        self.text = cleaned(text)
        self.views = (_View(self.text), _View(unwrapped(self.text)))

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(view.text for view in self.views)


def findings(
    text: str, rules: Sequence[Rule], installed: Installed | None = None, place: str = "that Python"
) -> tuple[Finding, ...]:
    """Best first; `installed` is what the Python at `place` has, of which somebody says that the text is from there."""
    heard = hear(Pasted(text), rules)
    seen = None if installed is None else Seen(installed=installed, place=place)
    known = Known(told=heard.told, seen=seen)
    return tuple(finding(hit.rule, hit.words, known, library=hit.library) for hit in heard.hits)


def hear(pasted: Pasted, rules: Sequence[Rule]) -> Heard:
    hits = _best(pasted.text, _hits(pasted.views, rules))
    told = versions_in(pasted.text, packages_of(rules))
    return Heard(told=told, hits=hits, unknown=_unknown(pasted.text, hits))


def packages_of(rules: Sequence[Rule]) -> frozenset[str]:
    """Those on whose versions the causes depend."""
    conditions = (condition.package for rule in rules for cause in rule.causes for condition in cause.when)
    return frozenset((*conditions, *(package for rule in rules for package in rule.between))) - FIGURES


def _hits(views: Sequence[_View], rules: Sequence[Rule]) -> list[Hit]:
    found: dict[tuple[str, int], Hit] = {}
    for priority, rule in enumerate(rules):
        for view in views:
            for hit in view.hits(rule, priority):
                found.setdefault((rule.code, hit.line), hit)
        if rule.unless and any(hit.rule is rule for hit in found.values()) and any(v.has(rule.unless) for v in views):
            found = {key: hit for key, hit in found.items() if hit.rule is not rule}
    return [*found.values()]


def _best(text: str, hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """The failure told last was the one that somebody saw; of each failure one rule speaks."""
    hidden = {code for hit in hits for code in hit.rule.hides}
    left = [hit for hit in hits if hit.rule.code not in hidden]
    best: dict[str, Hit] = {}
    for story in reversed(stories(text)):
        told = [hit for hit in left if story.start <= hit.end < story.end]
        for hit in _of_story(story, told):
            best.setdefault(hit.rule.code, hit)
    return tuple(best.values())[:_MOST]


def _of_story(story: Story, hits: list[Hit]) -> list[Hit]:
    """Of a chain the rule nearest to the cause; of plain lines each, where no two speak of the same line."""
    if any(not hit.rule.vague for hit in hits):
        hits = [hit for hit in hits if not hit.rule.vague]
    hits.sort(key=lambda hit: (story.part(hit.end), hit.priority, -hit.end))
    if story.tracebacks:
        return hits[:1]
    taken: set[int] = set()
    alone: list[Hit] = []
    for hit in hits:
        lines = {*range(hit.line, hit.end + 1)}
        if not lines & taken:
            alone.append(hit)
        taken |= lines
    return alone


def _unknown(text: str, hits: Sequence[Hit]) -> tuple[Unknown, ...]:
    """Where rules speak of other lines only: the error that ended the program is not explained by them."""
    last = last_error(text)
    if not hits or last is None:
        return ()
    story, line = last
    if any(story.start <= hit.end < story.end for hit in hits):
        return ()
    what = say('the error told last, "{line}"', line=shortened(line))
    return (Unknown(what=what, why=say("no rule knows it; what is said here is about other lines of the text")),)
