"""The two faces, dark and light: calm grounds, one accent, and text that keeps its contrast on both."""

from __future__ import annotations

from collections.abc import Mapping

from textual.theme import Theme

DARK = Theme(
    name="rigfit-dark",
    primary="#5fb3b3",
    secondary="#8fa8c8",
    accent="#5fb3b3",
    foreground="#d8dee4",
    background="#14181d",
    surface="#1a2027",
    panel="#222a33",
    success="#8fc07a",
    warning="#e0b25f",
    error="#e07a72",
    dark=True,
    variables={
        "muted": "#93a1ae",
        "border": "#3a4652",
        "footer-key-foreground": "#5fb3b3",
        "block-cursor-text-style": "bold",
    },
)
LIGHT = Theme(
    name="rigfit-light",
    primary="#1d6f73",
    secondary="#3f5f88",
    accent="#1d6f73",
    foreground="#1f262d",
    background="#f7f7f4",
    surface="#efefea",
    panel="#e4e5df",
    success="#3b7a2a",
    warning="#8a5a00",
    error="#b3372f",
    dark=False,
    variables={
        "muted": "#5b6770",
        "border": "#b9bfc2",
        "footer-key-foreground": "#1d6f73",
        "block-cursor-text-style": "bold",
    },
)


def first(environ: Mapping[str, str]) -> str:
    """By the ground that the terminal tells of in COLORFGBG (`0;15`); dark where it tells nothing."""
    ground = environ.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT.name if ground in ("7", "15") else DARK.name
