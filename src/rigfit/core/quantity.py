"""Amounts as people write them: 7B parameters, 24GiB of memory."""

from __future__ import annotations

import re

_COUNTS = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9}
_SIZES = {"": 1, "k": 1, "m": 2, "g": 3, "t": 4}
_NUMBER = r"\s*(\d{1,3}(?:,\d{3})+|\d+(?:_\d+)*)(?:\.(\d+))?\s*"  # a comma stands between thousands, and for no point
_MOST = 10**18  # an exabyte, and more parameters than there are anywhere


def count(text: str) -> int:
    """`7B`, `350M`, `1.1b`, `6,738,415,616`; raises ValueError for what is no whole number, or not more than 0."""
    found = re.fullmatch(_NUMBER + "([kmb]?)", text.lower())
    if found is None:
        raise ValueError(text)
    amount, rest = _amount(found, _COUNTS[found[3]])
    if rest:
        raise ValueError(text)
    return amount


def size(text: str) -> int:
    """Bytes: `24GiB`, `24G` (the same), `24GB` (decimal), `25769803776`, parts of a byte left out; raises ValueError for what is none."""
    found = re.fullmatch(_NUMBER + "([kmgt]?)(i?b)?", text.lower())
    if found is None or (not found[3] and found[4] == "ib"):
        raise ValueError(text)
    base = 1000 if found[4] == "b" else 1024
    return _amount(found, base ** _SIZES[found[3]] if found[3] else 1)[0]


def _amount(found: re.Match[str], unit: int) -> tuple[int, int]:
    """The whole part, and whether there is more (not 0). Exact: a float would round, or be too small for the number."""
    digits, after = found[1].replace("_", "").replace(",", ""), found[2] or ""
    amount, rest = divmod(int(digits + after) * unit, 10 ** len(after))
    if not 1 <= amount <= _MOST:
        raise ValueError(digits)
    return amount, rest
