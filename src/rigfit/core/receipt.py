"""The receipt: its existence means that this environment worked on this machine."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

from rigfit.core.event import Check
from rigfit.core.template import Quantization

Level = Literal["full", "imports"]
_FIRST = "int8"  # what an earlier rigfit proved, whose receipts do not say


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The result of a verify run; `device` is `cpu` or `cuda:0`."""

    environment: str
    device: str
    quantization: Quantization
    level: Level
    versions: dict[str, str]
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Nothing failed, and at level full nothing was left out either."""
        wanted = {"passed"} if self.level == "full" else {"passed", "skipped"}
        return bool(self.checks) and all(check.status in wanted for check in self.checks)

    @property
    def proves(self) -> bool:
        """Whether a receipt may rest on it."""
        return self.passed and self.level == "full"

    def to_json(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "device": self.device,
            "quantization": self.quantization,
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
            quantization=value.get("quantization", _FIRST),
            level=value["level"],
            versions=value["versions"],
            checks=tuple(Check(**check) for check in value["checks"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What was made of what, where and when, and how it is to be proven. `base` is `conda` or `local`; `made` ISO, UTC.

    `gpu` is the UUID of the GPU for `cuda:0`, None for the CPU or where the driver told none.
    """

    environment: str
    template: str
    variant: str
    lock_sha256: str
    base: Literal["conda", "local"]
    base_python: str
    prefix: str
    made: str
    rigfit: str
    imports: list[str]
    device: str
    gpu: str | None
    quantization: Quantization

    def to_json(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Making:
        """Raises KeyError or TypeError for what is not one."""
        known = {"quantization": _FIRST, **value}
        return cls(**{each.name: known[each.name] for each in fields(cls)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Unproven:
    """An environment that was made and not tried, perhaps for another machine than the one that made it."""

    making: Making
    machine: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {"schema": 1, "standing": "unproven", **self.making.to_json(), "machine": self.machine}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Unproven:
        """Read a stored record; raises KeyError or TypeError for a file that is not one."""
        return cls(making=Making.from_json(value), machine=value["machine"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was made, and that it worked on `machine` at the time `proven`, ISO and UTC.

    A later `verify` renews `proven`, `machine` and the verification.
    """

    making: Making
    proven: str
    machine: dict[str, Any]
    verification: Verification

    def to_json(self) -> dict[str, Any]:
        when = {"proven": self.proven, "machine": self.machine}
        return {"schema": 1, **self.making.to_json(), **when, **self.verification.to_json()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Receipt:
        """Read a stored receipt; raises KeyError or TypeError for a file that is not one."""
        return cls(
            making=Making.from_json(value),
            proven=value["proven"],
            machine=value["machine"],
            verification=Verification.from_json(value),
        )
