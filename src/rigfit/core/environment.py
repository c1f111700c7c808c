"""An environment as it is found on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rigfit.core.change import Change
from rigfit.core.receipt import Making, Receipt, Unproven
from rigfit.core.words import Words, say

Standing = Literal["proven", "unproven", "failed", "unfinished"]
STANDING_WORDS: Mapping[Standing, Words] = {
    "proven": say("proven"),
    "unproven": say("unproven: not usable"),
    "failed": say("failed: not usable"),
    "unfinished": say("unfinished: not usable"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """`proven` has a receipt; `failed` had one until a verification failed.

    `unproven` was made and never tried; anything else is `unfinished`, and has no record.
    `since_proof` is what has changed since the proof: None where there is no proof, or it could not be told.
    """

    name: str
    prefix: str
    standing: Standing
    record: Receipt | Unproven | None = None
    since_proof: tuple[Change, ...] | None = None

    @property
    def usable(self) -> bool:
        return self.standing == "proven"

    @property
    def receipt(self) -> Receipt | None:
        return self.record if isinstance(self.record, Receipt) else None

    @property
    def making(self) -> Making | None:
        return self.record.making if self.record else None

    @property
    def renewal(self) -> str:
        """The command that proves it on what is here now: a GPU that is gone cannot be asked again."""
        gone = any(change.what == "gpu" for change in self.since_proof or ())
        return f"rigfit setup {self.making.template}" if gone and self.making else f"rigfit verify {self.name}"

    def to_json(self) -> dict[str, Any]:
        changes = self.since_proof
        return {
            "environment": self.name,
            "prefix": self.prefix,
            "standing": self.standing,
            "usable": self.usable,
            "receipt": self.receipt.to_json() if self.receipt else None,
            "made": self.making.to_json() if self.making else None,
            "since_proof": None if changes is None else [change.to_json() for change in changes],
        }
