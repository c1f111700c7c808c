"""What a moment's look at a machine tells of what a proof depends on."""

from __future__ import annotations

from dataclasses import dataclass

from rigfit.core.version import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """None is what it does not tell; `gpus` are UUIDs."""

    driver: Version | None = None
    gpus: tuple[str, ...] | None = None
    glibc: Version | None = None
