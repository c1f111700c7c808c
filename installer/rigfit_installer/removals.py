"""Removals go on when the application is left: half of an environment is of no use to anybody."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Removals:
    """Those under way, by the name of their environment."""

    def __init__(self) -> None:
        self.under_way: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.under_way)

    def wait_for(self, name: str) -> None:
        work = self.under_way.get(name)
        if work is not None:
            work.join()

    def carry_out(self, name: str, remove: Callable[[], None]) -> None:
        """Returns when it is done, or raises as `remove` does; the thread is one that the end of the program waits for."""
        failures: list[Exception] = []

        def removed() -> None:
            try:
                remove()
            except Exception as error:  # noqa: BLE001 - it rises where it was asked for
                failures.append(error)

        work = threading.Thread(target=removed, daemon=False, name="rigfit-removal")
        with self._lock:  # none is seen that has not started
            work.start()
            self.under_way[name] = work
        work.join()
        self.under_way.pop(name, None)
        for failure in failures:
            raise failure

    def wait(self, tell: Callable[[str], None]) -> None:
        """Until all are done; `tell` is given the name of each that is not."""
        with self._lock:
            under_way = [*self.under_way.items()]
        for name, work in under_way:
            if work.is_alive():
                tell(name)
                work.join()
