"""The bounds that follow from the measured matrix. Each is one between versions measured next to each other, and tells of no more."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from packaging.version import Version
from tests.matrix.edges import first_after, last_before
from tests.matrix.rows import LEVELS, Row

from rigfit.core.fact import Beside, Bound, End

ALL = LEVELS[-1]
_MISSING = re.compile(r"peft: ImportError: cannot import name '(\w+)' from 'transformers'")
_ACCELERATE = {  # why transformers, or accelerate itself, fails with that error
    "'list' object has no attribute 'values'": (
        "{minor} gives tied parameters as a list, of which loading in 8 bits asks .values()"
    ),
    "`.to` is not supported for": (
        "next to bitsandbytes 0.48 and later, {minor} moves an 8-bit model when it is loaded, which this transformers refuses"
    ),
    "cannot import name 'split_torch_state_dict_into_shards' from 'huggingface_hub'": (
        "{minor} imports split_torch_state_dict_into_shards, which huggingface-hub below 0.18 has not, and that is what the "
        "tokenizers of this transformers declares"
    ),
}
_SEQ2SEQ = "_prepare_encoder_decoder_kwargs_for_generation"


@dataclass(frozen=True)
class Axis:
    """The versions of a package that were measured, oldest first."""

    package: str
    versions: tuple[Version, ...]

    def before(self, version: Version) -> Version | None:
        at = self.versions.index(version)
        return self.versions[at - 1] if at else None

    def after(self, version: Version) -> Version | None:
        return next((other for other in self.versions if other > version), None)

    def start(self, version: Version, error: str) -> Version:
        """The first that is as `version`, where the one measured before it is not: `error` begins or ends there."""
        return first_after(self.package, self.before(version), version, error)

    def end(self, version: Version, error: str) -> Version:
        """The last that is as `version`, where the one measured after it is not."""
        after = self.after(version)
        return version if after is None else last_before(self.package, version, after, error)

    def next(self, version: Version, error: str) -> Version | None:
        after = self.after(version)
        return None if after is None else self.start(after, error)


@dataclass(frozen=True, kw_only=True)
class Why:
    """What some versions of a package need, and the error without it."""

    needs: str
    at_least: Version | None = None
    below: Version | None = None
    to: End
    words: str
    error: str
    beside: Beside | None = None


@dataclass(frozen=True)
class Measured:
    rows: tuple[Row, ...]

    @cached_property
    def pefts(self) -> Axis:
        return Axis("peft", tuple(sorted({Version(row.peft) for row in self.rows})))

    @cached_property
    def transformers(self) -> Axis:
        return Axis("transformers", tuple(sorted({Version(row.transformers) for row in self.rows})))

    @property
    def day(self) -> str:
        return max(row.date for row in self.rows)

    @property
    def source(self) -> str:
        kinds: tuple[tuple[str, Callable[[Row], str]], ...] = (
            ("PEFT", lambda row: row.peft),
            ("transformers", lambda row: row.transformers),
            ("bitsandbytes", lambda row: row.bitsandbytes),
        )
        spans = ", ".join(f"{name} {_span({of(row) for row in self.rows})}" for name, of in kinds)
        python = max((row.python for row in self.rows), key=lambda text: Version(text or "0"))
        return f"measured: {spans} on a CPU, CPython {python}, torch {self.rows[0].torch}"

    @cached_property
    def by_version(self) -> dict[tuple[str, Version], list[Row]]:
        found: dict[tuple[str, Version], list[Row]] = {}
        for row in self.rows:
            for key in (("peft", Version(row.peft)), ("transformers", Version(row.transformers))):
                found.setdefault(key, []).append(row)
        return found

    def bound(self, axis: Axis, group: tuple[Version, ...], why: Why, *, free: bool = True) -> Bound:
        """For the versions of `group`; `free` says that the next one measured is known to be without it."""
        return Bound(
            package=axis.package,
            since=axis.start(group[0], why.error),
            until=axis.end(group[-1], why.error),
            needs=why.needs,
            at_least=why.at_least,
            below=why.below,
            to=why.to,
            why=why.words,
            free=axis.next(group[-1], why.error) if free else None,
            beside=why.beside,
            source="measured",
            read=self.day,
        )


def _span(texts: Iterable[str]) -> str:
    versions = sorted(map(Version, set(texts)))
    return f"{versions[0]} to {versions[-1]}"


def bounds(rows: Iterable[Row]) -> list[Bound]:
    measured = Measured(tuple(rows))
    return [*_imports(measured), *_encoder_decoder(measured), *_accelerate(measured)]


def _imports(measured: Measured) -> Iterator[Bound]:
    """What each PEFT imports of transformers: the versions without it at both ends of those that have it."""
    axis = measured.pefts
    found = {peft: _having(measured, peft) for peft in axis.versions}
    for why, grouped in groupby(axis.versions, key=found.__getitem__):
        if why is not None:
            group = tuple(grouped)
            after = axis.after(group[-1])
            yield measured.bound(axis, group, why, free=after is not None and _is_easier(found[after], why))


def _is_easier(one: Why | None, other: Why) -> bool:
    """Whether nothing of the other bound is left."""
    return one is None or (one.below is None and other.below is not None)


def _having(measured: Measured, peft: Version) -> Why | None:
    """The name that is missing next to those with which it can be imported, and the ends of these."""
    axis, names = measured.transformers, _missing(measured, peft)
    good = [Version(row.transformers) for row in measured.by_version["peft", peft] if row.reaches("imports")]
    before, after = axis.before(min(good)), axis.after(max(good))
    if before not in names:
        return None
    name = names[before]
    if after is not None and names[after] != name:
        raise ValueError(peft, name, names[after])
    start, end = axis.start(min(good), name), axis.start(after, name) if after else None
    until = f"to {minor_of(max(good))}" if end else "on"
    words = f"it imports {name}, which transformers has from {start} {until}"
    return Why(needs="transformers", at_least=start, below=end, to="import", words=words, error=name)


def _missing(measured: Measured, peft: Version) -> dict[Version | None, str]:
    found = ((Version(row.transformers), _MISSING.search(row.error)) for row in measured.by_version["peft", peft])
    return {version: name[1] for version, name in found if name}


def minor_of(version: Version) -> str:
    return f"{version.major}.{version.minor}"


def _encoder_decoder(measured: Measured) -> Iterator[Bound]:
    """The PEFTs with which LoRA of a causal model goes all the way, and of an encoder-decoder model does not."""
    bad = {Version(row.transformers) for row in measured.rows if _SEQ2SEQ in row.error}
    tried = {
        Version(row.peft): row.reaches(ALL)
        for row in measured.rows
        if Version(row.transformers) in bad and row.reaches(ALL, causal=True)
    }
    first = measured.transformers.start(min(bad), _SEQ2SEQ)
    words = f"its LoRA of encoder-decoder models takes {_SEQ2SEQ} of the model, which transformers {first} removed"
    why = Why(needs="transformers", below=first, to="seq2seq", words=words, error=_SEQ2SEQ)
    yield measured.bound(measured.pefts, tuple(sorted(peft for peft, well in tried.items() if not well)), why)


def _accelerate(measured: Measured) -> Iterator[Bound]:
    """Where an accelerate older than the one that a resolver takes gets further."""
    axis = measured.transformers
    found = {version: _older(measured, version) for version in axis.versions}
    for why, grouped in groupby(axis.versions, key=found.__getitem__):
        if why is not None:
            group = tuple(grouped)
            level = "imports" if why.to == "import" else "quantized_load"
            after = measured.by_version["transformers", axis.after(group[-1]) or group[-1]]
            free = any(
                why.below and Version(row.accelerate or "0") >= why.below and row.reaches(level) for row in after
            )
            yield measured.bound(axis, group, why, free=free)


def _older(measured: Measured, transformers: Version) -> Why | None:
    rows = measured.by_version["transformers", transformers]
    pinned = {(row.peft, row.bitsandbytes): row for row in rows if row.rule == "pinned"}
    for row in rows:
        older = pinned.get((row.peft, row.bitsandbytes))
        if row.rule == "newest" and older and LEVELS.index(older.level) > LEVELS.index(row.level):
            sign = next(sign for sign in _ACCELERATE if sign in row.error)
            below = first_after("accelerate", Version(older.accelerate), Version(row.accelerate), sign)
            return Why(
                needs="accelerate",
                below=below,
                to="int8" if row.reaches("imports") else "import",
                words=_ACCELERATE[sign].format(minor=minor_of(below)),
                error=sign,
                beside=_beside(row, rows),
            )
    return None


def _beside(failed: Row, rows: list[Row]) -> Beside | None:
    """The bitsandbytes from which on it fails; None where it fails with each."""
    same = [row for row in rows if (row.peft, row.rule) == (failed.peft, failed.rule)]
    well = [Version(row.bitsandbytes) for row in same if row.error != failed.error]
    if not well:
        return None
    ill = min(Version(row.bitsandbytes) for row in same if row.error == failed.error)
    return Beside(package="bitsandbytes", at_least=first_after("bitsandbytes", max(well), ill, failed.error))


_HEAD = """# Written by `python -m tests.matrix.derive` from what was measured (tests/matrix); not to be edited. What the keys mean is said
# in versions.toml. Of each minor version the newest patch was measured; where its other patches differ was read in the wheels:
# tests/matrix/edges.toml.

[sources]
"""


def in_toml(found: Iterable[Bound], rows: Iterable[Row]) -> str:
    source = json.dumps(Measured(tuple(rows)).source)
    return f"{_HEAD}measured = {source}\n" + "".join(f"\n{text}" for text in map(_row, found))


def _row(bound: Bound) -> str:
    keys = ("package", "since", "until", "needs", "at_least", "below", "beside", "to", "why", "free", "source")
    lines = [f"{key} = {_value(getattr(bound, key))}" for key in keys if getattr(bound, key) is not None]
    return "\n".join(("[[bound]]", *lines, f"read = {bound.read}")) + "\n"


def _value(value: object) -> str:
    if isinstance(value, Beside):
        return f"{{ package = {_value(value.package)}, at_least = {_value(value.at_least)} }}"
    return json.dumps(str(value))
