"""What went wrong, in words a person can act on, and the exit code that says it to programs."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rigfit.core.words import say

DONE, BUG, USAGE, NOTHING_FITS, CATALOG_INVALID, PROVISIONING_FAILED, VERIFICATION_FAILED, DOCTOR_FOUND, STOPPED = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    130,
)

# Every problem code, and the exit code of a command that ends with it.
EXIT_CODES: dict[str, int] = {
    "bug": BUG,
    "usage": USAGE,
    "address_unavailable": USAGE,
    "unknown_template": USAGE,
    "unknown_variant": USAGE,
    "unknown_gpu": USAGE,
    "unknown_model": USAGE,
    "model_invalid": USAGE,
    "unknown_environment": USAGE,
    "no_environment": USAGE,
    "not_confirmed": USAGE,
    "machine_invalid": USAGE,
    "home_invalid": USAGE,
    "file_exists": USAGE,
    "file_not_writable": USAGE,
    "python_invalid": USAGE,
    "machine_is_recorded": USAGE,
    "nothing_fits": NOTHING_FITS,
    "driver_fault": NOTHING_FITS,
    "catalog_invalid": CATALOG_INVALID,
    "lock_invalid": CATALOG_INVALID,
    "lock_stale": CATALOG_INVALID,
    "lock_unsolvable": CATALOG_INVALID,
    "artifact_unavailable": PROVISIONING_FAILED,
    "base_unavailable": PROVISIONING_FAILED,
    "busy": PROVISIONING_FAILED,
    "disk_full": PROVISIONING_FAILED,
    "hash_mismatch": PROVISIONING_FAILED,
    "home_not_writable": PROVISIONING_FAILED,
    "install_failed": PROVISIONING_FAILED,
    "network_unreachable": PROVISIONING_FAILED,
    "environment_unfinished": PROVISIONING_FAILED,
    "environment_unproven": VERIFICATION_FAILED,
    "gpu_hidden": VERIFICATION_FAILED,
    "gpu_unavailable": VERIFICATION_FAILED,
    "verification_failed": VERIFICATION_FAILED,
    "verification_crashed": VERIFICATION_FAILED,
    "stopped": STOPPED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A failure that was foreseen. `code` is a key of EXIT_CODES; `fix` holds steps, the likeliest first."""

    code: str
    what: str
    fix: tuple[str, ...] = ()
    detail: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if self.code not in EXIT_CODES:
            raise ValueError(f"unregistered problem code {self.code!r}")

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.code]

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "what": self.what,
            "fix": list(self.fix),
            "detail": self.detail,
            "source": self.source,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Problem:
        return cls(
            code=value["code"],
            what=value["what"],
            fix=tuple(value["fix"]),
            detail=value["detail"],
            source=value["source"],
        )


class ProblemError(Exception):
    """Carries a Problem from where it was found to the face that shows it; `result` is what there is in spite of it."""

    def __init__(self, problem: Problem, result: dict[str, Any] | None = None) -> None:
        super().__init__(problem.what)
        self.problem = problem
        self.result = result or {}


def help_without_root(steps: Iterable[str]) -> str:
    """For people who may not do what such steps ask for; empty where none of them asks for it."""
    asked = any(re.match(r"(?:[^`]*[:|] )?`?sudo ", step) for step in steps)
    return say("no right to `sudo`? show these lines to whoever runs this machine") if asked else ""


FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
UNWRITABLE = FULL | {errno.EACCES, errno.EPERM, errno.EROFS}


def unwritable(place: str, error: OSError) -> Problem:
    """The problem with a place that refuses to be written."""
    return Problem(
        code="disk_full" if error.errno in FULL else "home_not_writable",
        what=say("cannot write {place}: {reason}", place=place, reason=error.strerror),
        fix=(say("make that folder writable, with space left"), say("or keep everything elsewhere with `--home DIR`")),
    )
