"""A place in a catalog file, and how a fault there is reported: file, key, needed, found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rigfit.core.problem import Problem, ProblemError


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`key` is dotted and indexed as in `variants[0].cuda`; empty for the file as a whole.

    `fix` is what helps against any fault there.
    """

    file: Path
    key: str = ""
    fix: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.file}: key `{self.key}`" if self.key else str(self.file)

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
        return ProblemError(
            Problem(code=code, what=f"{self}: needs {needed}; found {found}", fix=tuple(fix) or self.fix)
        )


_KINDS: dict[type[Any], str] = {
    bool: "the boolean",
    int: "the whole number",
    float: "the number",
    str: "the text",
    dt.date: "the date",
}


def described(value: Any) -> str:
    """A value as a person would name it: its kind and its beginning."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return f"the list {str(list(value))[:80]}"
    return f"{_KINDS.get(type(value), 'the value')} {str(value)[:80]!r}"
