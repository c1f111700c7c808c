"""What each library could become, the least change first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from packaging.version import Version as PackageVersion

from rigfit.core.installed import Installed
from rigfit.core.release import Release

# What a change of it costs: how much else hangs on it, in this environment and in the code of whoever uses it.
WEIGHTS = {
    "torch": 100,
    "transformers": 10,
    "peft": 10,
    "bitsandbytes": 11,  # an older one knows fewer GPUs
    "numpy": 6,
    "accelerate": 4,
    "pyarrow": 4,
    "scipy": 3,
    "setuptools": 2,
    "tokenizers": 1,
    "huggingface-hub": 1,
}
_NEEDED = ("torch", "transformers", "peft", "bitsandbytes", "accelerate")  # no LoRA in 8 bits without them
_CHANGE = 10**7  # of weight 1; more than all steps together
_STEP = 10  # of weight 1; more than the downs of all packages


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`versions`, what `package` could be, with what each costs, the cheapest first; None is to be absent.

    A set of them is a number: bit 0 stands for the first.
    """

    package: str
    versions: tuple[PackageVersion | None, ...]
    costs: tuple[int, ...]

    def where(self, suits: Callable[[PackageVersion], bool]) -> int:
        """Absent is no version that could suit."""
        each = enumerate(self.versions)
        return sum(1 << number for number, version in each if version is not None and suits(version))

    @property
    def all(self) -> int:
        return (1 << len(self.versions)) - 1

    @property
    def absent(self) -> int:
        return sum(1 << number for number, version in enumerate(self.versions) if version is None)


def options_of(installed: Installed, releases: Iterable[Release], names: Iterable[str]) -> dict[str, Options]:
    """Of those `names`; of a package that was not looked for, or whose version says nothing, there are none."""
    python = installed.version("python")
    offered: dict[str, list[PackageVersion]] = {}
    for row in releases:
        if python is None or row.python.allows(python):
            offered.setdefault(row.package, []).extend(row.offered)
    found = {name: installed.version(name) for name in sorted(installed.versions.keys() & set(names))}
    return {
        name: _options(name, version, sorted(offered.get(name, ())))
        for name, version in found.items()
        if version is not None or installed.is_absent(name)
    }


def _options(package: str, installed: PackageVersion | None, offered: list[PackageVersion]) -> Options:
    """To be as it is costs nothing, which what is needed and absent cannot be. A local part, `+cu118`, is no version."""
    weight = WEIGHTS.get(package, 1)
    now = None if installed is None else PackageVersion(installed.public)
    stays = [] if now is None and package in _NEEDED else [(0, now)]
    steps = _steps(now, offered)
    changes = [(weight * (_CHANGE + _STEP * step) + down, version) for step, down, version in steps]
    costs, versions = zip(*stays, *sorted(changes), strict=True) if stays or changes else ((), ())
    return Options(package=package, versions=versions, costs=costs)


def _steps(now: PackageVersion | None, offered: list[PackageVersion]) -> list[tuple[int, int, PackageVersion]]:
    """How many steps away each is, and 1 where that is down. From nothing it goes to the newest, then further down."""
    if now is None:
        return [(step, 0, version) for step, version in enumerate(reversed(offered))]
    newer = [version for version in offered if version > now]
    older = [version for version in reversed(offered) if version < now]
    return [
        *((step, 0, version) for step, version in enumerate(newer, start=1)),
        *((step, 1, version) for step, version in enumerate(older, start=1)),
    ]
