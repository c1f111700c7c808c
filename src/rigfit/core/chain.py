"""What else must change where one library becomes newer: the chain that no resolver sees."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from packaging.version import Version as PackageVersion

from rigfit.core.fact import Bound
from rigfit.core.words import say

_NAMES = {"peft": "PEFT", "numpy": "NumPy"}
_LESSER = ("check", "seq2seq")  # without these, 8-bit LoRA of the models that most people have still works


def chain(
    versions: Mapping[str, str], package: str, least: PackageVersion, bounds: tuple[Bound, ...]
) -> tuple[tuple[str, PackageVersion], ...]:
    """Of a lock with `versions`, the packages that must become newer for `package` to be `least`, each because of the one before."""
    links = [(package, least)]
    for name, version in links:  # grows as it goes
        for other, needed in _next(versions, name, version, bounds):
            if other not in dict(links):
                links.append((other, needed))
    return tuple(links)


def _next(
    versions: Mapping[str, str], name: str, version: PackageVersion, bounds: tuple[Bound, ...]
) -> list[tuple[str, PackageVersion]]:
    """What a locked library that cannot stand `version` must become, and what `version` itself needs."""
    found = []
    known = {package: PackageVersion(text) for package, text in versions.items()}
    for bound in bounds:
        if bound.to in _LESSER or bound.package not in known:
            continue
        holds_back = bound.needs == name and bound.concerns(known)
        if holds_back and not bound.allows(version) and bound.free is not None:
            found.append((bound.package, bound.free))
        needed = versions.get(bound.needs)
        if bound.speaks_of(name, version) and needed is not None and bound.at_least is not None:
            found += [(bound.needs, bound.at_least)] if PackageVersion(needed) < bound.at_least else []
    return found


def in_words(links: tuple[tuple[str, PackageVersion], ...]) -> str:
    """`bitsandbytes >= 0.45.0, so PEFT >= 0.14.0, so transformers >= 4.43.0`."""
    bounds = (f"{_NAMES.get(name, name)} >= {version}" for name, version in links)
    return reduce(lambda cause, effect: say("{cause}, so {effect}", cause=cause, effect=effect), bounds)
