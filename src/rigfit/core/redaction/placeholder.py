"""What stands where something private stood: the same for the same, so that a reader can still follow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

Kind = Literal["user", "host", "address", "mac", "email", "token", "password", "key", "parameter", "gpu", "serial"]
_SECRETS: Mapping[Kind, Kind] = {
    "token": "password",
    "password": "token",
}  # one that leaked is found by its form or by its name
_PLACEHOLDER = re.compile(r"(?:(?:GPU|MIG)-)?<[a-z]*-?\d*>")


class Placeholders:
    """Remembers what was removed as long as it lives, and writes it nowhere."""

    def __init__(self) -> None:
        self._of: dict[tuple[Kind, str], str] = {}
        self._counts: dict[Kind, int] = {}

    @property
    def counts(self) -> Mapping[Kind, int]:
        """How many different things of each kind were removed."""
        return dict(self._counts)

    def put(self, kind: Kind, value: str) -> str:
        """`<user>` for the first user, `<user-2>` for the second, `<1>` for the first GPU. A placeholder stays as it is."""
        if _PLACEHOLDER.fullmatch(value):
            return value
        other = _SECRETS.get(kind)
        if other and (other, value) in self._of:
            return self._of[other, value]
        if (kind, value) not in self._of:
            number = self._counts[kind] = self._counts.get(kind, 0) + 1
            numbered = f"<{kind}-{number}>" if number > 1 else f"<{kind}>"
            self._of[kind, value] = f"<{number}>" if kind == "gpu" else numbered
        return self._of[kind, value]

    def gpu(self, uuid: str) -> str:
        """A UUID may be cut short, as in CUDA_VISIBLE_DEVICES: it is the GPU whose UUID begins so."""
        known = (
            value for kind, value in self._of if kind == "gpu" and (value.startswith(uuid) or uuid.startswith(value))
        )
        return self.put("gpu", next(known, uuid))
