"""Facts that contradict themselves: of two rows for the same thing nobody could tell which one to believe."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Protocol, TypeVar

from packaging.version import Version as PackageVersion

from rigfit.catalog.place import Place
from rigfit.core.fact import Fact, Facts, KnownModel
from rigfit.core.problem import Problem
from rigfit.core.version import Capability
from rigfit.core.words import say

Row = TypeVar("Row", bound=Fact)


class _Spanned(Protocol):
    @property
    def since(self) -> PackageVersion: ...
    @property
    def until(self) -> PackageVersion: ...


class _Ranged(Protocol):
    @property
    def lowest(self) -> Capability: ...
    @property
    def highest(self) -> Capability: ...


def faults_of_facts(folder: Path, facts: Facts, today: dt.date) -> Iterator[Problem]:
    """`folder` is where they were read from."""
    yield from _twice(folder, facts)
    yield from _of_tomorrow(folder, facts, today)
    yield from _without_driver(folder, facts)


def _twice(folder: Path, facts: Facts) -> Iterator[Problem]:
    drivers, gpus = Place(file=folder / "drivers.toml"), Place(file=folder / "gpus.toml")
    yield from _pairs(drivers.at("driver"), facts.drivers, lambda a, b: a.cuda == b.cuda, ("cuda",))
    yield from _pairs(drivers.at("last_driver"), facts.last_drivers, _same_gpus, ("lowest", "highest"))
    yield from _pairs(
        gpus.at("architecture"), facts.architectures, lambda a, b: a.capability == b.capability, ("capability",)
    )
    models = Place(file=folder / "models.toml", key="model")
    yield from _pairs(models, facts.models, _share_a_name, ("name", "aliases"))
    yield from _twice_in_torch_and_bounds(folder, facts)
    yield from _twice_in_bitsandbytes(Place(file=folder / "bitsandbytes.toml"), facts)


def _twice_in_torch_and_bounds(folder: Path, facts: Facts) -> Iterator[Problem]:
    yield from _pairs(
        Place(file=folder / "torch.toml", key="torch"),
        facts.torch,
        lambda a, b: a.arch == b.arch and _same_versions(a, b),
        ("since", "until", "arch"),
    )
    yield from _pairs(
        Place(file=folder / "versions.toml", key="bound"),
        facts.bounds,
        lambda a, b: (a.package, a.needs, a.to) == (b.package, b.needs, b.to) and _same_versions(a, b),
        ("package", "since", "until", "needs", "to"),
    )


def _twice_in_bitsandbytes(place: Place, facts: Facts) -> Iterator[Problem]:
    reach = ("since", "until", "lowest", "highest")
    yield from _pairs(
        place.at("library"),
        facts.libraries,
        lambda a, b: (a.arch, a.cuda) == (b.arch, b.cuda) and _same_versions(a, b),
        ("since", "until", "arch", "cuda"),
    )
    yield from _pairs(
        place.at("int8"),
        facts.int8,
        lambda a, b: a.only == b.only and _same_versions(a, b) and _same_gpus(a, b),
        reach,
    )
    yield from _pairs(place.at("nf4"), facts.nf4, lambda a, b: _same_versions(a, b) and _same_gpus(a, b), reach)
    yield from _pairs(place.at("nf4_first"), facts.nf4_first, lambda a, b: a.package == b.package, ("package",))


def _same_versions(one: _Spanned, other: _Spanned) -> bool:
    return one.since <= other.until and other.since <= one.until


def _same_gpus(one: _Ranged, other: _Ranged) -> bool:
    return one.lowest <= other.highest and other.lowest <= one.highest


def _share_a_name(one: KnownModel, other: KnownModel) -> bool:
    names = ({name.lower() for name in model.names} for model in (one, other))
    return not set.isdisjoint(*names)


def _pairs(
    place: Place, rows: Sequence[Row], same: Callable[[Row, Row], bool], keys: tuple[str, ...]
) -> Iterator[Problem]:
    """`keys` are those by which a person finds a row."""
    for one, other in combinations(rows, 2):
        if same(one, other):
            yield place.wrong(
                needed=say("one row for one thing"),
                found=say("two: {one}; and {other}", one=_as_written(one, keys), other=_as_written(other, keys)),
                fix=(say("leave one of the two out, or let one end before the other begins"),),
            ).problem


def _as_written(row: Fact, keys: tuple[str, ...]) -> str:
    return ", ".join(f'{key} = "{getattr(row, key)}"' for key in keys)


def _of_tomorrow(folder: Path, facts: Facts, today: dt.date) -> Iterator[Problem]:
    """It can be tomorrow already where somebody looked, but not later."""
    for file, table, rows in _tables(facts):
        for day in sorted({row.read for row in rows}):
            if dt.date.fromisoformat(day) > today + dt.timedelta(days=1):
                yield (
                    Place(file=folder / file, key=f"{table}.read")
                    .wrong(
                        needed=say("the day on which somebody looked, {today} or earlier", today=today),
                        found=day,
                        fix=(
                            say("write the day on which you looked"),
                            say("or see whether this machine's clock is right"),
                        ),
                    )
                    .problem
                )


def _tables(facts: Facts) -> Iterator[tuple[str, str, Sequence[Fact]]]:
    """All rows, with the file and the table that they stand in."""
    yield "drivers.toml", "driver", facts.drivers
    yield "drivers.toml", "last_driver", facts.last_drivers
    yield "torch.toml", "torch", facts.torch
    yield "bitsandbytes.toml", "library", facts.libraries
    yield "bitsandbytes.toml", "int8", facts.int8
    yield "bitsandbytes.toml", "nf4", facts.nf4
    yield "bitsandbytes.toml", "nf4_first", facts.nf4_first
    yield "bitsandbytes.toml", "int8_on_cpu", (facts.int8_on_cpu,)
    yield "versions.toml", "bound", facts.bounds
    yield "gpus.toml", "architecture", facts.architectures
    yield "gpus.toml", "no_tensor_cores", (facts.no_tensor_cores,)
    yield "gpus.toml", "virtual_series", (facts.virtual_series,)
    yield "memory.toml", "gpu_memory", (facts.gpu_memory,)
    yield "models.toml", "model", facts.models


def _without_driver(folder: Path, facts: Facts) -> Iterator[Problem]:
    known = {row.cuda for row in facts.drivers}
    for build in facts.torch:
        if build.cuda not in known:
            place = Place(file=folder / "torch.toml", key="torch.cuda")
            needed = say("a CUDA that has a `[[driver]]` row in drivers.toml")
            found = f"{build.cuda} ({_as_written(build, ('since', 'until', 'arch'))})"
            yield place.wrong(needed=needed, found=found, fix=(say("add that row to drivers.toml"),)).problem
