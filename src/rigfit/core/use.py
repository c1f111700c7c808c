"""How a GPU is used at this moment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """`busy` in percent of time, memory in bytes; None is what the driver does not tell."""

    index: int
    busy: int | None = None
    celsius: int | None = None
    memory_free: int | None = None
