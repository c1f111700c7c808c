"""Which glibc locked files need: wheels say it in their tags, conda packages in their records."""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.tags import Tag

from rigfit.core.version import Version

LEGACY = {17: "2014", 12: "2010", 5: "1"}  # PEP 600: older names of manylinux_2_17, 2_12 and 2_5
ANY = (Version("2.0"), "no file")  # where nothing asks for one
_MANYLINUX = re.compile(r"manylinux_2_(\d+)_")

Minimum = tuple[str, str, Version | None]  # name, version, and the oldest glibc that it runs on, None for any


def least_glibc(tags: frozenset[Tag]) -> Version | None:
    """The oldest glibc that a wheel of these tags promises to run on; None if it promises for any."""
    minors = [minor for tag in tags for minor in _minors(tag.platform)]
    return Version(f"2.{min(minors)}") if minors else None


def oldest_glibc(wheels: Iterable[Minimum], conda: Iterable[Minimum]) -> tuple[Version, str]:
    """The newest of all minimums, and the first package that has it: torch before other wheels, then by name."""
    ordered = [
        *sorted(wheels, key=lambda each: (each[0] != "torch", each[0])),
        *sorted(conda, key=lambda each: each[0]),
    ]
    known = [(glibc, f"{name} {version}") for name, version, glibc in ordered if glibc is not None]
    return max(known, key=lambda pair: pair[0], default=ANY)


def _minors(platform: str) -> list[int]:
    found = [int(minor) for minor in _MANYLINUX.findall(platform)]
    return found + [minor for minor, name in LEGACY.items() if platform.startswith(f"manylinux{name}_")]
