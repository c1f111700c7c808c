"""Where the rows of a fact file are from: none is read without its source and the date of reading."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from rigfit.catalog.place import described
from rigfit.catalog.table import DATE, TABLE, TEXT, Kind, Table, read_toml
from rigfit.core.words import say

SOURCES = "sources"


def _flag(value: Any) -> bool:
    if value is not True and value is not False:
        raise ValueError
    return value


FLAG = Kind(needed=say("true or false, without quotes"), parse=_flag)


class Cited(TypedDict):
    source: str
    read: str


def read_facts(path: Path) -> Table:
    """The rows of a file, each with its source in full: where it is a name in the table `sources`, what stands there."""
    return cited_in_full(read_toml(path))


def cited_in_full(raw: Table, *, every: bool = True) -> Table:
    """Each of the sources must be named in a row, if `every` row is there."""
    texts = _sources(raw)
    named: set[str] = set()
    values = {key: _in_full(value, texts, named) for key, value in raw.values.items() if key != SOURCES}
    for name in texts if every else ():
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
    if isinstance(value, dict):
        value = {key: _in_full(item, texts, named) for key, item in value.items()}
        if isinstance(name := value.get("source"), str) and name in texts:
            named.add(name)
            value["source"] = texts[name]
    return value


def cited(row: Table) -> Cited:
    """Where it is from, and the day on which somebody looked."""
    source = row.get("source", TEXT)
    if " " not in source and "://" not in source:
        needed = say(
            "an address, what was measured with what, or a name in the table `{table}` of this file", table=SOURCES
        )
        raise row.place.at("source").wrong(needed=needed, found=described(source))
    return Cited(source=source, read=row.get("read", DATE))
