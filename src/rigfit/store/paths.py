"""Where rigfit keeps things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """The folder that holds everything but caches: `envs`, `receipts`, `runs`, `locks`."""

    path: Path

    @property
    def environments(self) -> Path:
        return self.path / "envs"

    @property
    def receipts(self) -> Path:
        return self.path / "receipts"

    @property
    def runs(self) -> Path:
        return self.path / "runs"

    def prefix(self, environment: str) -> Path:
        return self.environments / environment


def find_home(asked: str | None, environ: Mapping[str, str]) -> Home:
    """`--home`, else RIGFIT_HOME, else the platform's folder for user data."""
    named = asked or environ.get("RIGFIT_HOME")
    if named:
        return Home(Path(named).expanduser().absolute())
    from platformdirs import user_data_path

    return Home(user_data_path("rigfit"))
