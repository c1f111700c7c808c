"""A request to stop that also wakes what is blocked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Cancel:
    """Set once, from any thread. `on_cancel` actions run at that moment, such as killing a child's process group."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal handler may come while its own thread holds it
        self._requested = False
        self._actions: list[Callable[[], None]] = []

    @property
    def requested(self) -> bool:
        return self._requested

    def request(self) -> None:
        with self._lock:
            if self._requested:
                return
            self._requested = True
            actions = tuple(self._actions)
        for action in actions:
            action()

    @contextmanager
    def on_cancel(self, action: Callable[[], None]) -> Iterator[None]:
        """While the block runs, a request calls `action`; at once if it was made already."""
        with self._lock:
            self._actions.append(action)
            late = self._requested
        if late:
            action()
        try:
            yield
        finally:
            with self._lock:
                self._actions.remove(action)
