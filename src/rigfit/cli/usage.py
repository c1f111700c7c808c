"""How argparse speaks: in the reader's language, and in lines that fit although a wide letter takes two columns."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from rigfit.core.words import say
from rigfit.language import said
from rigfit.language.pieces import breaks

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

    class _Section(argparse.HelpFormatter._Section):  # noqa: SLF001 - there is no other way to it
        def format_help(self) -> str:
            """With the reader's colon behind the heading, which argparse has in its code."""
            text = super().format_help()
            colon = f"{self.heading}:"
            return text.replace(colon, said(say("{heading}:", heading=self.heading)), 1) if self.heading else text

    def start_section(self, heading: str | None) -> None:
        super().start_section(heading and said(heading))

    def add_text(self, text: str | None) -> None:
        super().add_text(text and said(text))

    def _format_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None,
    ) -> str:
        """As argparse counts letters, it is given as many as the prefix takes columns. Further lines go below the first."""
        before = said(_USAGE) if prefix is None else prefix
        room = " " * _columns(before)
        lines = usage and usage.replace("\n", f"\n{room}")
        return super()._format_usage(lines, actions, groups, room).replace(room, before, 1)

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help and said(action.help)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return super()._split_lines(text, width) if text.isascii() else _lines(text, width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.isascii():
            return super()._fill_text(text, width, indent)
        return "\n".join(indent + line for line in _lines(text, width - len(indent)))


def _lines(text: str, width: int) -> list[str]:
    """Of wide letters, which argparse takes to be one column wide."""
    line = " ".join(text.split())
    ends = [*breaks(line, width), len(line)]
    return [line[start:end].strip() for start, end in zip([0, *ends], ends, strict=False)]


def _columns(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
