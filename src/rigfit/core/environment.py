"""An environment as it is found on disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from rigfit.core.receipt import Making, Receipt, Unproven

Standing = Literal["proven", "unproven", "failed", "unfinished"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """`proven` has a receipt; `failed` had one until a verification failed.

    `unproven` was made and never tried; anything else is `unfinished`, and has no record.
    """

    name: str
    prefix: str
    standing: Standing
    record: Receipt | Unproven | None = None

    @property
    def usable(self) -> bool:
        return self.standing == "proven"

    @property
    def receipt(self) -> Receipt | None:
        return self.record if isinstance(self.record, Receipt) else None

    @property
    def making(self) -> Making | None:
        return self.record.making if self.record else None

    def to_json(self) -> dict[str, Any]:
        return {
            "environment": self.name,
            "prefix": self.prefix,
            "standing": self.standing,
            "usable": self.usable,
            "receipt": self.receipt.to_json() if self.receipt else None,
            "made": self.making.to_json() if self.making else None,
        }
