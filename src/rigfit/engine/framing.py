"""The frame of every run: its beginning, its end, and its log."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rigfit.core.event import Event, RunFailed, RunFinished, RunStarted
from rigfit.core.plan import Step
from rigfit.core.problem import UNWRITABLE, ProblemError, unwritable
from rigfit.store.paths import Home
from rigfit.store.runs import recorded

Work = Generator[Event, None, dict[str, Any]]  # its value is the result


def framed(
    name: str,
    steps: tuple[Step, ...],
    work: Work,
    home: Home,
    lock: AbstractContextManager[object] | None = None,
) -> Iterator[Event]:
    """Expected failures are the last event, never an exception; an exception is a bug. `work` is done under the `lock`.

    Without a lock the run keeps nothing in the home, so that it goes on without a log where that cannot be written.
    """
    return recorded(
        _framed(name, steps, work, home, nullcontext() if lock is None else lock), home, needed=lock is not None
    )


def _framed(
    name: str, steps: tuple[Step, ...], work: Work, home: Home, lock: AbstractContextManager[object]
) -> Iterator[Event]:
    started = time.monotonic()
    yield RunStarted(environment=name, steps=tuple(step.id for step in steps))
    try:
        with lock:
            result = yield from work
    except ProblemError as error:
        yield RunFailed(problem=error.problem, result=error.result)
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        yield RunFailed(problem=unwritable(str(error.filename or home.path), error))
    else:
        yield RunFinished(seconds=time.monotonic() - started, result=result)
