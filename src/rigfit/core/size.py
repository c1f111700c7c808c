"""Bytes as people read them."""

from __future__ import annotations


def human(size: float) -> str:
    """Binary units with one decimal: `1.2 GiB`, `380.0 MiB`, `512 B`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
