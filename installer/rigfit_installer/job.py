"""Something that runs as a stream of events: a setup, a repair, a verification."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rigfit.core.cancel import Cancel
from rigfit.core.event import Event
from rigfit.core.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`events` starts it; whoever makes the iterator, its last event is RunFinished or RunFailed.

    One that `only_proves` leaves the environment as it stands when it is stopped.
    """

    environment: str
    title: Words
    events: Callable[[Cancel], Iterator[Event]]
    only_proves: bool = False
