"""The log of each run: the same event lines that the faces draw."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from rigfit.core.event import Event, Log, RunFailed, event_to_json
from rigfit.core.problem import unwritable
from rigfit.core.size import human
from rigfit.core.words import say
from rigfit.store.paths import Home

_KEPT = 99  # runs, beside the new one
_HALF = 1 << 19  # bytes of the start and of the end of a long log, where it is told on


def last_logs(home: Home, count: int) -> list[Path]:
    """The newest last. Raises OSError where they may not be looked at."""
    if not home.runs.exists():
        return []
    return sorted(path for path in home.runs.iterdir() if path.suffix == ".jsonl")[-count:]


def lines_of(log: Path) -> Iterator[bytes]:
    """Its whole lines. Of a log beyond 1 MiB those of its start and its end, with an event between that says so.

    Raises OSError.
    """
    with log.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        if size <= 2 * _HALF:
            yield from _whole(file.read(2 * _HALF))
            return
        start = file.read(_HALF).rpartition(b"\n")[0]
        file.seek(size - _HALF)
        end = file.read(_HALF).partition(b"\n")[2]
    yield from _whole(start + b"\n")
    yield json.dumps(event_to_json(_cut(size - len(start) - len(end)))).encode()
    yield from _whole(end)


def _whole(data: bytes) -> list[bytes]:
    """The last line of a run that goes on, or was killed, may not be."""
    return [line for line in data.split(b"\n")[:-1] if line]


def _cut(size: int) -> Log:
    return Log(text=say("{size} of this run are left out here", size=human(size)), level="warning")


def recorded(events: Iterator[Event], home: Home, *, needed: bool = True) -> Iterator[Event]:
    """Pass the events on, each written to `runs/<time>.jsonl` first.

    Where nothing can be written, RunFailed alone if a log is `needed`, since the run would fail there; else go on without.
    """
    now = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
    path = home.runs / f"{now}.jsonl"
    try:
        home.runs.mkdir(parents=True, exist_ok=True)
        for old in sorted(home.runs.glob("*.jsonl"))[:-_KEPT]:
            old.unlink(missing_ok=True)
        log = path.open("wb", buffering=0)  # a buffer would fail once more when it is closed
    except OSError as error:
        yield from [RunFailed(problem=unwritable(str(path), error))] if needed else events
        return
    with log:
        for event in events:
            with contextlib.suppress(OSError):  # a full disk must not hide the event that says so
                log.write(json.dumps(event_to_json(event)).encode() + b"\n")
            yield event
