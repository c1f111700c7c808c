"""Draws a run while it happens: one line for each step, moving only on a terminal."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from rigfit.cli.show import Face
from rigfit.core.cancel import Cancel
from rigfit.core.event import (
    Check,
    CheckStarted,
    Event,
    Log,
    Progress,
    RunFailed,
    RunFinished,
    StepFinished,
    StepStarted,
    event_to_json,
)
from rigfit.core.problem import ProblemError
from rigfit.core.progress import RunView
from rigfit.core.size import human
from rigfit.core.words import say
from rigfit.language import said

if TYPE_CHECKING:
    from rich.status import Status

_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stoppable() -> Iterator[Cancel]:
    """A Cancel that Ctrl-C, a closed terminal and `kill` request; the stream then ends by itself with `stopped`."""
    cancel = Cancel()

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        cancel.request()

    before = {number: signal.signal(number, stop) for number in _STOPS}
    try:
        yield cancel
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def follow(events: Iterator[Event], face: Face) -> RunFinished:
    """Draw the run to its end; raises the ProblemError that it failed with."""
    if face.events:
        return _finished(_passed_on(events, face))
    if face.moving:
        return _finished(_moving(events, face))
    return _finished(_lines(events, face))


def _finished(last: Event | None) -> RunFinished:
    match last:
        case RunFinished():
            return last
        case RunFailed(problem=problem, result=result):
            raise ProblemError(problem, result)
        case _:
            raise AssertionError(f"a run ended with {last!r}")


def _passed_on(events: Iterator[Event], face: Face) -> Event | None:
    last = None
    for last in events:
        face.line(event_to_json(last))
    face.streamed = True
    return last


def _lines(events: Iterator[Event], face: Face) -> Event | None:
    view, last = RunView(), None
    for last in events:
        view = view.after(last)
        if face.text:
            _say(last, view, face)
    face.blank()
    return last


def _say(event: Event, view: RunView, face: Face) -> None:
    match event:
        case StepStarted(title=title):
            if face.verbose:
                face.note(say("{title} ...", title=title))
        case StepFinished():
            face.note(_ending(event, view))
        case Log(text=text, level=level):
            if face.verbose or level == "warning":
                face.note(f"    {said(text)}")
        case Check():
            from rigfit.cli import draw

            face.note(draw.check_line(event))
        case _:
            pass


def _ending(event: StepFinished, view: RunView) -> str:
    row = next(row for row in view.steps if row.step == event.step)
    if not row.done:
        return say("{title}: {seconds:.1f} s", title=row.title, seconds=event.seconds)
    amount = _done(row.step, human(row.done))
    return say("{title}: {seconds:.1f} s, {amount}", title=row.title, seconds=event.seconds, amount=amount)


def _done(step: str, amount: str) -> str:
    if step == "base":
        return say("{amount} of packages", amount=amount)
    return say("{amount} written", amount=amount)


def _moving(events: Iterator[Event], face: Face) -> Event | None:
    console = face.console(stderr=True)
    view, last, pace = RunView(), None, _Pace()
    with console.status("") as status:
        for last in events:
            view = view.after(last)
            _draw(status, last, view, pace)
            _say(last, view, face)
    face.blank()
    return last


class _Pace:
    """The rate of the step at work, in bytes a second."""

    def __init__(self) -> None:
        self.started = time.monotonic()

    def restart(self) -> None:
        self.started = time.monotonic()

    def rate(self, done: int) -> float:
        return done / max(time.monotonic() - self.started, 0.1)


def _draw(status: Status, event: Event, view: RunView, pace: _Pace) -> None:
    match event:
        case StepStarted(title=title):
            pace.restart()
            status.update(said(title))
        case Progress(done=done, total=total):
            row = next(row for row in view.steps if row.step == event.step)
            amount = say("{done} of at most {total}", done=human(done), total=human(total)) if total else human(done)
            progress = say(
                "{title}: {progress}, {rate}/s",
                title=row.title,
                progress=_done(event.step, amount),
                rate=human(pace.rate(done)),
            )
            status.update(said(progress))
        case CheckStarted(id=name):
            status.update(said(say("verify: {name}", name=name)))
        case _:
            pass
