"""What a lock's platform and its glibc mean to each tool that takes part in locking."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.tags import Tag, compatible_tags, cpython_tags

from rigfit.catalog.recipe import PLATFORMS
from rigfit.core.version import Version

_LEGACY = {17: "2014", 12: "2010", 5: "1"}  # PEP 600: older names of manylinux_2_17, 2_12 and 2_5
_OLDEST = {"x86_64": 5, "aarch64": 17}  # PEP 599: there is nothing before manylinux2014 but for Intel's machines
_MANYLINUX = re.compile(r"manylinux_2_(\d+)_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Locked for `glibc` and later."""

    platform: str
    glibc: Version

    @property
    def machine(self) -> str:
        return PLATFORMS[self.platform]

    @property
    def words(self) -> str:
        return f"{self.platform} with glibc {self.glibc}"

    @property
    def uv(self) -> str:
        """The platform in uv's words."""
        return f"{self.machine}-manylinux_2_{self._minor}"

    @property
    def virtual_packages(self) -> list[tuple[str, str, str]]:
        """Name, version and build of each. Without them the solver takes older builds and says nothing."""
        return [
            ("__unix", "0", "0"),
            ("__linux", "5.10", "0"),
            ("__glibc", str(self.glibc), "0"),
            ("__archspec", "1", self.machine),
        ]

    def wheel_ranks(self, python: tuple[int, int]) -> dict[Tag, int]:
        """Every tag that CPython of this version takes here, the best with the lowest number."""
        platforms = [*self._platforms()]
        interpreter = f"cp{python[0]}{python[1]}"
        tags = [
            *cpython_tags(python_version=python, abis=[interpreter], platforms=platforms),
            *compatible_tags(python_version=python, interpreter=interpreter, platforms=platforms),
        ]
        return {tag: rank for rank, tag in reversed([*enumerate(tags)])}

    @property
    def _minor(self) -> int:
        return self.glibc.parts[1]

    def _platforms(self) -> Iterator[str]:
        for minor in range(self._minor, _OLDEST[self.machine] - 1, -1):
            yield f"manylinux_2_{minor}_{self.machine}"
            if minor in _LEGACY:
                yield f"manylinux{_LEGACY[minor]}_{self.machine}"
        yield f"linux_{self.machine}"

    def markers(self, python: str) -> dict[str, str]:
        """The environment in which the wheels' own requirements are judged."""
        return {
            "implementation_name": "cpython",
            "implementation_version": python,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": python,
            "python_version": ".".join(python.split(".")[:2]),
            "sys_platform": "linux",
            "extra": "",
        }


def least_glibc(tags: frozenset[Tag]) -> Version | None:
    """The oldest glibc that a wheel of these tags promises to run on; None if it promises for any."""
    minors = [minor for tag in tags for minor in _minors(tag.platform)]
    return Version(f"2.{min(minors)}") if minors else None


def _minors(platform: str) -> list[int]:
    found = [int(minor) for minor in _MANYLINUX.findall(platform)]
    return found + [minor for minor, name in _LEGACY.items() if platform.startswith(f"manylinux{name}_")]
