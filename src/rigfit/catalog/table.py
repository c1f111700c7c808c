"""A table of a TOML or JSON file, read key by key: what is missing, mistyped or unknown is named with its place."""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar, final

from packaging.version import Version as PackageVersion

from rigfit.catalog.place import Place, described
from rigfit.core.version import Capability, Version
from rigfit.core.words import say, written

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Default = TypeVar("Default")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[T_co]):
    """What a key may hold. `parse` raises ValueError for a value that is not what `needed` describes."""

    needed: str
    parse: Callable[[Any], T_co]


class _ItemError(ValueError):
    """Which one of a list is not what it should be, counted from 1."""

    def __init__(self, number: int, item: Any) -> None:
        super().__init__(number, item)
        self.number = number
        self.item = item


def _only(kind: type[T]) -> Callable[[Any], T]:
    def parse(value: Any) -> T:
        if type(value) is not kind:  # a boolean is no whole number
            raise ValueError
        return value

    return parse


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError
    return value.strip()


def _matching(pattern: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if not re.fullmatch(pattern, text := _text(value)):
            raise ValueError
        return text

    return parse


def _each(parse: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    def parse_one(number: int, item: Any) -> T:
        try:
            return parse(item)
        except ValueError:
            raise _ItemError(number, item) from None

    def parse_all(value: Any) -> tuple[T, ...]:
        return tuple(parse_one(number, item) for number, item in enumerate(_only(list)(value), start=1))

    return parse_all


TEXT = Kind(needed=say("a text"), parse=_text)
WRITTEN = Kind(
    needed=say("a text"), parse=lambda text: written(" ".join(_text(text).split()))
)  # for people, in any language
TEXTS = Kind(needed=say("a list of texts"), parse=_each(_text))
WHOLE = Kind(needed=say("a whole number"), parse=_only(int))
DATE = Kind(needed=say("a date such as 2026-11-22, without quotes"), parse=lambda day: _only(dt.date)(day).isoformat())
NAME = Kind(needed=say("a name of a-z, 0-9, - and ."), parse=_matching(r"[a-z0-9]+([-.][a-z0-9]+)*"))
SHA256 = Kind(needed=say("a sha256 of 64 hexadecimal digits"), parse=_matching(r"[0-9a-f]{64}"))
HTTPS = Kind(needed=say("an https address"), parse=_matching(r"https://\S+"))
REQUIREMENTS = Kind(  # a pattern, because importing packaging.requirements takes longer than all the rest of loading
    needed=say('requirements such as ["torch ==2.15.0"]'),
    parse=_each(_matching(r"[A-Za-z0-9][\w.-]*(\[[\w,.-]+\])?(\s*(,\s*)?(===?|[<>~!]=|[<>])\s*[\w.*+!]+)*")),
)
VERSION = Kind(needed=say('a version in quotes such as "13.2"'), parse=lambda text: Version(_text(text)))
PACKAGE_VERSION = Kind(
    needed=say('a package version in quotes such as "0.50.2"'), parse=lambda v: PackageVersion(_text(v))
)
CAPABILITY = Kind(
    needed=say('a compute capability in quotes such as "8.6"'), parse=lambda v: Capability.parse(_text(v))
)
CAPABILITIES = Kind(needed=say('compute capabilities such as ["8.0", "8.6"]'), parse=_each(CAPABILITY.parse))
LIST: Kind[Sequence[Any]] = Kind(needed=say("a list"), parse=_only(list))
TABLE: Kind[Mapping[str, Any]] = Kind(needed=say("a table"), parse=_only(dict))
TABLES: Kind[tuple[Mapping[str, Any], ...]] = Kind(needed=say("a list of tables"), parse=_each(_only(dict)))


@final
class Table:
    """Use it in a `with` block: at its end, a key that nobody read is an error."""

    def __init__(self, values: Mapping[str, Any], place: Place) -> None:
        self.values = values
        self.place = place
        self._read: set[str] = set()

    def __enter__(self) -> Table:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        unknown = [key for key in self.values if key not in self._read]
        if error is None and unknown:
            needed = say("one of the known keys ({names})", names=", ".join(sorted(self._read)))
            raise self.place.at(unknown[0]).wrong(needed=needed, found=say("an unknown key"))

    def get(self, key: str, kind: Kind[T]) -> T:
        if key not in self.values:
            found = say("no such key (there: {names})", names=", ".join(self.values) or say("nothing"))
            raise self.place.at(key).wrong(needed=kind.needed, found=found)
        self._read.add(key)
        value = self.values[key]
        try:
            return kind.parse(value)
        except _ItemError as error:
            found = say("{item} as number {number} of the list", item=described(error.item), number=error.number)
            raise self.place.at(key).wrong(needed=kind.needed, found=found) from None
        except ValueError:
            raise self.place.at(key).wrong(needed=kind.needed, found=described(value)) from None

    def get_or(self, key: str, kind: Kind[T], default: Default) -> T | Default:
        self._read.add(key)
        return self.get(key, kind) if key in self.values else default

    def table(self, key: str) -> Table:
        return Table(self.get(key, TABLE), self.place.at(key))

    def tables(self, key: str) -> tuple[Table, ...]:
        """Empty where there is no such key."""
        rows = self.get_or(key, TABLES, ())
        return tuple(Table(row, self.place.at(f"{key}[{number}]")) for number, row in enumerate(rows))


def read_text(path: Path) -> str:
    place = Place(file=path)
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise place.wrong(needed=say("a file that can be read"), found=error.strerror or str(error)) from None
    except UnicodeDecodeError as error:
        found = say("the byte {byte:#x}", byte=error.object[error.start])
        raise place.wrong(needed=say("UTF-8 text"), found=found) from None


def read_toml(path: Path) -> Table:
    return parsed(read_text(path), Place(file=path))


def parsed(text: str, place: Place) -> Table:
    """Of TOML."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:  # its text names line and column
        found = say("a syntax error: {error}", error=str(error))
        raise place.wrong(needed="TOML", found=found) from None
    return Table(values, place)
