"""Which versions of a library there are, and what they declare: what an installer will insist on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from packaging.version import Version as PackageVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Versions from `at_least` (included) to `below` (excluded); None: no end there."""

    at_least: PackageVersion | None = None
    below: PackageVersion | None = None

    def allows(self, version: PackageVersion) -> bool:
        low, high = self.at_least, self.below
        return (low is None or low <= version) and (high is None or version < high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Versions `since` to `until` of a package, both included, which declare the same.

    `offered` are those of them worth a suggestion. `python` is the Python with wheels of all of these, `needs` what they
    declare of other packages that are known here, by name.
    """

    package: str
    since: PackageVersion
    until: PackageVersion
    offered: tuple[PackageVersion, ...]
    python: Span
    needs: tuple[tuple[str, Span], ...] = ()

    def includes(self, version: PackageVersion) -> bool:
        return self.since <= version <= self.until


def release_of(releases: Iterable[Release], package: str, version: PackageVersion) -> Release | None:
    return next((row for row in releases if row.package == package and row.includes(version)), None)
