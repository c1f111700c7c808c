"""A question with a time limit, asked while others are asked, too."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Question(Generic[T]):
    """Asked at once in a thread of its own, which is left behind when no answer comes: a name server may hang."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._answers: list[T] = []
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._answers.append(self._ask())
        except BaseException as error:  # noqa: BLE001 - raised again for whoever waits
            self._errors.append(error)

    def answer(self, limit: float | None = None) -> T:
        """What was answered or raised; raises TimeoutError after `limit` seconds."""
        self._thread.join(limit)
        if self._errors:
            raise self._errors[0]
        if not self._answers:
            raise TimeoutError
        return self._answers[0]
