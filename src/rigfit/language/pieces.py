"""Where a line may be broken: between words and between wide signs, but never before the sign that ends a clause."""

from __future__ import annotations

import re

_PIECE = re.compile(r"[（「《“]*(?:[!-~]+|\S)[，。、；：！？）」》”]*|\s+")  # noqa: RUF001 - these signs are meant


def pieces(text: str) -> list[str]:
    """All of `text`, in parts that stay whole; spaces are parts of their own."""
    return _PIECE.findall(text)
