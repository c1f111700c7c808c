"""A run as rows: each step with how far it is, then the checks as they are made."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content

from rigfit.core.event import Check
from rigfit.core.figures import brief
from rigfit.core.pace import Pace
from rigfit.core.progress import RunView, StepView
from rigfit.core.size import clock, human
from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.draw.machine import bar
from rigfit_installer.widgets.columns import Row
from rigfit_installer.words import BUSY, CHECKS, MUTED, STEPS, STRONG, shown

_BAR = 24
_MANY = 3
_TITLES = {
    "base": say("the interpreter"),
    "libraries": say("the libraries"),
    "verify": say("the proof: load a model and train a LoRA step"),
}


def step_rows(view: RunView, pace: Pace, now: float) -> Iterator[Row]:
    for step in view.steps:
        title = said(step.title or _TITLES.get(step.step, step.step))
        yield (
            STEPS[step.state].alone,
            Content.styled(title, STRONG if step.state == "running" else ""),
            _state(step, pace, now),
        )
        if step.state == "running":
            yield from ((Content("     ") + line,) for line in _moving(step, view, pace))


def _state(step: StepView, pace: Pace, now: float) -> Content:
    if step.state == "running":
        return Content.styled(f"{said(STEPS['running'].word)}, {clock(pace.elapsed(now))}", BUSY)
    if step.state == "finished" and step.seconds is not None:
        amount = f", {human(step.done)}" if step.done else ""
        return Content.styled(f"{said(STEPS['finished'].word)}, {step.seconds:.1f} s{amount}", MUTED)
    return Content.styled(said(STEPS[step.state].word), STEPS[step.state].style)


def _moving(step: StepView, view: RunView, pace: Pace) -> Iterator[Content]:
    if step.done or step.total:
        yield Content.assemble(_bar(step), "  ", _figures(step))
    if step.item or pace.rate is not None:
        yield Content.styled("  ".join([*_speed(step, pace), step.item]).strip(), MUTED)
    if view.checking:
        yield Content.styled(said(say("checking {name}", name=view.checking)), MUTED)


def _bar(step: StepView) -> Content:
    return bar(step.done / step.total, _BAR) if step.total else Content("")


def _figures(step: StepView) -> str:
    whole = human(step.total) if step.total else ""
    return said(say("{done} of at most {total}", done=human(step.done), total=whole)) if whole else human(step.done)


def _speed(step: StepView, pace: Pace) -> Iterator[str]:
    if pace.rate is not None:
        yield f"{human(pace.rate)}/s"
    left = pace.left(step.total)
    if left is not None:
        yield said(say("about {time} left", time=clock(left)))


def check_rows(checks: tuple[Check, ...], checking: str = "", told: str = "") -> Iterator[Row]:
    """A check that fails is followed by why, unless `told` has said so already."""
    if checks or checking:
        heads = (say("check"), say("result"), say("measured"), say("expected"), say("time"))
        yield tuple(Content.styled(said(head), f"{MUTED} bold") for head in heads)
    for check in checks:
        yield _check(check)
        if check.why and check.status != "passed" and check.why not in told:
            yield (Content.styled(f"    {said(check.why)}", CHECKS[check.status].style),)
    if checking:
        yield Content.styled(checking, BUSY), shown(say("running"), BUSY), Content(""), Content(""), Content("")


def _check(check: Check) -> Row:
    return (
        Content(check.id),
        CHECKS[check.status].whole,
        Content(said(brief(check.measured, many=_MANY))),
        Content.styled(said(brief(check.expected, many=_MANY)), MUTED),
        Content.styled(f"{check.seconds:.1f} s", MUTED),
    )
