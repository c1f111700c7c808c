"""What the measured matrix says, as Markdown: pairs by level, the span of transformers for each PEFT, and the advice that people are given.

python -m tests.matrix.table
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

from packaging.version import Version
from tests.matrix.measure import ROWS
from tests.matrix.rows import LEVELS, Row, read
from tests.matrix.stacks import minor_of

ALL = "adapter_roundtrip"


def table(head: Iterable[str], lines: Iterable[Iterable[object]]) -> Iterator[str]:
    names = list(head)
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for line in lines:
        yield f"| {' | '.join(str(value) for value in line)} |"
    yield ""


def newest(versions: Iterable[str]) -> str:
    return max(versions, key=Version)


def patches(rows: list[Row]) -> list[Row]:
    """One transformers a minor version: its newest patch."""
    versions = {minor: newest(group) for minor, group in by_minor({row.transformers for row in rows})}
    return [row for row in rows if versions[minor_of(row.transformers)] == row.transformers]


def by_minor(versions: Iterable[str]) -> Iterator[tuple[tuple[int, ...], list[str]]]:
    for minor, group in groupby(sorted(versions, key=Version), key=minor_of):
        yield minor, list(group)


def advice(rows: list[Row]) -> Iterator[str]:
    yield from claims(rows)
    yield (
        "A bitsandbytes below 0.47 does no right 8 bits on a CPU, so none was measured. PEFT below 0.14 needs one below 0.45 to train (`environments/facts/versions.toml`);\n"
        "the template [peft-0.10](../environments/peft-0.10/README.md) is such a stack, and the advice to pin PEFT 0.10.0 alone does not lead there.\n"
    )


def levels(rows: list[Row]) -> Iterator[str]:
    counts = Counter((row.bitsandbytes, row.rule, row.level, row.needs_gpu) for row in rows)
    runs = sorted({(row.bitsandbytes, row.rule) for row in rows}, key=lambda run: (-Version(run[0]).minor, run[1]))
    kinds = [
        (level, gpu) for level in LEVELS for gpu in (False, True) if any(key[2:] == (level, gpu) for key in counts)
    ]
    titles = [f"{level}, goes on with a GPU only" if gpu else level for level, gpu in kinds]
    lines = []
    for run in runs:
        by_kind = [counts[run + kind] for kind in kinds]
        lines.append([*run, *by_kind, sum(by_kind)])
    yield from table(["bitsandbytes", "accelerate", *titles, "pairs"], lines)


def spans(versions: set[str], among: list[str]) -> str:
    """`4.43.4 to 4.57.6`, a span for each run without a gap among the versions measured."""
    found = []
    for good, group in groupby(among, key=versions.__contains__):
        span = list(group)
        if good:
            found.append(span[0] if len(span) == 1 else f"{span[0]} to {span[-1]}")
    return ", ".join(found) or "none"


def boundaries(rows: list[Row]) -> Iterator[str]:
    """With the newest bitsandbytes; a pair counts for what it reaches with any accelerate that was tried."""
    latest = newest(row.bitsandbytes for row in rows)
    mine = patches([row for row in rows if row.bitsandbytes == latest])
    among = sorted({row.transformers for row in mine}, key=Version)

    def line(peft: str) -> list[str]:
        of_it = [row for row in mine if row.peft == peft]
        imports = {row.transformers for row in of_it if row.reaches("imports")}
        causal = {row.transformers for row in of_it if row.reaches(ALL, causal=True)}
        both = {row.transformers for row in of_it if row.reaches(ALL)}
        gpu = {row.transformers for row in of_it if row.needs_gpu}
        return [peft, *(spans(versions, among) for versions in (imports, causal, both, gpu))]

    head = ["peft", "imports with transformers", "trains LLaMA in 8 bits on a CPU", "and T5", "8 bits need a GPU"]
    yield from table(head, (line(peft) for peft in sorted({row.peft for row in mine}, key=Version)))


def errors(rows: list[Row]) -> Iterator[str]:
    counts = Counter((row.error, row.level) for row in rows if row.error)
    where = {
        error: (
            spread({row.peft for row in rows if row.error == error}),
            spread({row.transformers for row in rows if row.error == error}),
        )
        for error, _ in counts
    }
    lines = ([number, level, *where[error], f"`{error}`"] for (error, level), number in counts.most_common())
    yield from table(["pairs", "reached", "peft", "transformers", "first error"], lines)


def spread(versions: set[str]) -> str:
    order = sorted(versions, key=Version)
    return order[0] if len(order) == 1 else f"{order[0]} to {order[-1]}"


def claims(rows: list[Row]) -> Iterator[str]:
    """Each piece of advice, over every pair that follows it."""
    latest = newest(row.bitsandbytes for row in rows)
    plain = [row for row in rows if row.bitsandbytes == latest and row.rule == "newest"]
    ends = newest(row.transformers for row in plain), newest(row.peft for row in plain)
    advice: list[tuple[str, Callable[[Row], bool]]] = [
        ("whatever is there (no advice)", lambda _: True),
        ("pin peft 0.10.0", lambda row: row.peft == "0.10.0"),
        ("pin transformers 4.28.0", lambda row: row.transformers == "4.28.0"),
        ("the newest of both", lambda row: (row.transformers, row.peft) == ends),
        ("the newest peft, with any transformers", lambda row: row.peft == ends[1]),
        ("the newest transformers, with any peft", lambda row: row.transformers == ends[0]),
    ]
    lines = []
    for title, follows in advice:
        of_it = [row for row in (plain if "4.28.0" in title else patches(plain)) if follows(row)]
        tried = [row for row in of_it if not row.needs_gpu]
        imports = sum(row.reaches("imports") for row in of_it)
        causal, both = (sum(row.reaches(ALL, causal=alone) for row in tried) for alone in (True, False))
        counts = f"{imports} of {len(of_it)}", f"{causal} of {len(tried)}", f"{both} of {len(tried)}"
        lines.append([title, *counts, len(of_it) - len(tried)])
    yield from table(
        ["advice", "imports", "trains LLaMA in 8 bits on a CPU", "and T5", "not known without a GPU"], lines
    )


PAGE = Path(__file__).parents[2] / "docs/matrix.md"
_HEAD = """# How PEFT, transformers and bitsandbytes go together

