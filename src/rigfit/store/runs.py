"""The log of each run: the same event lines that the faces draw."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import TextIO

from rigfit.core.event import Event, event_to_json
from rigfit.core.problem import ProblemError, unwritable
from rigfit.store.paths import Home

_KEPT = 99  # runs, beside the new one


def recorded(events: Iterator[Event], home: Home) -> Iterator[Event]:
    """Pass the events on, each written to `runs/<time>.jsonl` first; raises ProblemError before the first event."""
    now = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
    path = home.runs / f"{now}.jsonl"
    try:
        home.runs.mkdir(parents=True, exist_ok=True)
        for old in sorted(home.runs.glob("*.jsonl"))[:-_KEPT]:
            old.unlink(missing_ok=True)
        log = path.open("w", encoding="utf-8", buffering=1)
    except OSError as error:
        raise ProblemError(unwritable(str(path), error)) from error
    return _copied(events, log)


def _copied(events: Iterator[Event], log: TextIO) -> Iterator[Event]:
    with log:
        for event in events:
            with contextlib.suppress(OSError):  # a full disk must not hide the event that says so
                log.write(json.dumps(event_to_json(event)) + "\n")
            yield event
