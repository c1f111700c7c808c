"""English texts that remember how they were made, so that a face can say them in another language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any


class Words(str):
    """The text of `template` with `values` filled in, as `str.format` does; programs read it as it is, in English."""

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, Any]

    def __reduce__(self) -> tuple[Callable[..., Words], tuple[str, str, Mapping[str, Any]]]:
        return worded, (str(self), self.template, self.values)

    def __deepcopy__(self, memo: Mapping[int, object]) -> Words:
        return self


def say(template: str, /, **values: Any) -> Words:
    """A text for people. `template` is a literal, by which the catalogs of other languages know it.

    A text among the `values` is said in the other language, too, if it was made here; a plain one is a name.
    """
    return worded(template.format(**values), template, values)


def written(text: str) -> Words:
    """A text that people wrote into the catalog; other languages know it by itself, as a whole."""
    return worded(text, text.replace("{", "{{").replace("}", "}}"), {})


def joined(mark: str, parts: Iterable[str]) -> Words:
    """As `str.join`, of parts that remember how they were made; `mark` may be a text, too."""
    values = {f"part{number}": part for number, part in enumerate(parts)}
    template = "{mark}".join(f"{{{name}}}" for name in values)
    return worded(mark.join(values.values()), template, {"mark": mark, **values})


def lines(text: str) -> tuple[str, ...]:
    """The lines of a text; of one that was joined of lines each still remembers how it was made."""
    if isinstance(text, Words) and str(text.values.get("mark", "")).startswith("\n"):
        parts = (str(part) if not isinstance(part, Words) else part for part in [*text.values.values()][1:])
        return tuple(line for part in parts for line in lines(part))
    return (text,) if "\n" not in text else tuple(line.strip() for line in text.splitlines())


def alternatives(parts: Iterable[str]) -> str:
    """`linux-64 or linux-aarch64`; raises TypeError where there are none."""
    return reduce(lambda first, other: say("{first} or {other}", first=first, other=other), parts)


def sentence(clause: str) -> Words:
    """A clause as a sentence of its own; the capital is that of English alone."""
    words = say("{clause}.", clause=clause)
    return worded(f"{words[0].upper()}{words[1:]}", words.template, words.values)


def worded(text: str, template: str, values: Mapping[str, Any]) -> Words:
    """`text` as it is, made of `template` and `values`."""
    words = Words(text)
    words.template = template
    words.values = values
    return words
