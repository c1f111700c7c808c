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
    Training,
    event_to_json,
)
from rigfit.core.pace import Pace
from rigfit.core.problem import ProblemError
from rigfit.core.progress import RunView
from rigfit.core.size import clock, human
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
            from rigfit.cli import proofs

            face.note(proofs.check_line(event))
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
    view, last, pace = RunView(), None, Pace()
    with console.status("") as status:
        for last in events:
            view = view.after(last)
            _draw(status, last, view, pace)
            _say(last, view, face)
    face.blank()
    return last


def _draw(status: Status, event: Event, view: RunView, pace: Pace) -> None:
    match event:
        case StepStarted(step=step, title=title):
            pace.begin(step, time.monotonic())
            status.update(said(title))
        case Progress(step=step, done=done):
            pace.note(step, done, time.monotonic())
            status.update(said(_progress(event, view, pace)))
        case CheckStarted(id=name):
            status.update(said(say("verify: {name}", name=name)))
        case Training(done=done, total=total, rate=rate):
            words = say(
                "training: {done} of {total}, {rate:.0f} tokens/s", done=clock(done), total=clock(total), rate=rate
            )
            status.update(said(words))
        case _:
            pass


def _progress(event: Progress, view: RunView, pace: Pace) -> str:
    title = next(row.title for row in view.steps if row.step == event.step)
    done, total = human(event.done), event.total
    amount = say("{done} of at most {total}", done=done, total=human(total)) if total else done
    progress = _done(event.step, amount)
    if pace.rate is None:
        return say("{title}: {progress}", title=title, progress=progress)
    return say("{title}: {progress}, {rate}/s", title=title, progress=progress, rate=human(pace.rate))
