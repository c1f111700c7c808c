"""A place in a catalog file, and how a fault there is reported: file, key, needed, found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import say


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`key` is dotted and indexed as in `variants[0].cuda`; empty for the file as a whole.

    `fix` is what helps against any fault there.
    """

    file: Path
    key: str = ""
    fix: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.words

    @property
    def words(self) -> str:
        """Where it is, for people."""
        return say("{file}: key `{key}`", file=str(self.file), key=self.key) if self.key else str(self.file)

    def at(self, key: str) -> Place:
        return replace(self, key=f"{self.key}.{key}" if self.key else key)

    def wrong(
        self,
        *,
        needed: str,
        found: str,
        code: str = "catalog_invalid",
        fix: Sequence[str] = (),
    ) -> ProblemError:
        what = say("{place}: needs {needed}; found {found}", place=self.words, needed=needed, found=found)
        return ProblemError(Problem(code=code, what=what, fix=tuple(fix) or self.fix))


def described(value: Any) -> str:
    """A value as a person would name it: its kind and its beginning."""
    beginning = str(value)[:80]
    match value:
        case dict():
            return say("a table")
        case list() | tuple():
            return say("the list {value}", value=str(list(value))[:80])
        case bool():
            return say("the boolean {value!r}", value=beginning)
        case int():
            return say("the whole number {value!r}", value=beginning)
        case float():
            return say("the number {value!r}", value=beginning)
        case str():
            return say("the text {value!r}", value=beginning)
        case dt.date() if not isinstance(value, dt.datetime):
            return say("the date {value!r}", value=beginning)
        case _:
            return say("the value {value!r}", value=beginning)
