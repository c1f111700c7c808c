"""The measured matrix as a picture for the docs: PEFT down, transformers across, a cell a pair. Signs differ, not only colours.

python -m tests.matrix.picture
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import groupby

from tests.matrix.measure import ROOT

from rigfit.catalog.matrix import read_matrix
from rigfit.core.matrix import REACH_WORDS, REACHES, Matrix, Reach, Run, newest_of_minors, spans

PICTURE = ROOT / "docs/pictures/matrix.svg"
_WIDTH, _LEFT, _TOP = 1000, 76, 128
_STEP, _ROW = 16, 18  # of a column, of a row
_GAP = 10  # between transformers 4 and 5
_FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
_INK, _FAINT, _PAPER = "#1f2933", "#5b6773", "#ffffff"


@dataclass(frozen=True)
class Mark:
    """A cell: its ground, and a sign drawn around its middle."""

    ground: str
    ink: str
    sign: str
    edge: str = ""


_CHECK = "M-3.6 .4-1 3 3.8-3"
_PLUS = "M0-3.6V3.6M-3.6 0H3.6"
_RING = "M3.2 0A3.2 3.2 0 1 1-3.2 0 3.2 3.2 0 1 1 3.2 0Z"
_CROSS = "M-3-3 3 3M3-3-3 3"
_DASH = "M-3.6 0H3.6"
_QUESTION = "M-2.3-2.4A2.4 2.4 0 1 1 .8-.2Q0 .2 0 1.4M0 3.7V3.8"
_STROKE = "M0-4V1M0 3.7V3.8"
_STAR = "M0-3.8V3.8M-3.4-1.9 3.4 1.9M3.4-1.9-3.4 1.9"
_COLON = "M0-2.4V-2.3M0 2.3V2.4"
_MARKS: dict[Reach, Mark] = {
    "adapter_roundtrip": Mark("#00806a", "#ffffff", _CHECK),
    "causal": Mark("#8fd3c1", "#064d40", _PLUS),
    "lora_step": Mark("#b9e0ee", "#134b62", _STAR),
    "numbers": Mark("#f6c26b", "#6b4200", _RING),
    "quantized_load": Mark("#f6c26b", "#6b4200", _COLON),
    "needs_gpu": Mark("#f3f4f6", "#6b7580", _QUESTION, "#d5dae0"),
    "imports": Mark("#ee9a6d", "#6a2400", _DASH),
    "resolves": Mark("#b3261e", "#ffffff", _CROSS),
    "nothing": Mark("#3d3d46", "#ffffff", _STROKE),
}


def picture(matrix: Matrix) -> str:
    bitsandbytes = matrix.bitsandbytes[-1]
    best = matrix.best(bitsandbytes)
    pefts, columns = newest_of_minors(matrix.pefts)[::-1], newest_of_minors(matrix.transformers)
    cells = {(peft, column): best[peft, column] for peft in pefts for column in columns}
    bottom = _TOP + _ROW * len(pefts)
    used = [reach for reach in REACHES if any(run.outcome.reach == reach for run in cells.values())]
    height = bottom + 34 + 24 * ((len(used) + 1) // 2) + 30
    title = f"How far PEFT and transformers get in 8-bit LoRA, bitsandbytes {bitsandbytes}, on a CPU, {matrix.read}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" role="img">',
        f'<g font-family="{_FONT}" font-size="11" fill="{_INK}">',
        f"<title>{escape(title)}</title>",
        f'<rect x=".5" y=".5" width="{_WIDTH - 1}" height="{height - 1}" rx="8" fill="{_PAPER}" stroke="#d5dae0"/>',
        *_defs(used),
        *_head(matrix, bitsandbytes),
        *_axes(pefts, columns),
        *_cells(pefts, columns, cells),
        *_legend(used, cells, bottom + 36),
        *_foot(cells, columns, height - 18),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _defs(used: list[Reach]) -> Iterator[str]:
    yield "<defs>"
    for reach in used:
        mark = _MARKS[reach]
        edge = f' stroke="{mark.edge}"' if mark.edge else ""
        drawn = f'fill="none" stroke="{mark.ink}" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"'
        ground = f'<rect x="-7" y="-8" width="14" height="16" rx="3" fill="{mark.ground}"{edge}/>'
        yield f'<g id="{reach}">{ground}<path d="{mark.sign}" {drawn}/></g>'
    yield "</defs>"


def _text(x: float, y: float, words: str, **how: object) -> str:
    keys = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in how.items())
    return f'<text x="{x:g}" y="{y:g}"{keys}>{escape(words)}</text>'


def _head(matrix: Matrix, bitsandbytes: str) -> Iterator[str]:
    yield _text(24, 36, "8-bit LoRA: how far each pair of PEFT and transformers gets", font_size=20, font_weight=600)
    with_what = f"bitsandbytes {bitsandbytes}, torch {matrix.torch}, Python {matrix.python}"
    told = f"Measured on a CPU on {matrix.read}, with {with_what}; the newest patch of each minor version."
    yield _text(24, 58, told, font_size=13, fill=_FAINT)


def _x(columns: tuple[str, ...], number: int) -> float:
    """The middle of a column."""
    majors = len({column.split(".")[0] for column in columns[: number + 1]})
    return _LEFT + _STEP * (number + 0.5) + _GAP * (majors - 1)


def _axes(pefts: tuple[str, ...], columns: tuple[str, ...]) -> Iterator[str]:
    for major, group in groupby(range(len(columns)), key=lambda number: columns[number].split(".")[0]):
        numbers = list(group)
        left, right = _x(columns, numbers[0]) - 7, _x(columns, numbers[-1]) + 7
        yield _text(
            (left + right) / 2, 92, f"transformers {major}.", text_anchor="middle", font_size=13, font_weight=600
        )
        yield f'<path d="M{left:g} 100H{right:g}" stroke="#b6bec7"/>'
    for number, column in enumerate(columns):
        yield _text(_x(columns, number), 116, column.split(".")[1], text_anchor="middle", font_size=10.5)
    yield _text(_LEFT - 10, 116, "PEFT", text_anchor="end", font_size=13, font_weight=600)
    for number, peft in enumerate(pefts):
        yield _text(_LEFT - 10, _TOP + _ROW * (number + 0.5) + 4, peft, text_anchor="end", font_size=12)


def _cells(pefts: tuple[str, ...], columns: tuple[str, ...], cells: dict[tuple[str, str], Run]) -> Iterator[str]:
    for row, peft in enumerate(pefts):
        y = _TOP + _ROW * (row + 0.5)
        for number, column in enumerate(columns):
            yield f'<use href="#{cells[peft, column].outcome.reach}" x="{_x(columns, number):g}" y="{y:g}"/>'


def _legend(used: list[Reach], cells: dict[tuple[str, str], Run], top: float) -> Iterator[str]:
    """Down two columns, the furthest first."""
    counts = Counter(run.outcome.reach for run in cells.values())
    half = (len(used) + 1) // 2
    for number, reach in enumerate(used):
        x, y = 24 + 490 * (number // half), top + 24 * (number % half)
        words = str(REACH_WORDS[reach])
        yield f'<use href="#{reach}" x="{x + 8}" y="{y - 4}"/>'
        yield _text(x + 58, y, f"{counts[reach]}", text_anchor="end", font_size=13, font_weight=600)
        yield _text(x + 68, y, words, font_size=13)


def _foot(cells: dict[tuple[str, str], Run], columns: tuple[str, ...], y: float) -> Iterator[str]:
    older = ", ".join(spans({run.transformers for run in cells.values() if run.older}, columns))
    told = f"With transformers {older} an older accelerate gets further than the newest, and is what is shown."
    yield _text(24, y, told, font_size=12, fill=_FAINT)


def main() -> None:
    PICTURE.write_text(picture(read_matrix(ROOT / "environments")), encoding="utf-8")


if __name__ == "__main__":
    main()
