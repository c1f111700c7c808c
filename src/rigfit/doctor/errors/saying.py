"""A family of errors as a finding: its cause where the versions leave one, else each with what tells them apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from packaging.specifiers import SpecifierSet

from rigfit.core.finding import Finding
from rigfit.core.installed import Installed
from rigfit.core.rule import FIGURES, Cause, Condition, Rule
from rigfit.core.words import Words, joined, say
from rigfit.doctor.errors.commands import for_python
from rigfit.doctor.errors.known import Known, figure

_LONGEST = 200  # letters of a quotation


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Computed for what is installed: `first` comes before the rule's own lines, `instead` is said in their place."""

    first: str = ""
    instead: tuple[str, ...] = ()


_NONE = Remedy()


def finding(rule: Rule, words: str, known: Known, remedy: Remedy = _NONE, library: str = "") -> Finding:
    """`words` is the line of the text, `library` the one that it names."""
    left = tuple(_there(cause, known, library) for cause in rule.causes_left(known.installed))
    alone = left[0] if len(left) == 1 else None
    return Finding(
        code=rule.code,
        severity="error",
        what=alone.what if alone else rule.what,
        because=(
            say('the text has "{line}"', line=words),
            *_decisive(rule, known),
            *_reasons(left, known),
            *([rule.folk] if rule.folk else []),
        ),
        fix=remedy.instead or (*([remedy.first] if remedy.first else []), *_steps(left, known)),
        source="; ".join(dict.fromkeys(cause.source for cause in left or rule.causes)),
    )


def _decisive(rule: Rule, known: Known) -> Iterator[str]:
    conditions = (condition.package for cause in rule.causes for condition in cause.when)
    for name in dict.fromkeys((*rule.between, *conditions)):
        if origin := known.origin(name):
            yield origin


def _reasons(left: Sequence[Cause], known: Known) -> Iterator[str]:
    if len(left) == 1:
        yield left[0].because
    elif not left:
        yield say("no cause that is known for it goes with these versions: the text may come from another Python")
    for cause in left if len(left) > 1 else ():
        yield _if(_open(cause, known.installed), cause.what)


def _steps(left: Sequence[Cause], known: Known) -> Iterator[str]:
    yield from left[0].fix if len(left) == 1 else _ways(left, known)


def _there(cause: Cause, known: Known, library: str) -> Cause:
    """Its commands with the name of the library, and for the Python that was named, where it is the one."""

    def command(step: str) -> str:
        named = step.replace("NAME", library) if library else step
        if known.seen is None or known.contradictions:
            return named
        return for_python(named, known.seen.place, known.seen.uv)

    steps = (step if isinstance(step, Words) else command(step) for step in cause.fix)
    return replace(cause, fix=tuple(filter(None, steps)), tells=command(cause.tells))


def _ways(left: Sequence[Cause], known: Known) -> Iterator[str]:
    """What tells the causes apart, then what likely helps against each."""
    yield from dict.fromkeys(cause.tells for cause in left if cause.tells)
    if known.seen is None:
        command = "rigfit doctor --python PATH --error FILE"
        yield say("name the Python that said it, and the cause is told: `{command}`", command=command)
    for cause in left:
        yield from (_if(_open(cause, known.installed), _as_step(step)) for step in cause.fix[:1])


def _as_step(step: str) -> str:
    return step if isinstance(step, Words) else f"`{step}`"


def _open(cause: Cause, installed: Installed) -> tuple[Condition, ...]:
    return tuple(condition for condition in cause.when if condition.judge(installed) == "unknown")


def _if(conditions: Sequence[Condition], text: str) -> str:
    if not conditions:
        return text
    condition = joined(say(" and "), (condition_in_words(each) for each in conditions))
    return say("if {condition}: {text}", condition=condition, text=text)


def condition_in_words(condition: Condition) -> str:
    if condition.package in FIGURES:
        return figure(condition.package, in_order(condition.versions or SpecifierSet()))
    match condition.state:
        case "absent":
            return say("{library} is not installed", library=condition.package)
        case "present":
            return say("{library} is installed", library=condition.package)
        case "cpu":
            return say("torch is a build for the CPU")
        case "cuda":
            return say("torch is a build for CUDA")
        case None:
            return f"{condition.package} {in_order(condition.versions or SpecifierSet())}"


def in_order(versions: SpecifierSet) -> str:
    """`>=4.32,<4.36`: the lower end first."""
    return ",".join(sorted(map(str, versions), key=lambda each: (each.startswith("<"), each)))


def shortened(text: str, start: int = 0, end: int | None = None) -> str:
    """The lines of `text` from `start` to `end` as one, and no more of them than can be taken in."""
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", start if end is None else max(start, end - 1))
    line = " ".join(text[first : len(text) if last < 0 else last].split())
    if len(line) <= _LONGEST:
        return line
    at = max(0, min(len(line) - _LONGEST, len(" ".join(text[first:start].split())) - _LONGEST // 4))
    return f"{'...' if at else ''}{line[at : at + _LONGEST].strip()}{'...' if at + _LONGEST < len(line) else ''}"
