"""How argparse speaks: in the reader's language, and in lines that fit although a wide letter takes two columns."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from rigfit.core.words import say
from rigfit.language import said
from rigfit.language.pieces import pieces

# What argparse itself says to whoever asks for help or slips, by the texts that it has for it.
_USAGE = say("usage: ")
_ITS_OWN = {
    str(words): words
    for words in (
        _USAGE,
        say("positional arguments"),
        say("options"),
        say("show this help message and exit"),
        say("show program's version number and exit"),
        say("%(prog)s: error: %(message)s\n"),
        say("argument %(argument_name)s: %(message)s"),
        say("unrecognized arguments: %s"),
        say("not allowed with argument %s"),
        say("ignored explicit argument %r"),
        say("ambiguous option: %(option)s could match %(matches)s"),
        say("expected one argument"),
        say("invalid choice: %(value)r (choose from %(choices)s)"),
        say("invalid %(type)s value: %(value)r"),
        say("the following arguments are required: %s"),
    )
}


def speak() -> None:
    """From now on argparse has its own words from our catalogs: it looks them up under this name, as gettext's."""
    vars(argparse)["_"] = _its_own


def _its_own(text: str) -> str:
    return said(_ITS_OWN[text]) if text in _ITS_OWN else text


class Help(argparse.HelpFormatter):
    """Takes texts as `say` makes them."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog)
        prefix = said(_USAGE)
        self._width -= 0 if prefix.isascii() else _columns(prefix) - len(prefix)  # argparse counts letters

    def start_section(self, heading: str | None) -> None:
        super().start_section(heading and said(heading))

    def add_text(self, text: str | None) -> None:
        super().add_text(text and said(text))

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help and said(action.help)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return super()._split_lines(text, width) if text.isascii() else list(_lines(text, width))

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.isascii():
            return super()._fill_text(text, width, indent)
        return "\n".join(indent + line for line in _lines(text, width - len(indent)))


def _lines(text: str, width: int) -> Iterator[str]:
    """Cut between any two wide letters, but never before the sign that ends a clause; `width` in columns."""
    line = ""
    for piece in pieces(" ".join(text.split())):
        if line and _columns(line + piece.rstrip()) > width:
            yield line.rstrip()
            line = ""
        line += piece if line else piece.lstrip()
    yield line


def _columns(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
