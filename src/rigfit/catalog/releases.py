"""Rows of releases.toml as values: which versions there are, and what they declare of each other."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from packaging.version import Version as PackageVersion

from rigfit.catalog.cited import cited
from rigfit.catalog.locate import FACTS
from rigfit.catalog.table import LIST, PACKAGE_VERSION, TEXT, Kind, Table, read_toml
from rigfit.core.release import Release, Span
from rigfit.core.words import say

FILE = "releases.toml"
_ABOUT = ("source", "read")
_SPAN = re.compile(r"(?:>=(?P<at_least>[^<>=,\s]+))?,?(?:<(?P<below>[^<>=,\s]+))?")
_NEED = re.compile(r"([a-z0-9]+(?:[-.][a-z0-9]+)*)(?: +(\S+))?")


def load_releases(catalog: Path) -> tuple[Release, ...]:
    """Raises ProblemError `catalog_invalid`."""
    with read_toml(catalog / FACTS / FILE) as file:
        cited(file)
        return tuple(_release(name, row) for name in file.values if name not in _ABOUT for row in file.tables(name))


def _release(package: str, row: Table) -> Release:
    with row:
        since, until = row.get("since", PACKAGE_VERSION), row.get("until", PACKAGE_VERSION)
        release = Release(
            package=package,
            since=since,
            until=until,
            offered=row.get_or("offered", VERSIONS, ()),
            python=row.get_or("python", SPAN, Span()),
            needs=row.get_or("needs", NEEDS, ()),
        )
    if until < since:
        raise row.place.at("until").wrong(
            needed=say("no less than `{key}`, {low}", key="since", low=since), found=str(until)
        )
    for version in release.offered:
        if not release.includes(version):
            needed = say("versions from {since} to {until}", since=since, until=until)
            raise row.place.at("offered").wrong(needed=needed, found=str(version))
    return release


def _versions(value: Any) -> tuple[PackageVersion, ...]:
    return tuple(PACKAGE_VERSION.parse(text) for text in LIST.parse(value))


@cache  # the same few stand in most rows
def _span(text: str) -> Span:
    found = _SPAN.fullmatch(text)
    if not text or not found:
        raise ValueError
    low, high = found["at_least"], found["below"]
    return Span(at_least=PackageVersion(low) if low else None, below=PackageVersion(high) if high else None)


@cache
def _need(text: str) -> tuple[str, Span]:
    found = _NEED.fullmatch(text)
    if not found:
        raise ValueError
    return found[1], _span(found[2]) if found[2] else Span()


VERSIONS = Kind(needed=say('versions such as ["4.57.6", "5.0.0"]'), parse=_versions)
SPAN = Kind(needed=say("a span such as `>=3.9,<3.13`, in quotes"), parse=lambda value: _span(TEXT.parse(value)))
NEEDS = Kind(
    needed=say('needs such as ["tokenizers >=0.13,<0.14", "numpy"]'),
    parse=lambda value: tuple(_need(TEXT.parse(text)) for text in LIST.parse(value)),
)
