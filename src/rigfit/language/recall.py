"""Finds the template of an English text that has lost it on its way through JSON: a recorded machine, a run log, a receipt."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from string import Formatter

from rigfit.core.words import Words, joined, say, worded

_ENOUGH = 8  # letters of a template's own: with fewer it is found in texts that it never made
_FEW = 2  # are enough where each value is told by its form
_ANYTHING = ".+?"
_WORD = r"\S+"
_NUMBER = r"[-+]?(?:\d+(?:\.\d+)?(?:e[-+]?\d+)?|nan|inf)%?"
_CODE = re.compile(r"([\w.-]+): (.+)", re.DOTALL)
_LITTLE_ENDIAN = b"\xde\x12\x04\x95"


class Found(str):
    """A value as it stands in the text, whatever form its template gave it."""

    __slots__ = ()

    def __format__(self, _form: str) -> str:
        return str(self)

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """`mark` is the longest piece of the template that each of its texts has; `weight` the length of all of them."""

    template: str
    mark: str
    weight: int

    def values(self, text: str) -> Mapping[str, str] | None:
        match = _pattern(self.template).fullmatch(text)
        return match.groupdict() if match else None


class Recall:
    """What a text is made of, by the templates of a catalog: of those that fit, the one that says most of it."""

    def __init__(self, templates: Iterable[str]) -> None:
        known = tuple(templates)
        sentences = (each for each in known if " " in each.strip() and "{" not in each)  # one word may be a name
        self._sentences = frozenset(sentences)
        forms = (_form(each) for each in known if "{" in each)
        self._forms = sorted((form for form in forms if form), key=lambda form: -form.weight)

    def words(self, text: str) -> Words | None:
        """None for a name, and for a text that was not made here."""
        if text in self._sentences:
            return worded(text, text, {})
        fits = [*self._fits(text)]
        clauses = [found for found in fits if not any("; " in value or "\n" in value for value in found[1].values())]
        if clauses:
            return self._made(text, *clauses[0])
        return self._joined(text) or (self._made(text, *fits[0]) if fits else None)

    def _fits(self, text: str) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Templates and the values that they would have, likeliest first."""
        for form in [form for form in self._forms if form.mark in text]:
            values = form.values(text)
            if values is not None:
                yield form.template, values

    def _made(self, text: str, template: str, values: Mapping[str, str]) -> Words:
        return worded(text, template, {name: self.words(value) or Found(value) for name, value in values.items()})

    def _joined(self, text: str) -> Words | None:
        for mark in ("\n", say("; ")):
            parts = [self.words(part) or part for part in text.split(mark)] if mark in text else []
            if any(isinstance(part, Words) for part in parts):
                return joined(mark, parts)
        coded = _CODE.fullmatch(text)
        rest = self.words(coded[2]) if coded else None
        return say("{code}: {text}", code=coded[1], text=rest) if coded and rest else None


def templates_of(catalog: bytes) -> Iterator[str]:
    """All texts of a compiled catalog, which gettext itself does not list.

    https://www.gnu.org/software/gettext/manual/html_node/MO-Files.html
    """
    order = "<" if catalog.startswith(_LITTLE_ENDIAN) else ">"
    count, table = struct.unpack_from(f"{order}2I", catalog, 8)
    for number in range(count):
        length, start = struct.unpack_from(f"{order}2I", catalog, table + 8 * number)
        yield catalog[start : start + length].decode()


def _form(template: str) -> _Form | None:
    """None for one that says too little to be known again."""
    pieces = [*Formatter().parse(template)]
    own = [literal for literal, *_ in pieces]
    vague = any(name is not None and _shape(form or "") == _ANYTHING for _, name, form, _ in pieces)
    letters = sum(letter.isalpha() for literal in own for letter in literal)
    if letters < (_ENOUGH if vague else _FEW):
        return None
    return _Form(template=template, mark=max(own, key=len), weight=sum(map(len, own)))


@cache
def _pattern(template: str) -> re.Pattern[str]:
    pattern, seen = "", set()
    for literal, name, form, _ in Formatter().parse(template):
        pattern += re.escape(literal)
        if name is not None:
            pattern += f"(?P={name})" if name in seen else f"(?P<{name}>{_shape(form or '')})"
            seen.add(name)
    return re.compile(pattern, re.DOTALL)


def _shape(form: str) -> str:
    if form == "s":
        return _WORD
    return _NUMBER if form and form[-1] in "defg%" else _ANYTHING
