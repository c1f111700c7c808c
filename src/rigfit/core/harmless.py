"""Text without the signs that command a terminal: nobody's words move its cursor, set its title or fill its clipboard."""

from __future__ import annotations

import re

# ECMA-48: a control sequence; a string (OSC, DCS, SOS, PM, APC) up to its end; any other escape; what is left over.
_COMMANDS = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]"
)
_SIGNS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def harmless(text: str) -> str:
    """Tabs and line ends stay."""
    return unsigned(_COMMANDS.sub("", text))


def unsigned(text: str) -> str:
    """Without the control characters alone: as wide as before, since they have no width."""
    return _SIGNS.sub("", text)
