"""What goes into a report of a failure, and what was taken out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rigfit.core.finding import Unknown
from rigfit.core.redaction.placeholder import Kind
from rigfit.core.words import Words, joined, say

REMOVED_WORDS: Mapping[Kind, Words] = {
    "user": say("user names"),
    "host": say("hosts"),
    "address": say("IP addresses"),
    "mac": say("MAC addresses"),
    "email": say("mail addresses"),
    "token": say("tokens"),
    "password": say("passwords"),
    "key": say("keys"),
    "parameter": say("parameters of addresses"),
    "gpu": say("UUIDs of GPUs"),
    "serial": say("serial numbers"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of the archive; `what` says in a clause what it holds."""

    name: str
    what: str
    content: bytes

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "size": len(self.content), "what": self.what}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`removed` counts the different things of each kind; `left_out` is what could not be read, and why."""

    members: tuple[Member, ...]
    removed: Mapping[Kind, int]
    left_out: tuple[Unknown, ...] = ()

    @property
    def removed_words(self) -> Words:
        counted = (
            say("{what}: {count}", what=REMOVED_WORDS[kind], count=count) for kind, count in self.removed.items()
        )
        return joined(", ", counted) if self.removed else say("nothing: there was nothing private in it")

    def to_json(self, file: str | None) -> dict[str, Any]:
        """`file` is None where none was written."""
        return {
            "file": file,
            "contents": [member.to_json() for member in self.members],
            "removed": dict(self.removed),
            "left_out": [each.to_json() for each in self.left_out],
        }
