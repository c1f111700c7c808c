"""The measured matrix as it ships: matrix.json beside the facts, which the scripts of tests/matrix write."""

from __future__ import annotations

import json
from pathlib import Path
from string import ascii_letters
from typing import Any

from rigfit.catalog.cited import FLAG
from rigfit.catalog.locate import FACTS
from rigfit.catalog.place import Place, described
from rigfit.catalog.table import LIST, TABLES, TEXT, TEXTS, Kind, Table, read_text
from rigfit.core.matrix import LEVELS, Level, Matrix, Outcome, Run
from rigfit.core.words import alternatives, say

FILE = "matrix.json"
_OLDER = "pinned"


def _level(value: Any) -> Level:
    return LEVELS[LEVELS.index(value)]


_LEVEL = Kind(needed=alternatives(LEVELS), parse=_level)


def read_matrix(catalog: Path) -> Matrix:
    """Raises ProblemError `catalog_invalid`."""
    path = catalog / FACTS / FILE
    place = Place(file=path)
    try:
        values = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise place.wrong(needed="JSON", found=say("a syntax error: {error}", error=str(error))) from None
    if not isinstance(values, dict):
        raise place.wrong(needed=say("a JSON object"), found=described(values))
    with Table(values, place) as table:
        pefts, packages = table.get("peft", TEXTS), [_packages(text) for text in table.get("packages", TEXTS)]
        rows = table.get("outcomes", TABLES)
        outcomes = [_outcome(Table(row, place.at(f"outcomes[{number}]"))) for number, row in enumerate(rows)]
        lines = table.get("runs", LIST)
        try:
            runs = tuple(run for line in lines for run in _runs(line, pefts, packages, outcomes))
        except (ValueError, IndexError, TypeError) as error:
            needed = say("bitsandbytes, transformers, rule, number of packages, and a letter for each PEFT")
            raise place.at("runs").wrong(needed=needed, found=str(error)) from None
        return Matrix(
            torch=table.get("torch", TEXT),
            python=table.get("python", TEXT),
            read=table.get("read", TEXT),
            source=table.get("source", TEXT),
            runs=runs,
        )


def _packages(text: str) -> dict[str, str]:
    pins = (pin.partition("==") for pin in text.split())
    return {name: version for name, _, version in pins}


def _outcome(row: Table) -> Outcome:
    with row:
        return Outcome(
            level=row.get("level", _LEVEL),
            causal=row.get("causal", _LEVEL),
            needs_gpu=row.get("needs_gpu", FLAG),
            error=row.get_or("error", TEXT, ""),
        )


def _runs(line: Any, pefts: tuple[str, ...], packages: list[dict[str, str]], outcomes: list[Outcome]) -> list[Run]:
    """Of one bitsandbytes and one transformers with each PEFT."""
    bitsandbytes, transformers, rule, number, letters = line
    ends = [outcomes[ascii_letters.index(letter)] for letter in letters]
    return [
        Run(
            peft=peft,
            transformers=transformers,
            bitsandbytes=bitsandbytes,
            older=rule == _OLDER,
            packages={} if end.level == "nothing" else packages[number],
            outcome=end,
        )
        for peft, end in zip(pefts, ends, strict=True)
    ]
