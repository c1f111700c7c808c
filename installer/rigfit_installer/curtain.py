"""The first frame, drawn by hand: Textual takes a third of a second to import, and nobody should wait before a blank.

It shows what the first screen shows at that moment, in the same place, and Textual draws over it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.plain import ascii_only, is_poor

_ALTERNATE, _HOME, _HIDE = "\x1b[?1049h", "\x1b[H\x1b[2J", "\x1b[?25l"
_BACK, _SHOW = "\x1b[?1049l", "\x1b[?25h"


@contextmanager
def curtain() -> Iterator[None]:
    """Up at once; what fails behind it, before Textual has the terminal, leaves the terminal as it was."""
    _write(_ALTERNATE + _HOME + _HIDE + "\r\n".join(_lines()))
    try:
        yield
    except BaseException:
        _write(_BACK + _SHOW)
        raise


def _lines() -> list[str]:
    stages = (say("Machine"), say("Choose"), say("Plan"), say("Run"), say("Result"))
    trail = "   ".join(f"{'○' if number else '●'} {said(name)}" for number, name in enumerate(stages))
    lines = [f"  rigfit   {trail}", "", f"  {said(say('Looking at this machine ...'))}"]
    return [ascii_only(line) for line in lines] if is_poor(os.environ) else lines


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
