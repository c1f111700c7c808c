"""Which lines of a text belong to one failure: a chain of tracebacks tells of one, and its first is the cause."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BEGIN = "Traceback (most recent call last)"
_CHAINED = (
    "During handling of the above exception, another exception occurred",
    "The above exception was the direct cause of the following exception",
)
_ERROR = re.compile(
    r"(?:[A-Za-z_]\w*\.)*[A-Z_]\w*(?::[ ]|:?$)"
)  # at the margin: `peft.Error: text`, `KeyboardInterrupt`
_WRAPPERS = re.compile(r"\S*(?:ChildFailedError|CalledProcessError|ProcessRaisedException|SystemExit|RayTaskError)\b")
_LONGEST = 40  # lines of a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Traceback:
    """Lines `start` to `end`, without it; `error` is the one that names the error, -1 where the text was cut off before it."""

    start: int
    error: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One failure from line `start` to `end`, without it; no `tracebacks` where plain lines tell of it."""

    start: int
    end: int
    tracebacks: tuple[Traceback, ...] = ()

    def part(self, line: int) -> int:
        """Which traceback of the chain it is in: the earlier, the nearer to the cause."""
        return next((number for number, each in enumerate(self.tracebacks) if line < each.end), len(self.tracebacks))


def stories(text: str) -> tuple[Story, ...]:
    """In the order of the text, and all of it."""
    lines = text.split("\n")
    found: list[Story] = []
    for chain in _chains(lines):
        after = found[-1].end if found else 0
        if chain[0].start > after:
            found.append(Story(start=after, end=chain[0].start))
        found.append(Story(start=chain[0].start, end=chain[-1].end, tracebacks=tuple(chain)))
    after = found[-1].end if found else 0
    if after < len(lines):
        found.append(Story(start=after, end=len(lines)))
    return tuple(found)


def last_error(text: str) -> tuple[Story, str] | None:
    """The error that ended a program, by its story and its line; None where no traceback is whole."""
    lines = text.split("\n")
    for story in reversed(stories(text)):
        if story.tracebacks and (at := story.tracebacks[-1].error) >= 0 and not _WRAPPERS.match(lines[at]):
            return story, lines[at].strip()
    return None


def _chains(lines: list[str]) -> Iterator[list[Traceback]]:
    chain: list[Traceback] = []
    for each in _tracebacks(lines):
        between = lines[chain[-1].error : each.start] if chain else []
        if chain and not any(phrase in line for line in between for phrase in _CHAINED):
            yield chain
            chain = []
        chain.append(each)
    if chain:
        yield chain


def _tracebacks(lines: list[str]) -> Iterator[Traceback]:
    starts = [number for number, line in enumerate(lines) if _BEGIN in line]
    for start, limit in zip(starts, [*starts[1:], len(lines)], strict=False):
        error = next((number for number in range(start + 1, limit) if _ERROR.match(lines[number])), -1)
        end = limit if error < 0 else _end_of_message(lines, error, limit)
        yield Traceback(start=start, error=error, end=end)


def _end_of_message(lines: list[str], error: int, limit: int) -> int:
    """A message may have empty lines in it; it ends before the next traceback, or where lines of another program begin."""
    last = min(limit, error + _LONGEST)
    for number in range(error + 1, last):
        if not lines[number].strip() and not any(line.strip() for line in lines[number : number + 2]):
            return number
    return last
