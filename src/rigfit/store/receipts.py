"""Receipts on disk: one JSON file for each proven environment."""

from __future__ import annotations

import json
from pathlib import Path

from rigfit.core.receipt import Receipt
from rigfit.store.files import write_whole
from rigfit.store.paths import Home


class Receipts:
    """A receipt proves; when a later verification fails, its record takes the receipt's place as `*.failed.json`."""

    def __init__(self, home: Home) -> None:
        self._folder = home.receipts

    def keep(self, receipt: Receipt) -> None:
        """Write it; an earlier failure of the same environment is over."""
        write_whole(self._proof(receipt.environment), json.dumps(receipt.to_json(), indent=1) + "\n")
        self._failure(receipt.environment).unlink(missing_ok=True)

    def withdraw(self, receipt: Receipt) -> None:
        """Its verification has failed: remember that, and take the proof away."""
        write_whole(self._failure(receipt.environment), json.dumps(receipt.to_json(), indent=1) + "\n")
        self._proof(receipt.environment).unlink(missing_ok=True)

    def forget(self, environment: str) -> None:
        """Proof first: an environment is unfinished from that moment on."""
        self._proof(environment).unlink(missing_ok=True)
        self._failure(environment).unlink(missing_ok=True)

    def proof(self, environment: str) -> Receipt | None:
        return _read(self._proof(environment))

    def failure(self, environment: str) -> Receipt | None:
        return _read(self._failure(environment))

    def _proof(self, environment: str) -> Path:
        return self._folder / f"{environment}.json"

    def _failure(self, environment: str) -> Path:
        return self._folder / f"{environment}.failed.json"


def _read(path: Path) -> Receipt | None:
    """None for no file and for one that is not a receipt: what cannot be read proves nothing."""
    try:
        return Receipt.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
