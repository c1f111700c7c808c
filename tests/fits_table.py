"""Writes the table of docs/fits.md: what `rigfit fits` estimates, beside peaks that were measured on a GPU.

`python -m tests.fits_table` after a change of the estimate; `python -m tests.fits_table FILE...` takes new points, as
tests/bench/fits_points.py measured them, into tests/data/fits.json first, and leaves the limits there as they are.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rigfit.core.estimate import estimate
from rigfit.core.footprint import Footprint, Training
from rigfit.core.shape import Shape

TESTS = Path(__file__).resolve().parent
DATA = TESTS / "data" / "fits.json"
PAGE = TESTS.parent / "docs" / "fits.md"
BEGIN, END = "<!-- begin: python -m tests.fits_table -->\n", "<!-- end -->\n"
SHOWN = ("torch", "transformers", "peft", "bitsandbytes")
GIB = 1 << 30


@dataclass(frozen=True)
class Point:
    """One training as it was measured; bytes."""

    model: str
    shape: Shape
    training: Training
    load: int
    steps: int
    context: int

    @property
    def peak(self) -> int:
        """The most that was in use at one time, but for gaps."""
        return self.context + max(self.load, self.steps)

    @property
    def footprint(self) -> Footprint:
        return estimate(self.shape, self.training)

    @property
    def error(self) -> float:
        """Of the estimated peak; positive where it is too high."""
        return self.footprint.peak / self.peak - 1

    @property
    def label(self) -> str:
        return _label(self.model, self.training)


def _label(model: str, training: Training) -> str:
    words = [model, f"{training.batch}x{training.sequence}", f"rank {training.rank}"]
    words += ["all layers"] if len(training.targets) > 2 else []
    words += [] if training.checkpointing else ["no checkpointing"]
    return ", ".join([*words, *([] if training.quantization == "int8" else [training.quantization])])


def recorded() -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return kept


def points() -> tuple[Point, ...]:
    return tuple(map(_point, recorded()["points"]))


def _point(row: dict[str, Any]) -> Point:
    return Point(**(row | {"shape": _shape(row), "training": _training(row)}))


def _shape(row: dict[str, Any]) -> Shape:
    shape = row["shape"]
    return Shape(family="llama", head_size=shape["hidden"] // shape["heads"], **shape)


def _training(row: dict[str, Any]) -> Training:
    return Training(**(row["training"] | {"targets": tuple(row["training"]["targets"])}))


@dataclass(frozen=True)
class Limit:
    """A training that was run again with the memory that torch may take limited; bytes beside CUDA's context."""

    model: str
    shape: Shape
    training: Training
    peak: int
    enough: int
    too_little: int

    @property
    def given(self) -> int:
        """What the estimate says is needed."""
        footprint = estimate(self.shape, self.training)
        return footprint.needed - footprint.context


def limits() -> tuple[Limit, ...]:
    return tuple(Limit(**(row | {"shape": _shape(row), "training": _training(row)})) for row in recorded()["limits"])


def table() -> str:
    kept = recorded()
    versions = ", ".join(f"{name} {kept['versions'][name]}" for name in SHOWN)
    head = (
        f"Measured on one {kept['gpu']} with {versions}; GiB. The peak is CUDA's context and what torch has allocated at most.",
        "",
        "| model, batch x sequence | parameters | measured peak | estimated | difference | with room for gaps |",
        "|---|---|---|---|---|---|",
    )
    limited = (
        "",
        "Run again with the memory that torch may take limited, CUDA's context not counted:",
        "",
        "| model, batch x sequence | peak | goes on with | does not with | given by the estimate |",
        "|---|---|---|---|---|",
    )
    return "\n".join([*head, *map(_row, points()), *limited, *map(_limited, limits())]) + "\n"


def _limited(limit: Limit) -> str:
    sizes = (limit.peak, limit.enough, limit.too_little, limit.given)
    return f"| {' | '.join([_label(limit.model, limit.training), *(f'{size / GIB:.2f}' for size in sizes)])} |"


def _row(point: Point) -> str:
    footprint = point.footprint
    figures = [f"{point.shape.parameters / 1e9:.2f} billion"]
    figures += [f"{point.peak / GIB:.2f}", f"{footprint.peak / GIB:.2f}", f"{point.error:+.1%}"]
    figures += [f"{footprint.needed / GIB:.2f}"]
    return f"| {' | '.join([point.label, *figures])} |"


def page() -> str:
    """The page as it should be."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


def taken_over(measured: list[dict[str, Any]]) -> dict[str, Any]:
    """What a point is about and its figures; nothing of the machine but the name of its GPU."""
    rows = [row for each in measured for row in each["points"]]
    if len({(each["gpu"], *row["versions"].items()) for each in measured for row in each["points"]}) != 1:
        sys.exit("points of one GPU and one set of versions, please")
    limits = recorded()["limits"]
    return {"gpu": measured[0]["gpu"], "versions": rows[0]["versions"], "points": [*map(_kept, rows)], "limits": limits}


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    names = ("batch", "sequence", "rank", "targets", "checkpointing", "quantization")
    return {
        "model": row["model"],
        "shape": row["shape"],
        "training": {name: row[name] for name in names},
        "load": row["load"]["peak"],
        "steps": row["steps"]["peak"],
        "context": max(row["load"]["context"], row["steps"]["context"]),
    }


def _told() -> Iterator[str]:
    yield from (f"{point.error:+7.1%}  {point.label}" for point in points())


def main() -> None:
    measured = [json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:]]
    if measured:
        DATA.write_text(json.dumps(taken_over(measured), indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write("\n".join([*_told(), f"wrote {PAGE.relative_to(TESTS.parent)}"]) + "\n")


if __name__ == "__main__":
    main()
