"""The receipt: its existence means that this environment worked on this machine."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

from rigfit.core.event import Check

Level = Literal["full", "imports"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The result of a verify run; `device` is `cpu` or `cuda:0`."""

    environment: str
    device: str
    level: Level
    versions: dict[str, str]
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Nothing failed, and at level full nothing was left out either."""
        wanted = {"passed"} if self.level == "full" else {"passed", "skipped"}
        return bool(self.checks) and all(check.status in wanted for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "device": self.device,
            "level": self.level,
            "passed": self.passed,
            "versions": self.versions,
            "checks": [check.to_json() for check in self.checks],
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Verification:
        return cls(
            environment=value["environment"],
            device=value["device"],
            level=value["level"],
            versions=value["versions"],
            checks=tuple(Check(**check) for check in value["checks"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was proven, of what, where and when. `base` is `conda` or `local`; `made` and `proven` are ISO times in UTC.

    `gpu` is the UUID of the GPU that it was proven on, None for the CPU or where the driver told none.

    A later `verify` renews `proven`, `machine` and the verification.
    """

    environment: str
    template: str
    variant: str
    lock_sha256: str
    base: Literal["conda", "local"]
    base_python: str
    prefix: str
    made: str
    proven: str
    rigfit: str
    imports: list[str]
    gpu: str | None
    machine: dict[str, Any]
    verification: Verification

    def to_json(self) -> dict[str, Any]:
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "verification"}
        return {"schema": 1, **own, **self.verification.to_json()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Receipt:
        """Read a stored receipt; raises KeyError or TypeError for a file that is not one."""
        own = {each.name: value[each.name] for each in fields(cls) if each.name != "verification"}
        return cls(**own, verification=Verification.from_json(value))
