"""Rows of the fact files as values; a row without its source or the date of reading is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypedDict, TypeVar

from rigfit.catalog.place import Place, described
from rigfit.catalog.table import (
    CAPABILITIES,
    CAPABILITY,
    DATE,
    LIST,
    NAME,
    PACKAGE_VERSION,
    TABLE,
    TEXT,
    TEXTS,
    VERSION,
    WHOLE,
    WRITTEN,
    Kind,
    T,
    Table,
    read_toml,
)
from rigfit.core.fact import (
    Architecture,
    Bound,
    DriverMinimum,
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

FILES = ("drivers.toml", "torch.toml", "bitsandbytes.toml", "versions.toml", "gpus.toml", "memory.toml", "models.toml")
ARCHES = ("x86_64", "aarch64")
SPEEDS: tuple[Speed, ...] = ("fast", "slow")
MATCHES: tuple[Literal["exact", "nearest"], ...] = ("exact", "nearest")
ENDS: tuple[Literal["import", "check", "int8"], ...] = ("import", "check", "int8")
SOURCES = "sources"

Choice = TypeVar("Choice", bound=str)


def _flag(value: Any) -> bool:
    if value is not True and value is not False:
        raise ValueError
    return value


def _versions(value: Any) -> tuple[Version, ...]:
    if not value:
        raise ValueError
    return tuple(VERSION.parse(item) for item in LIST.parse(value))


def _count(value: Any) -> int:
    if WHOLE.parse(value) < 1:
        raise ValueError
    return WHOLE.parse(value)


COUNT = Kind(needed=say("a whole number, 1 or more"), parse=_count)
FLAG = Kind(needed=say("true or false, without quotes"), parse=_flag)
VERSIONS = Kind(needed=say('versions such as ["12.0", "12.1"], at least one'), parse=_versions)


class _Read(TypedDict):
    source: str
    read: str


def read_facts(path: Path) -> Table:
    """The rows of a file, each with its source in full: where it is a name in the table `sources`, what stands there."""
    raw = read_toml(path)
    texts = _sources(raw)
    named: set[str] = set()
    values = {key: _in_full(value, texts, named) for key, value in raw.values.items() if key != SOURCES}
    for name in texts:
        if name not in named:
            needed = say("a row that names it as its source")
            raise raw.place.at(f"{SOURCES}.{name}").wrong(needed=needed, found=say("none"))
    return Table(values, raw.place)


def _sources(raw: Table) -> dict[str, str]:
    table = Table(raw.get_or(SOURCES, TABLE, {}), raw.place.at(SOURCES))
    return {name: table.get(name, TEXT) for name in table.values}


def _in_full(value: Any, texts: Mapping[str, str], named: set[str]) -> Any:
    """What is no row comes back as it is: whoever asks for the key says what is wrong with it."""
    if isinstance(value, list):
        return [_in_full(item, texts, named) for item in value]
    if isinstance(value, dict) and isinstance(name := value.get("source"), str) and name in texts:
        named.add(name)
        return {**value, "source": texts[name]}
    return value


def driver_minimum(row: Table) -> DriverMinimum:
    with row:
        return DriverMinimum(
            cuda=row.get("cuda", VERSION),
            minimum=row.get("minimum", VERSION),
            toolkit=row.get("toolkit", VERSION),
            windows=row.get("windows", VERSION),
            windows_toolkit=row.get_or("windows_toolkit", VERSION, None),
            **_read(row),
        )


def last_driver(row: Table) -> LastDriver:
    with row:
        lowest, highest = _span(row, CAPABILITY, "lowest", "highest")
        return LastDriver(lowest=lowest, highest=highest, branch=row.get("branch", WHOLE), **_read(row))


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
            **_read(row),
        )


def libraries(row: Table) -> tuple[Library, ...]:
    """One for each CUDA that the row lists: they have the same code."""
    with row:
        since, until = _span(row, PACKAGE_VERSION, "since", "until")
        arch, match = _one_of(row, "arch", ARCHES), _one_of(row, "match", MATCHES)
        cubins, read = row.get("cubins", CAPABILITIES), _read(row)
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
            **_read(row),
        )


def nf4_support(row: Table) -> Nf4Support:
    with row:
        since, until = _span(row, PACKAGE_VERSION, "since", "until")
        lowest, highest = _span(row, CAPABILITY, "lowest", "highest")
        return Nf4Support(since=since, until=until, lowest=lowest, highest=highest, **_read(row))


def first(row: Table) -> First:
    with row:
        return First(package=row.get("package", NAME), since=row.get("since", PACKAGE_VERSION), **_read(row))


def int8_on_cpu(row: Table) -> Int8OnCpu:
    with row:
        return Int8OnCpu(since=row.get("since", PACKAGE_VERSION), **_read(row))


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
            **_read(row),
        )
    _refuse_senseless(value, row.place)
    return value


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
            **_read(row),
        )


def names(row: Table) -> Names:
    with row:
        return Names(parts=row.get("parts", TEXTS), **_read(row))


def virtual_series(row: Table) -> VirtualSeries:
    with row:
        return VirtualSeries(without_cuda=row.get("without_cuda", TEXTS), **_read(row))


def gpu_memory(row: Table) -> GpuMemory:
    with row:
        return GpuMemory(least=row.get("least", WHOLE), why=row.get("why", WRITTEN), **_read(row))


def model(row: Table) -> KnownModel:
    with row:
        return KnownModel(
            name=row.get("name", TEXT),
            hub=row.get("hub", TEXT),
            aliases=row.get_or("aliases", TEXTS, ()),
            shape=_shape(row),
            parameters=row.get("parameters", COUNT),
            **_read(row),
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


def _read(row: Table) -> _Read:
    source = row.get("source", TEXT)
    if " " not in source and "://" not in source:
        needed = say(
            "an address, what was measured with what, or a name in the table `{table}` of this file", table=SOURCES
        )
        raise row.place.at("source").wrong(needed=needed, found=described(source))
    return _Read(source=source, read=row.get("read", DATE))


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
