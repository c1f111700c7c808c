"""What translators are given: the texts of `say` in the sources, and those that people wrote into the catalog's data."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from typing import IO, Any

from rigfit.core.words import written

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

WRITTEN = ("title", "purpose", "why", "note", "what", "because", "folk", "fix")
COMMAND = "$ "  # a step that is a line for the shell is the same in every language
Message = tuple[int, None, str, list[str]]  # as Babel takes it: line, function, text, comments


def calls(source: str) -> Iterator[ast.Call]:
    """Of `say` where it is the core's, or that of the payloads."""
    if not any(sign in source for sign in ("rigfit.core.words", "def say(template", "from .frame import")):
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
            yield node


def template(call: ast.Call) -> str:
    """Empty where it is no literal."""
    first = call.args[0] if len(call.args) == 1 else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def data_texts(source: str) -> Iterator[str]:
    """The templates of all that is written for people in a file of the catalog."""
    yield from _texts(tomllib.loads(source))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)
    if isinstance(value, dict):
        for key, each in value.items():
            lines = each if isinstance(each, list) else [each]
            if key in WRITTEN and all(isinstance(line, str) for line in lines):
                yield from (written(" ".join(line.split())).template for line in lines if not line.startswith(COMMAND))
            else:
                yield from _texts(each)


def from_source(file: IO[bytes], *_asked: Iterable[str], **_options: object) -> Iterator[Message]:
    """Babel's own method does not look into the values of an f-string."""
    for call in calls(file.read().decode("utf-8")):
        if template(call):
            yield call.lineno, None, template(call), []


def from_data(file: IO[bytes], *_asked: Iterable[str], **_options: object) -> Iterator[Message]:
    for text in data_texts(file.read().decode("utf-8")):
        yield 1, None, text, []
