"""Rows of the fact files as values; a row without its source or the date of reading is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeVar

from rigfit.catalog.cited import FLAG, cited
from rigfit.catalog.place import Place, described
from rigfit.catalog.table import (
    CAPABILITIES,
    CAPABILITY,
    LIST,
    NAME,
    PACKAGE_VERSION,
    TEXT,
    TEXTS,
    VERSION,
    WHOLE,
    WRITTEN,
    Kind,
    T,
    Table,
)
from rigfit.core.fact import (
    Architecture,
    Beside,
    Bound,
    DriverMinimum,
    End,
    First,
    GpuMemory,
    Int8OnCpu,
    Int8Support,
    KnownModel,
    LastDriver,
    Library,
    Names,
    Nf4Support,
    Speed,
    TorchBuild,
    VirtualSeries,
)
from rigfit.core.family import FAMILIES
from rigfit.core.shape import Shape
from rigfit.core.version import Version
from rigfit.core.words import alternatives, say

FILES = (
    "drivers.toml",
    "torch.toml",
    "bitsandbytes.toml",
    "versions.toml",
    "measured.toml",
    "gpus.toml",
    "memory.toml",
    "models.toml",
)
OTHERS = ("errors.toml", "releases.toml")  # read by themselves, when they are asked for
ARCHES = ("x86_64", "aarch64")
SPEEDS: tuple[Speed, ...] = ("fast", "slow")
MATCHES: tuple[Literal["exact", "nearest"], ...] = ("exact", "nearest")
ENDS: tuple[End, ...] = ("import", "use", "check", "int8", "seq2seq")

Choice = TypeVar("Choice", bound=str)


def _versions(value: Any) -> tuple[Version, ...]:
    if not value:
        raise ValueError
    return tuple(VERSION.parse(item) for item in LIST.parse(value))


def _count(value: Any) -> int:
    if WHOLE.parse(value) < 1:
        raise ValueError
    return WHOLE.parse(value)


COUNT = Kind(needed=say("a whole number, 1 or more"), parse=_count)
VERSIONS = Kind(needed=say('versions such as ["12.0", "12.1"], at least one'), parse=_versions)


def driver_minimum(row: Table) -> DriverMinimum:
    with row:
        return DriverMinimum(
            cuda=row.get("cuda", VERSION),
            minimum=row.get("minimum", VERSION),
            toolkit=row.get("toolkit", VERSION),
            windows=row.get("windows", VERSION),
            windows_toolkit=row.get_or("windows_toolkit", VERSION, None),
            **cited(row),
        )


def last_driver(row: Table) -> LastDriver:
    with row:
        lowest, highest = _span(row, CAPABILITY, "lowest", "highest")
        return LastDriver(lowest=lowest, highest=highest, branch=row.get("branch", WHOLE), **cited(row))


def torch_build(row: Table) -> TorchBuild:
    with row:
        since, until = _span(row, PACKAGE_VERSION, "since", "until")
        return TorchBuild(
            since=since,
            until=until,
            arch=_one_of(row, "arch", ARCHES),
            cuda=row.get("cuda", VERSION),
            cubins=row.get("cubins", CAPABILITIES),
            ptx=row.get("ptx", CAPABILITIES),
            **cited(row),
        )


def libraries(row: Table) -> tuple[Library, ...]:
    """One for each CUDA that the row lists: they have the same code."""
    with row:
        since, until = _span(row, PACKAGE_VERSION, "since", "until")
        arch, match = _one_of(row, "arch", ARCHES), _one_of(row, "match", MATCHES)
        cubins, read = row.get("cubins", CAPABILITIES), cited(row)
        return tuple(
            Library(since=since, until=until, arch=arch, cuda=cuda, cubins=cubins, match=match, **read)
            for cuda in row.get("cuda", VERSIONS)
        )


def int8_support(row: Table) -> Int8Support:
    with row:
        since, until = _span(row, PACKAGE_VERSION, "since", "until")
        lowest, highest = _span(row, CAPABILITY, "lowest", "highest")
        return Int8Support(
            since=since,
            until=until,
            lowest=lowest,
            highest=highest,
            speed=_one_of(row, "speed", SPEEDS),
            only=row.get_or("only", TEXTS, ()),
            note=row.get_or("note", WRITTEN, ""),
            **cited(row),
        )


def nf4_support(row: Table) -> Nf4Support:
    with row:
        since, until = _span(row, PACKAGE_VERSION, "since", "until")
        lowest, highest = _span(row, CAPABILITY, "lowest", "highest")
        return Nf4Support(since=since, until=until, lowest=lowest, highest=highest, **cited(row))


def first(row: Table) -> First:
    with row:
        return First(package=row.get("package", NAME), since=row.get("since", PACKAGE_VERSION), **cited(row))


def int8_on_cpu(row: Table) -> Int8OnCpu:
    with row:
        since, transformers = row.get("since", PACKAGE_VERSION), row.get_or("transformers", PACKAGE_VERSION, None)
        return Int8OnCpu(since=since, transformers=transformers, **cited(row))


def bound(row: Table) -> Bound:
    with row:
        since, until = _span(row, PACKAGE_VERSION, "since", "until")
        value = Bound(
            package=row.get("package", NAME),
            since=since,
            until=until,
            needs=row.get("needs", NAME),
            at_least=row.get_or("at_least", PACKAGE_VERSION, None),
            below=row.get_or("below", PACKAGE_VERSION, None),
            to=_one_of(row, "to", ENDS),
            why=row.get("why", WRITTEN),
            free=row.get_or("free", PACKAGE_VERSION, None),
            beside=_beside(row.table("beside")) if "beside" in row.values else None,
            **cited(row),
        )
    _refuse_senseless(value, row.place)
    return value


def _beside(row: Table) -> Beside:
    with row:
        return Beside(package=row.get("package", NAME), at_least=row.get("at_least", PACKAGE_VERSION))


def _refuse_senseless(bound: Bound, place: Place) -> None:
    least, below, free = bound.at_least, bound.below, bound.free
    if least is None and below is None:
        raise place.wrong(needed=say("`at_least` or `below`"), found=say("neither"))
    if least is not None and below is not None and below <= least:
        raise place.at("below").wrong(needed=say("more than `at_least`, {least}", least=least), found=str(below))
    if free is not None and free <= bound.until:
        raise place.at("free").wrong(needed=say("a version after `until`, {until}", until=bound.until), found=str(free))


def architecture(row: Table) -> Architecture:
    with row:
        return Architecture(
            capability=row.get("capability", CAPABILITY),
            name=row.get("name", TEXT),
            examples=row.get("examples", TEXTS),
            unified=row.get("unified", FLAG),
            **cited(row),
        )


def names(row: Table) -> Names:
    with row:
        return Names(parts=row.get("parts", TEXTS), **cited(row))


def virtual_series(row: Table) -> VirtualSeries:
    with row:
        return VirtualSeries(without_cuda=row.get("without_cuda", TEXTS), **cited(row))


def gpu_memory(row: Table) -> GpuMemory:
    with row:
        return GpuMemory(least=row.get("least", WHOLE), why=row.get("why", WRITTEN), **cited(row))


def model(row: Table) -> KnownModel:
    with row:
        return KnownModel(
            name=row.get("name", TEXT),
            hub=row.get("hub", TEXT),
            aliases=row.get_or("aliases", TEXTS, ()),
            shape=_shape(row),
            parameters=row.get("parameters", COUNT),
            **cited(row),
        )


def _shape(row: Table) -> Shape:
    hidden, heads = row.get("hidden", COUNT), row.get("heads", COUNT)
    return Shape(
        family=_one_of(row, "family", tuple(FAMILIES)),
        layers=row.get("layers", COUNT),
        hidden=hidden,
        heads=heads,
        kv_heads=row.get("kv_heads", COUNT),
        head_size=row.get_or("head_size", COUNT, hidden // heads),
        intermediate=row.get("intermediate", COUNT),
        vocab=row.get("vocab", COUNT),
        tied=row.get("tied", FLAG),
        positions=row.get_or("positions", COUNT, 0),
    )


def refuse_unknown_files(folder: Path, known: tuple[str, ...]) -> None:
    """A fact file that nobody reads would be a fact that nobody heeds."""
    for path in sorted(folder.glob("*.toml")):
        if path.name not in known:
            needed = say("one of {names}", names=", ".join(known))
            raise Place(file=path).wrong(needed=needed, found=say("a file that nothing reads"))


def _span(row: Table, kind: Kind[T], start: str, end: str) -> tuple[T, T]:
    low, high = row.get(start, kind), row.get(end, kind)
    if high < low:  # type: ignore[operator]
        raise row.place.at(end).wrong(needed=say("no less than `{key}`, {low}", key=start, low=low), found=str(high))
    return low, high


def _one_of(row: Table, key: str, choices: tuple[Choice, ...]) -> Choice:
    text = row.get(key, TEXT)
    for choice in choices:
        if choice == text:
            return choice
    raise row.place.at(key).wrong(needed=alternatives(choices), found=described(text))
