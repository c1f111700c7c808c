"""The log of each run: the same event lines that the faces draw."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import datetime, timezone

from rigfit.core.event import Event, RunFailed, event_to_json
from rigfit.core.problem import unwritable
from rigfit.store.paths import Home

_KEPT = 99  # runs, beside the new one


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
