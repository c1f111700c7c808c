"""An error text as it was printed: without what terminals, notebooks, containers and mail have put around it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

_ESCAPES = re.compile(
    r"(?:\x1b|\\u001b|\\x1b|\\033|\^\[)(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[@-Z\\-_])"
    r"|\[(?:\d{1,3})(?:;\d{1,3})*m"  # copied without the escape sign itself
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u2060\ufeff\ufffd]")
_SIGNS = str.maketrans(
    "\u2018\u2019\u201a\u201b\u00b4\u201c\u201d\u201e\u00a0\u202f\u2009\u2010\u2011\u2013\u2014\u2212",
    "'''''\"\"\"   -----",
)
_TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
_PREFIX = re.compile(
    rf"^(?:\[?{_TIME}\]?(?:[ \t]?[|:-]?[ \t]|$)"  # kubectl logs --timestamps, GitHub Actions, docker logs -t
    r"|\[(?:pod|rank|default)[-/ ]?[\w./-]*\]:?[ ]?"  # kubectl logs --prefix, torch.distributed
    r"|\[\d+,\d+\]<std(?:err|out)>:[ ]?"  # mpirun
    r"|\([\w. -]*pid=\d+[^)\n]*\)[ ]?"  # ray
    r"|(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)[ ]?[:|-][ ]"  # python's logging
    r"|[\w.-]+[ ]{1,20}\|[ ]"  # docker compose
    r"|(?:>[ ]?)+"  # mail
    r"|[│┃|][ ](?=.*[│┃]$)"  # rich's frame
    r")",
    re.MULTILINE,
)
_FRAME = re.compile(r"[ ]*[│┃][ ]*$", re.MULTILINE)
_ARROW = re.compile(r"^(?:-{2,}>|❱)[ ]*(\d+)", re.MULTILINE)
_IPYTHON_FRAME = re.compile(
    r"^(?:File )?((?:~|/|[A-Za-z]:\\)[^\n:]*\.pyx?):(\d+)(?:, in (.+)|[ ]in .*)?$", re.MULTILINE
)
_IPYTHON_OLD_FRAME = re.compile(r"^(?:File )?((?:~|/|[A-Za-z]:\\)[^\n:]*\.pyx?) in (.+)$", re.MULTILINE)
_MOST_PREFIXES = 3
_BEGINS_ANEW = re.compile(
    r"\s*(?:$|Traceback |File \"|During handling |The above exception |[\w.]*(?:Error|Exception|Warning): |[-*#|]|\d+[ :])"
)
_NARROWEST = 60  # columns, at which something may have broken a line
_MOST_LINES = 8  # of one message


def cleaned(text: str) -> str:
    """Lines as a program wrote them."""
    text = _as_printed(text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _CONTROL.sub("", _ESCAPES.sub("", text)).replace("\r", "\n").translate(_SIGNS)
    if "&#" in text or "&quot;" in text or "&lt;" in text:
        text = html.unescape(text)
    for _ in range(_MOST_PREFIXES):
        text, found = _PREFIX.subn("", text)
        if not found:
            break
    text = _ARROW.sub(r"     \1", _FRAME.sub("", text))
    text = _IPYTHON_FRAME.sub(r'  File "\1", line \2', text)
    return _IPYTHON_OLD_FRAME.sub(r'  File "\1", in \2', text)


def _as_printed(text: str) -> str:
    """What is written as JSON: a notebook, a line of a container's log, a traceback in quotes."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            return "\n".join(_texts(json.loads(text)))
        except (ValueError, RecursionError):
            pass
    lines = (_line_as_printed(line) for line in text.split("\n"))
    return "\n".join(lines)


def _line_as_printed(line: str) -> str:
    bare = line.strip()
    if bare[:1] == "{" and bare[-1:] == "}":
        try:
            return "\n".join(_texts(json.loads(bare)))
        except (ValueError, RecursionError):
            pass
    if line.count("\\n") > 1 or "\\u001b[" in line or "\\x1b[" in line:
        return line.replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"').replace("\\'", "'")
    return line


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value.removesuffix("\n")
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def unwrapped(text: str) -> str:
    """Each line that something may have broken together with what follows it, and runs of spaces as one.

    It has as many lines as `text`: what was joined to an earlier line leaves an empty one.
    """
    lines = [" ".join(line.split()) for line in text.split("\n")]
    joined: list[str] = []
    while len(joined) < len(lines):
        end = _end_of_wrapped(lines, len(joined))
        parts = lines[len(joined) : end]
        joined += [" ".join(parts), *[""] * (len(parts) - 1)]
    return "\n".join(joined)


def _end_of_wrapped(lines: list[str], start: int) -> int:
    """The first line after `start` that is a line of its own."""
    end = start + 1
    while end < min(len(lines), start + _MOST_LINES) and _is_broken(lines[end - 1], lines[end]):
        end += 1
    return end


def _is_broken(line: str, following: str) -> bool:
    word = following.split(" ", 1)[0]
    return len(line) + 1 + len(word) > _NARROWEST and _BEGINS_ANEW.match(following) is None