Measured, not read: real wheels, on a CPU. How it was measured, and what each level means, is in [tests/matrix](../tests/matrix/README.md), beside the
data: `python -m tests.matrix.measure` made it. `python -m tests.matrix.table` writes this page, and `python -m tests.matrix.picture` the picture. `rigfit matrix` shows the same in a terminal, and what stops
a pair: `rigfit matrix --peft 0.14.0 --transformers 4.28.0`. What follows from it stands in `environments/facts/measured.toml`, and no lock holds a pair that fails.

![PEFT down, transformers across: how far each pair gets, with the newest bitsandbytes; the tables below say it in words](pictures/matrix.svg)
"""


def page(rows: list[Row]) -> str:
    dates = spread({row.date.replace("-", ".") for row in rows}).replace(".", "-")
    pairs = len({(row.transformers, row.peft) for row in rows})
    python = newest(row.python or "0" for row in rows)
    parts = [_HEAD, f"{pairs} pairs, {len(rows)} runs, {dates}; torch {rows[0].torch}, Python {python}.\n"]
    for title, part in (
        ("Pairs by the level reached", levels),
        ("Each PEFT", boundaries),
        ("The advice", advice),
        ("First errors", errors),
    ):
        parts.append("\n".join((f"## {title}\n", *part(rows))))
    return "\n".join(parts).rstrip() + "\n"


def main() -> None:
    PAGE.write_text(page(read(ROWS)), encoding="utf-8")


if __name__ == "__main__":
    main()
