"""Draws what a terminal shows as SVG: a line of the file for each line of the terminal, so that a diff can be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

WIDTH, HEIGHT = 8.4, 18  # of a cell; monospaced letters are 0.6 of their size wide
_SIZE, _BASELINE, _MARGIN = 14, 13, 10
_FONTS = "'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', 'Noto Sans Mono CJK SC', 'WenQuanYi Zen Hei Mono', monospace"
# Frames and bars meet only where whoever draws them knows the cell: the sides that a line goes to, by way of the middle.
_SIDES = {"─": "lr", "│": "tb", "╭": "br", "╮": "bl", "╰": "tr", "╯": "tl"}
_BARS = {"█": 1.0, "░": 0.25}  # how much of the ground they cover
_EIGHTHS = "▁▂▃▄▅▆▇"


def draw(strips: Sequence[Strip], ground: str) -> str:
    """All lines on `ground`, the colour of the screen."""
    columns = max(strip.cell_length for strip in strips)
    width, height = columns * WIDTH + 2 * _MARGIN, len(strips) * HEIGHT + 2 * _MARGIN
    rows = (line for y, strip in enumerate(strips) for line in _row(strip, y, ground))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(width)} {_n(height)}" width="{_n(width)}" '
        f'xml:space="preserve" font-family="{_FONTS}" font-size="{_SIZE}">'
    )
    back = f'<rect width="100%" height="100%" rx="6" fill="{ground}"/>'
    place = f'<g transform="translate({_MARGIN} {_MARGIN})">'
    return "\n".join([head, back, place, *rows, "</g>", "</svg>", ""])


def _row(strip: Strip, y: int, ground: str) -> Iterator[str]:
    """The grounds that differ, then the signs."""
    runs = [(text, style, *_colours(style, ground)) for text, style in _runs(strip)]
    grounds, signs = list[str](), list[str]()
    x = 0
    for behind, group in groupby(runs, key=lambda run: run[3]):
        begin = x
        for text, style, fill, _behind in group:
            signs += _signs(text, style, x, y, fill)
            x += cell_len(text)
        if behind != ground:
            grounds.append(_rect(begin, y, x - begin, f'fill="{behind}" shape-rendering="crispEdges"'))
    yield from ("".join(parts) for parts in (grounds, signs) if parts)


def _rect(x: int, y: int, cells: int, look: str, top: float = 0, height: float = HEIGHT) -> str:
    place = f'x="{_n(x * WIDTH)}" y="{_n(y * HEIGHT + top)}"'
    return f'<rect {place} width="{_n(cells * WIDTH)}" height="{_n(height)}" {look}/>'


def _runs(strip: Strip) -> Iterator[tuple[str, Style]]:
    """Neighbours that look the same, together."""
    drawn = (segment for segment in strip if not segment.control)
    for style, group in groupby(drawn, key=lambda segment: (segment.style or Style()).without_color + _bare(segment)):
        yield "".join(segment.text for segment in group), style


def _bare(segment: Segment) -> Style:
    """The colours alone: two clickable words look the same wherever they lead."""
    style = segment.style or Style()
    return Style(color=style.color, bgcolor=style.bgcolor)


def _colours(style: Style, ground: str) -> tuple[str, str]:
    fill, behind = _hex(style.color, "#d8dee4"), _hex(style.bgcolor, ground)
    return (behind, fill) if style.reverse else (fill, behind)


def _hex(colour: Color | None, otherwise: str) -> str:
    return colour.triplet.hex if colour is not None and colour.triplet is not None else otherwise


def _signs(text: str, style: Style, x: int, y: int, fill: str) -> Iterator[str]:
    weight = ' font-weight="bold"' if style.bold else ""
    weight += ' text-decoration="underline"' if style.underline else ""
    for kind, group in groupby(text, key=_kind):
        part = "".join(group)
        if kind == "frame":
            yield _frame(part, x, y, fill)
        elif kind == "bar":
            yield _bar(part, x, y, fill)
        elif part.strip(" "):
            yield _letters(part, x, y, f' fill="{fill}"{weight}')
        x += cell_len(part)


def _kind(sign: str) -> str:
    if sign in _SIDES:
        return "frame"
    if sign in _BARS or sign in _EIGHTHS:
        return "bar"
    return "wide" if cell_len(sign) == 2 else "letters"


def _letters(text: str, x: int, y: int, look: str) -> str:
    """Each wide sign in its place; of others the whole length is told, since nobody knows the reader's font."""
    indent = len(text) - len(text.lstrip(" "))
    body, at = text.strip(" "), x + indent
    places = " ".join(_n(each * WIDTH) for each in _starts(body, at)) if cell_len(body) > len(body) else _n(at * WIDTH)
    length = f' textLength="{_n(len(body) * WIDTH)}"' if cell_len(body) == len(body) else ""
    return f'<text x="{places}" y="{y * HEIGHT + _BASELINE}"{length}{look}>{escape(body, quote=False)}</text>'


def _starts(text: str, at: int) -> Iterator[int]:
    for sign in text:
        yield at
        at += cell_len(sign)


def _frame(text: str, x: int, y: int, stroke: str) -> str:
    parts = list[str]()
    for sign, group in groupby(text):
        cells = len(list(group))
        if sign == "─":
            parts.append(f"M{_n(x * WIDTH)} {_n((y + 0.5) * HEIGHT)}h{_n(cells * WIDTH)}")
        else:
            parts += (_line(_SIDES[sign], at, y) for at in range(x, x + cells))
        x += cells
    return f'<path d="{" ".join(parts)}" stroke="{stroke}" fill="none"/>'


def _line(sides: str, x: int, y: int) -> str:
    ends = {"l": (0.0, 0.5), "r": (1.0, 0.5), "t": (0.5, 0.0), "b": (0.5, 1.0)}
    (x1, y1), (x2, y2) = (ends[side] for side in sides)
    middle = f"{_n((x + 0.5) * WIDTH)} {_n((y + 0.5) * HEIGHT)}"
    return f"M{_n((x + x1) * WIDTH)} {_n((y + y1) * HEIGHT)}Q{middle} {_n((x + x2) * WIDTH)} {_n((y + y2) * HEIGHT)}"


def _bar(text: str, x: int, y: int, fill: str) -> str:
    """Of a bar as much of the ground as its sign covers; of a scrollbar's end as many eighths, from below."""
    rects = list[str]()
    for sign, group in groupby(text):
        cells = len(list(group))
        if sign in _BARS:
            rects.append(_rect(x, y, cells, f'fill="{fill}" fill-opacity="{_BARS[sign]}"', 3, HEIGHT - 6))
        else:
            height = HEIGHT * (_EIGHTHS.index(sign) + 1) / 8
            rects.append(_rect(x, y, cells, f'fill="{fill}"', HEIGHT - height, height))
        x += cells
    return "".join(rects)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
