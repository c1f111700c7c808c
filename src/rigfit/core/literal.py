"""A piece of text that whatever a regular expression matches must hold: looking for it is faster than compiling."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PLAIN = re.compile(r"[A-Za-z0-9_ '\"`,:;/=<>@#%&!~-]")
_REPEATED = ("?", "*", "{")  # perhaps not at all
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]")


def literals(pattern: str) -> tuple[str, ...]:
    """The longest piece of each alternative; one of them is in every match. Empty where none is sure."""
    if "(?" in pattern.replace("(?:", "").replace("(?=", "").replace("(?!", "").replace("(?<", ""):
        return ()  # flags such as (?i)
    longest = [max(_pieces(part), key=len, default="") for part in _alternatives(pattern)]
    return tuple(longest) if all(len(piece) > 2 for piece in longest) else ()


def _alternatives(pattern: str) -> list[str]:
    """Split at each `|` outside of groups and classes."""
    cuts = [at for at, depth, sign in _walk(pattern) if depth == 0 and sign == "|"]
    return [pattern[start:end] for start, end in zip([0, *(at + 1 for at in cuts)], [*cuts, len(pattern)], strict=True)]


def _pieces(pattern: str) -> Iterator[str]:
    """Runs of letters that stand for themselves, outside of groups and classes."""
    piece = ""
    for at, depth, sign in _walk(pattern):
        letter = sign[-1] if len(sign) == 2 and not sign[-1].isalnum() else sign
        plain = depth == 0 and ((len(sign) == 2 and letter != sign) or _PLAIN.fullmatch(sign) is not None)
        following = pattern[at + len(sign) : at + len(sign) + 1]
        if plain and following not in _REPEATED:
            piece += letter
        if not plain or following in (*_REPEATED, "+"):
            yield piece
            piece = ""
    yield piece


def _walk(pattern: str) -> Iterator[tuple[int, int, str]]:
    """Each sign with its place and how many groups it is in; an escape is one sign, a class is one, too."""
    depth = at = 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "\\":
            sign = pattern[at : at + 2]
        elif sign == "[" and (found := _CLASS.match(pattern, at)):
            sign = found[0]
        elif sign == "(":
            depth += 1
        yield at, depth, sign
        depth -= sign == ")"
        at += len(sign)
