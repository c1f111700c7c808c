"""What a command line says for every command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rigfit.core.plan import BaseKind
from rigfit.store.paths import Home


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`machine` is a recorded machine to judge instead of this one; `base` forbids the other kind of base."""

    home: Home
    environ: Mapping[str, str]
    catalog: Path | None = None
    machine: Path | None = None
    base: BaseKind | None = None
    offline: bool = False
