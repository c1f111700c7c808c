"""A line that a person wants elsewhere: its number or a click copies it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from textual.content import Content

from rigfit.core.command import at_home
from rigfit.core.problem import help_without_root
from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.hints import command_in, hint
from rigfit_installer.widgets.columns import Columns
from rigfit_installer.widgets.sheet import Sheet
from rigfit_installer.words import MUTED, shown


class CopyLine(Sheet):
    """`copies` is what is copied, `cells` are what is shown of it."""

    def __init__(self, number: int, copies: str, *cells: Content) -> None:
        self.number = number
        self.copies = copies
        super().__init__(Columns([(Content.styled(f"[{number}]", "bold $text-primary"), *cells)]))

    def copy(self) -> None:
        self.app.copy_to_clipboard(self.copies)
        self.notify(self.copies, title=said(self._sent_to()), markup=False, timeout=3)

    def _sent_to(self) -> str:
        """Nobody answers whether it came there; where a browser refuses it, its page shows the line."""
        if self.app.is_web:
            return say("sent to the clipboard of your browser")
        return say("sent to the clipboard of your terminal")


def copy_lines(lines: Iterable[tuple[str, str]]) -> list[CopyLine]:
    """Numbered from one, each a label and its line, with the lines under each other."""
    pairs = list(lines)
    labels = [Content.styled(said(label), MUTED) for label, _text in pairs]
    room = max((label.cell_length for label in labels), default=0)
    return [
        CopyLine(number, text, label.pad_right(room - label.cell_length), Content(said(text)))
        for number, (label, (_label, text)) in enumerate(zip(labels, pairs, strict=True), start=1)
    ]


def step_lines(
    steps: Iterable[str],
    screen: str,
    home: str | None = None,
    *,
    after: int = 0,
    typed: Callable[[str], str | None] = command_in,
) -> Iterator[Sheet]:
    """Next steps: those with something to type are numbered, and copy that alone; `screen` is where they are told.

    `home` is None where a command finds it by itself; `after` is the last number that is taken already; `typed` tells
    what of a step is to be typed.
    """
    number, told = after, tuple(steps)
    for step in told:
        command, more = typed(step), hint(step, screen) or ""
        if command is None:
            prose = Sheet()
            prose.lay([(Content(" · "), _with(more, at_home(said(step), home)))])
            yield prose
        else:
            number += 1
            yield CopyLine(number, at_home(command, home), _with(more, at_home(said(step), home)))
    without_root = help_without_root(told)
    if without_root:
        yield Sheet(shown(without_root, MUTED))


def _with(more: str, text: str) -> Content:
    if not more:
        return Content(text)
    return Content.assemble(text, "\n", (said(more), MUTED))
