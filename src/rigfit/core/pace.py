"""How fast a step goes and how long it still takes, from the last seconds and not from its whole life."""

from __future__ import annotations

from collections import deque

_WINDOW = 5.0  # seconds
_LEAST = 1.0  # seconds of samples, before which nothing is said


class Pace:
    """Of one step at a time, in bytes and seconds."""

    def __init__(self) -> None:
        self._step = ""
        self._begun = 0.0
        self._samples: deque[tuple[float, int]] = deque()

    def begin(self, step: str, now: float) -> None:
        self._step, self._begun = step, now
        self._samples.clear()

    def elapsed(self, now: float) -> float:
        """Seconds since the step began."""
        return now - self._begun

    def note(self, step: str, done: int, now: float) -> None:
        if step != self._step:
            self.begin(step, now)
        self._samples.append((now, done))
        while self._samples[-1][0] - self._samples[0][0] > _WINDOW:
            self._samples.popleft()

    @property
    def rate(self) -> float | None:
        """Bytes a second; None while there is too little to tell it from."""
        if len(self._samples) < 2:
            return None
        (since, before), (now, done) = self._samples[0], self._samples[-1]
        return (done - before) / (now - since) if now - since >= _LEAST else None

    def left(self, total: int | None) -> float | None:
        """Seconds until `total`, if it goes on like this."""
        if not total or not self._samples or not self.rate or self.rate <= 0:
            return None
        return max(total - self._samples[-1][1], 0) / self.rate
