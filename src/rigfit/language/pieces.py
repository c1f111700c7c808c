"""Where a line may be broken: between words and between wide signs, but never before the sign that ends a clause."""

from __future__ import annotations

import re
from collections.abc import Iterator

_CLOSING = r"[，。、；：！？）」》”’…—]"  # noqa: RUF001 - these signs are meant
_LATIN_CLOSING = r"[)\]},.;:!?%…](?![!-~])"  # behind a wide sign
_OPENING = r"(?:[（「《“]|[(\[](?=[^\x00-\x7f]))"  # noqa: RUF001 - these, too
_NUMBER = r"(?<![!-~])\d[\d.,]*%? (?:[!-~]{1,5}(?![!-~])|[^\s!-~])"  # `3.0 GiB`, `8 位`
_PIECE = re.compile(rf"{_OPENING}*(?:{_NUMBER}|[!-~]+|\S)(?:{_CLOSING}|{_LATIN_CLOSING})*|\s+")


def pieces(text: str) -> list[str]:
    """All of `text`, in parts that stay whole; spaces are parts of their own."""
    return _PIECE.findall(text)


def breaks(text: str, width: int) -> Iterator[int]:
    """Where lines of at most `width` cells end. `text` is one line; spaces at an end are not counted."""
    at = used = 0
    for piece in pieces(text):
        if used and used + _cells(piece.rstrip()) > width:
            yield at
            used = 0
        rest = piece
        while _cells(rest.rstrip()) > width:  # a path, say
            fitting = _fitting(rest, width)
            at += fitting
            rest = rest[fitting:]
            yield at
        at += len(rest)
        used += _cells(rest)


def _fitting(text: str, width: int) -> int:
    """How many letters of it have room, without leaving the next line a sign that ends a clause; one at least."""
    full = next((end for end in range(min(len(text), width), 1, -1) if _cells(text[:end]) <= width), 1)
    space = text.rfind(" ", 1, full + 1)  # that of a number and its unit
    if space > 0:
        return space + 1
    return next((end for end in range(full, 0, -1) if not re.match(_CLOSING, text[end:])), full)


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
