"""What a command line says for every command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rigfit.store.paths import Home, find_home

if TYPE_CHECKING:
    from rigfit.core.plan import BaseKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`machine` is a recorded machine to judge instead of this one; `base` forbids the other kind of base.

    `root` is where /proc, /sys and /dev are looked for.
    """

    home: Home
    environ: Mapping[str, str]
    catalog: Path | None = None
    machine: Path | None = None
    base: BaseKind | None = None
    offline: bool = False
    root: Path = Path("/")

    @property
    def named_home(self) -> str | None:
        """The home where a command has to name it; None for the one that it finds by itself."""
        return None if self.home == find_home(None, self.environ) else str(self.home.path)
