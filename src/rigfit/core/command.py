"""Our own commands in a text, so that they find the home that the text speaks of."""

from __future__ import annotations

import re
import shlex

_OURS = re.compile(r"\brigfit (setup|verify|repair|remove|run|shell-hook|list|plan|select)\b(?![^`]*--home)")


def at_home(text: str, home: str | None) -> str:
    """`rigfit run --home DIR NAME` of `rigfit run NAME`; as it is where `home` is the one that is found by itself."""
    return text if home is None else _OURS.sub(lambda found: f"{found[0]} --home {shlex.quote(home)}", text)
