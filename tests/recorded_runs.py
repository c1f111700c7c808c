"""Runs as they were written down, line by line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from rigfit.core.event import Event, event_from_json
from rigfit.core.words import say
from rigfit_installer.job import Job


def replay(lines: Iterable[str]) -> Iterator[Event]:
    """The events of a recorded run, from its JSON lines."""
    return (event_from_json(json.loads(line)) for line in lines if line.strip())


def recorded_job(path: Path) -> Job:
    """A run log of `runs/` as a job, as fast as it can be drawn."""
    lines = path.read_text(encoding="utf-8").splitlines()
    title = say("a recorded run")
    return Job(environment=json.loads(lines[0])["environment"], title=title, events=lambda _cancel: replay(lines))
