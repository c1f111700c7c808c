"""Where between two measured versions a boundary lies, as far as somebody has read it in the wheels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.version import Version

from rigfit.catalog.table import NAME, PACKAGE_VERSION, TEXT, Table, read_toml

FILE = Path(__file__).with_name("edges.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    package: str
    last: Version | None  # as the version measured before the boundary; None at the beginning
    first: Version  # as the one measured after it
    about: str  # in the error that begins or ends there

    def lies_between(self, before: Version | None, after: Version) -> bool:
        if self.last is None or before is None:
            return self.last == before and self.first <= after
        return before <= self.last < self.first <= after


@cache
def edges() -> tuple[Edge, ...]:
    with read_toml(FILE) as file:
        return tuple(_edge(row) for row in file.tables("edge"))


def _edge(row: Table) -> Edge:
    with row:
        row.get("why", TEXT)
        about = row.get_or("about", TEXT, "")
        last, first = row.get_or("last", PACKAGE_VERSION, None), row.get("first", PACKAGE_VERSION)
        return Edge(package=row.get("package", NAME), last=last, first=first, about=about)


def last_before(package: str, before: Version, after: Version, error: str) -> Version:
    """The last version like `before`, of two measured one after the other."""
    return next((edge.last for edge in _between(package, before, after, error) if edge.last), before)


def first_after(package: str, before: Version | None, after: Version, error: str) -> Version:
    """The first version like `after`; `before` is None where `after` is the first measured of all."""
    return next((edge.first for edge in _between(package, before, after, error)), after)


def _between(package: str, before: Version | None, after: Version, error: str) -> list[Edge]:
    of_it = [edge for edge in edges() if edge.package == package and edge.about in error]
    found = [edge for edge in of_it if edge.lies_between(before, after)]
    if len(found) > 1:
        raise ValueError(package, before, after)
    return found
