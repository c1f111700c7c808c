"""The receipt: its existence means that this environment worked on this machine."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from rigfit.core.event import Check
from rigfit.core.proof import EXTRAS, Level
from rigfit.core.template import Quantization
from rigfit.core.words import say

_FIRST = "int8"  # what an earlier rigfit proved, whose receipts do not say


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The result of a verify run; `device` is `cpu` or `cuda:0`, and `gpu_used` the index, name and UUID of the latter.

    `notes` is what is worth knowing of that GPU; `peak_memory` what torch held of its memory at most, in bytes.
    """

    environment: str
    device: str
    quantization: Quantization
    level: Level
    versions: dict[str, str]
    checks: tuple[Check, ...]
    gpu_used: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()
    peak_memory: int | None = None

    @property
    def passed(self) -> bool:
        """Nothing failed, and above level imports nothing but an extra was left out either."""
        return bool(self.checks) and all(
            check.status == "passed" or (check.status == "skipped" and (self.level == "imports" or check.id in EXTRAS))
            for check in self.checks
        )

    @property
    def place(self) -> str:
        """`cuda:0` is what the process saw; people know the GPU by its number in the machine."""
        if self.gpu_used is None:
            return self.device
        name = self.gpu_used["name"] or say("unknown name")
        return say("GPU {index} ({gpu})", index=self.gpu_used["index"], gpu=name)

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
            "gpu_used": self.gpu_used,
            "notes": list(self.notes),
            "peak_memory": self.peak_memory,
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
            gpu_used=value.get("gpu_used"),
            notes=tuple(value.get("notes", ())),
            peak_memory=value.get("peak_memory"),
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
class Other:
    """The same on a further GPU of the same machine, at a time of its own."""

    proven: str
    verification: Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was made, and that it worked on `machine` at the time `proven`, ISO and UTC.

    A later `verify` renews `proven`, `machine` and the verification. `others` passed on further GPUs of the same machine.
    """

    making: Making
    proven: str
    machine: dict[str, Any]
    verification: Verification
    others: tuple[Other, ...] = ()

    def to_json(self) -> dict[str, Any]:
        when = {"proven": self.proven, "machine": self.machine}
        others = [{"proven": other.proven, **other.verification.to_json()} for other in self.others]
        # Where both have a key it is the making's: what failed to import on a CPU may be built for a GPU all the same.
        return {"schema": 1, **self.verification.to_json(), **self.making.to_json(), **when, "others": others}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Receipt:
        """Read a stored receipt; raises KeyError or TypeError for a file that is not one."""
        return cls(
            making=Making.from_json(value),
            proven=value["proven"],
            machine=value["machine"],
            verification=Verification.from_json(value),
            others=tuple(
                Other(proven=other["proven"], verification=Verification.from_json(other))
                for other in value.get("others", ())
            ),
        )

    @property
    def alone(self) -> tuple[Receipt, ...]:
        """One for each GPU, with none noted in another."""
        own = Other(proven=self.proven, verification=self.verification)
        return tuple(self._of(each) for each in (own, *self.others))

    def _of(self, other: Other) -> Receipt:
        done = other.verification
        uuid = done.gpu_used["uuid"] if done.gpu_used else self.making.gpu
        making = replace(self.making, gpu=uuid, device=done.device, quantization=done.quantization)
        return replace(self, making=making, proven=other.proven, verification=done, others=())

    @property
    def gpu_key(self) -> object:
        """What tells its GPU from the others: the UUID, or the index where the driver gave none."""
        used = self.verification.gpu_used
        return self.making.gpu or (used and used["index"])


def renewed(before: Receipt | None, tried: Receipt) -> Receipt | None:
    """`before` with what was tried since: a GPU that passed is in it, one that failed is not, and the rest stays.

    The rest does not stay beside a new proof where it has left the machine, or where driver or glibc were others. None where
    nothing is left. The first one is the receipt's own, and the others are noted in it.
    """
    standing = {each.gpu_key: each for each in (before.alone if before else ())}
    if tried.verification.proves:
        here = {key: each for key, each in standing.items() if _holds_on(tried.machine, each)}
        standing = here | {tried.gpu_key: tried}
    elif not tried.verification.passed:
        standing.pop(tried.gpu_key, None)
    if not standing:
        return None
    first, *others = standing.values()
    noted = tuple(Other(proven=other.proven, verification=other.verification) for other in others)
    return replace(first, others=noted)


def _holds_on(machine: dict[str, Any], proof: Receipt) -> bool:
    gpus = machine.get("gpus", ())
    uuids = {part["uuid"] for gpu in gpus for part in (gpu, *(gpu.get("slices") or ()))}
    return proof.making.gpu in uuids and _matters(proof.machine) == _matters(machine)


def _matters(machine: dict[str, Any]) -> tuple[Any, ...]:
    return machine.get("driver"), machine.get("platform", {}).get("glibc")
