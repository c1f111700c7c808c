"""An environment as it is found on disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from rigfit.core.receipt import Receipt

Standing = Literal["proven", "failed", "unfinished"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """`proven` has a receipt; `failed` had one until a verification failed; anything else is `unfinished`."""

    name: str
    prefix: str
    standing: Standing
    receipt: Receipt | None = None

    @property
    def usable(self) -> bool:
        return self.standing == "proven"

    def to_json(self) -> dict[str, Any]:
        return {
            "environment": self.name,
            "prefix": self.prefix,
            "standing": self.standing,
            "usable": self.usable,
            "receipt": self.receipt.to_json() if self.receipt else None,
        }
