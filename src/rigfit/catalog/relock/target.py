"""What a lock's platform and its glibc mean to each tool that takes part in locking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from packaging.tags import Tag, compatible_tags, cpython_tags

from rigfit.catalog.glibc import LEGACY
from rigfit.core.requirements.platform import PLATFORMS
from rigfit.core.version import Version
from rigfit.core.words import say

_OLDEST = {"x86_64": 5, "aarch64": 17}  # PEP 599: there is nothing before manylinux2014 but for Intel's machines


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
        return say("{platform} with glibc {version}", platform=self.platform, version=self.glibc)

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
            if minor in LEGACY:
                yield f"manylinux{LEGACY[minor]}_{self.machine}"
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
