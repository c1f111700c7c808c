"""Receipts on disk: one JSON file for each proven environment, and what is known of those that are not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from rigfit.core.receipt import Receipt, Unproven
from rigfit.store.files import write_whole
from rigfit.store.paths import Home

_T = TypeVar("_T")


class Receipts:
    """A receipt proves. Where a later verification fails, its record takes the receipt's place as `*.failed.json`.

    `*.unproven.json` is what has been made and was never tried.
    """

    def __init__(self, home: Home) -> None:
        self._folder = home.receipts

    def keep(self, receipt: Receipt) -> None:
        """Write it; whatever was known of the same environment is over."""
        name = receipt.making.environment
        _write(self._proof(name), receipt)
        self._failure(name).unlink(missing_ok=True)
        self._unproven(name).unlink(missing_ok=True)

    def withdraw(self, receipt: Receipt) -> None:
        """Its verification has failed: remember that, and take the proof away."""
        name = receipt.making.environment
        _write(self._failure(name), receipt)
        self._proof(name).unlink(missing_ok=True)
        self._unproven(name).unlink(missing_ok=True)

    def await_proof(self, unproven: Unproven) -> None:
        """Remember what was made, so that it can be proven later."""
        _write(self._unproven(unproven.making.environment), unproven)

    def forget(self, environment: str) -> None:
        """Proof first: an environment is unfinished from that moment on."""
        for path in (self._proof(environment), self._failure(environment), self._unproven(environment)):
            path.unlink(missing_ok=True)

    def proof(self, environment: str) -> Receipt | None:
        return _read(self._proof(environment), Receipt.from_json)

    def failure(self, environment: str) -> Receipt | None:
        return _read(self._failure(environment), Receipt.from_json)

    def unproven(self, environment: str) -> Unproven | None:
        return _read(self._unproven(environment), Unproven.from_json)

    def files(self) -> list[Path]:
        """Each record that there is, of whatever kind. Raises OSError where they may not be looked at."""
        if not self._folder.exists():
            return []
        return sorted(path for path in self._folder.iterdir() if path.suffix == ".json")

    def _proof(self, environment: str) -> Path:
        return self._folder / f"{environment}.json"

    def _failure(self, environment: str) -> Path:
        return self._folder / f"{environment}.failed.json"

    def _unproven(self, environment: str) -> Path:
        return self._folder / f"{environment}.unproven.json"


def _write(path: Path, record: Receipt | Unproven) -> None:
    write_whole(path, json.dumps(record.to_json(), indent=1) + "\n")


def _read(path: Path, parse: Callable[[dict[str, Any]], _T]) -> _T | None:
    """None for no file and for one that is not such a record: what cannot be read proves nothing."""
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
