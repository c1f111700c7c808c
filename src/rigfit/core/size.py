"""Bytes and times as people read them."""

from __future__ import annotations

from datetime import datetime, timezone


def human(size: float) -> str:
    """Binary units with one decimal: `1.2 GiB`, `380.0 MiB`, `512 B`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def clock(seconds: float) -> str:
    """`0:07`, `12:30`, `1:02:00`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def minute(time: str) -> str:
    """`2026-11-22 09:30` in UTC; as it is written where it is no time."""
    try:
        return datetime.fromisoformat(time).astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return time
