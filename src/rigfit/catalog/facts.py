"""Rows of the fact files as values; a row without its source or the date of reading is refused."""

from __future__ import annotations

from pathlib import Path

from rigfit.catalog.place import Place, described
from rigfit.catalog.table import (
    CAPABILITIES,
    CAPABILITY,
    DATE,
    PACKAGE_VERSION,
    TEXT,
    VERSION,
    WHOLE,
    Kind,
    T,
    Table,
)
from rigfit.core.fact import DriverMinimum, GpuMemory, Int8OnCpu, Int8Support, TorchBuild

ARCHES = ("x86_64", "aarch64")
SPEEDS = ("fast", "slow")


def driver_minimum(row: Table) -> DriverMinimum:
    with row:
        return DriverMinimum(
            cuda=row.get("cuda", VERSION),
            minimum=row.get("minimum", VERSION),
            toolkit=row.get("toolkit", VERSION),
            source=row.get("source", TEXT),
            read=row.get("read", DATE),
        )


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
            source=row.get("source", TEXT),
            read=row.get("read", DATE),
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
            source=row.get("source", TEXT),
            read=row.get("read", DATE),
        )


def int8_on_cpu(row: Table) -> Int8OnCpu:
    with row:
        return Int8OnCpu(
            since=row.get("since", PACKAGE_VERSION),
            source=row.get("source", TEXT),
            read=row.get("read", DATE),
        )


def gpu_memory(row: Table) -> GpuMemory:
    with row:
        return GpuMemory(
            least=row.get("least", WHOLE),
            why=row.get("why", TEXT),
            source=row.get("source", TEXT),
            read=row.get("read", DATE),
        )


def refuse_unknown_files(folder: Path, known: tuple[str, ...]) -> None:
    """A fact file that nobody reads would be a fact that nobody heeds."""
    for path in sorted(folder.glob("*.toml")):
        if path.name not in known:
            raise Place(file=path).wrong(needed=f"one of {', '.join(known)}", found="a file that nothing reads")


def _span(row: Table, kind: Kind[T], first: str, last: str) -> tuple[T, T]:
    start, end = row.get(first, kind), row.get(last, kind)
    if end < start:  # type: ignore[operator]
        raise row.place.at(last).wrong(needed=f"no less than `{first}`, {start}", found=str(end))
    return start, end


def _one_of(row: Table, key: str, choices: tuple[str, ...]) -> str:
    text = row.get(key, TEXT)
    if text not in choices:
        raise row.place.at(key).wrong(needed=" or ".join(choices), found=described(text))
    return text
