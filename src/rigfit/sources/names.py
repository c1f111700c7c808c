"""Names as tools spell them."""

from __future__ import annotations

import re


def plain(name: str) -> str:
    """`Rouge_Score` and `rouge.score` are `rouge-score`, as the package index has it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def minor(python: str) -> str:
    """3.11 of `3.11.15`: what wheels and folders depend on."""
    return ".".join(python.split(".")[:2])
