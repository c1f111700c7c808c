"""A line that a person wants elsewhere: its number or a click copies it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.cells import cell_len
from textual.content import Content

from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.widgets.columns import Columns
from rigfit_installer.widgets.sheet import Sheet
from rigfit_installer.words import MUTED


class CopyLine(Sheet):
    """`label` says what it is for, `room` is its width; of a sentence, the part in backticks is what is copied."""

    def __init__(self, number: int, text: str, label: str = "", room: int = 0) -> None:
        self.number = number
        self.text = text
        cells = [Content.styled(f"[{number}]", "bold $text-primary")]
        if label:
            name = Content.styled(said(label), MUTED)
            cells.append(name.pad_right(max(room - name.cell_length, 0)))
        super().__init__(Columns([(*cells, Content(said(text)))]))

    def copy(self) -> None:
        wanted = copied(self.text)
        self.app.copy_to_clipboard(wanted)
        self.notify(wanted, title=said(say("sent to the clipboard of your terminal")), markup=False, timeout=3)


def copy_lines(lines: Iterable[tuple[str, str]]) -> list[CopyLine]:
    """Numbered from one, each a label and its line, with the lines under each other."""
    pairs = list(lines)
    room = max((cell_len(said(label)) for label, _text in pairs), default=0)
    return [CopyLine(number, text, label, room) for number, (label, text) in enumerate(pairs, start=1)]


def copied(text: str) -> str:
    """`sudo reboot` of "then `sudo reboot`, and look again"."""
    quoted = re.search(r"`([^`]+)`", text)
    return quoted[1] if quoted else text
