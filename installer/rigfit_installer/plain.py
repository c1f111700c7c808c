"""Poor terminals: which they are, and what they see in the place of each sign that is not ASCII."""

from __future__ import annotations

from collections.abc import Mapping

_POOR_TERMINALS = ("linux", "vt100", "vt102", "vt220", "ansi", "cons25", "unknown")
_WIDE = 0x1100  # Korean, Chinese and Japanese begin here: whoever chose such a language can read it
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("✓", "+"),
        **dict.fromkeys("✗", "x"),
        **dict.fromkeys("★●•◆", "*"),
        **dict.fromkeys("○", "o"),
        **dict.fromkeys("▸▶→", ">"),
        **dict.fromkeys("·…", "."),
        **dict.fromkeys("─━╌╍═▔▁▂▃▄▀╴╸╺", "-"),
        **dict.fromkeys("│┃║▌▐▏▕▎▍▊▋▉", "|"),
        **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼┏┓┗┛╔╗╚╝", "+"),
        **dict.fromkeys("█▇▆▅", "#"),
        **dict.fromkeys("░▒▓", "."),
        **dict.fromkeys("▼▾↓", "v"),
        **dict.fromkeys("▲▴↑", "^"),
    },
)


def ascii_only(text: str) -> str:
    """`text` with stand-ins of the same width; what has none becomes `?`."""
    if text.isascii():
        return text
    known = text.translate(_SIGNS)
    return "".join(sign if sign.isascii() or (ord(sign) >= _WIDE and not _drawn(sign)) else "?" for sign in known)


def _drawn(sign: str) -> bool:
    """Arrows, boxes, pictures: no letters of any language."""
    return 0x2000 <= ord(sign) <= 0x2BFF or ord(sign) >= 0x1F000


def is_poor(environ: Mapping[str, str]) -> bool:
    """Whether the terminal cannot be trusted with more than ASCII; RIGFIT_ASCII decides where it is set."""
    asked = environ.get("RIGFIT_ASCII")
    if asked:
        return asked != "0"
    return environ.get("TERM", "") in _POOR_TERMINALS or not _speaks_utf8(environ)


def _speaks_utf8(environ: Mapping[str, str]) -> bool:
    named = next((environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), "C.UTF-8")
    return named.lower().replace("-", "").partition("@")[0].endswith("utf8")
