"""The measured matrix in brief: what ships with rigfit, without the seconds and with each packages' list once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from string import ascii_letters
from typing import TypeVar

from packaging.version import Version
from tests.matrix.bounds import Measured
from tests.matrix.rows import Row

T = TypeVar("T")
_HELD = ("torch", "transformers", "bitsandbytes")  # told of each run by itself


def brief(rows: Iterable[Row], stacks: dict[str, list[str]]) -> str:
    measured = Measured(tuple(rows))
    pefts = [str(version) for version in measured.pefts.versions]
    outcomes = _once((row.level, row.causal, row.needs_gpu, row.error) for row in measured.rows)
    packages = _once(_around(stacks[row.stack]) for row in measured.rows if row.stack)
    runs: dict[tuple[str, str, str], dict[str, Row]] = {}
    for row in measured.rows:
        runs.setdefault((row.bitsandbytes, row.transformers, row.rule), {})[row.peft] = row
    lines = []
    for (bitsandbytes, transformers, rule), found in sorted(runs.items(), key=lambda run: _order(*run[0])):
        (stack,) = {_around(stacks[row.stack]) for row in found.values() if row.stack}
        letters = "".join(
            ascii_letters[outcomes.index((row.level, row.causal, row.needs_gpu, row.error))]
            for row in (found[peft] for peft in pefts)
        )
        lines.append([bitsandbytes, transformers, rule, packages.index(stack), letters])
    head = {
        "torch": measured.rows[0].torch,
        "python": max(row.python for row in measured.rows),
        "read": measured.day,
        "source": measured.source,
        "peft": pefts,
        "outcomes": [
            {"level": level, "causal": causal, "needs_gpu": gpu, **({"error": error} if error else {})}
            for level, causal, gpu, error in outcomes
        ],
        "packages": [" ".join(each) for each in packages],
    }
    return _in_lines({**head, "runs": lines})


def _around(pins: list[str]) -> tuple[str, ...]:
    return tuple(pin for pin in pins if pin.split("==")[0] not in _HELD)


def _once(values: Iterable[T]) -> list[T]:
    return list(dict.fromkeys(values))


def _order(bitsandbytes: str, transformers: str, rule: str) -> tuple[object, ...]:
    return -Version(bitsandbytes).minor, Version(transformers), rule


def _in_lines(values: dict[str, object]) -> str:
    """A line for each run, so that a diff shows what changed."""
    parts = []
    for key, value in values.items():
        items = value if isinstance(value, list) and key != "peft" else None
        text = "[\n" + ",\n".join(map(_plain, items)) + "\n]" if items else _plain(value)
        parts.append(f"{json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
