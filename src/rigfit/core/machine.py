"""The machine as seen: platform, driver or the driver's fault, and the GPUs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from rigfit.core.glance import Glance
from rigfit.core.version import Capability, Version
from rigfit.core.words import say

Fault = Literal[
    "no_device",
    "no_driver",
    "not_loaded",
    "version_mismatch",
    "no_permission",
    "no_library",
    "timeout",
    "unknown",
]
FAULTS: tuple[Fault, ...] = get_args(Fault)

# What a fault comes down to, where that is known; the doctor's findings have these as their codes.
FaultCause = Literal[
    "container_driver_mismatch",
    "container_lost_gpu",
    "container_without_capability",
    "container_without_gpu",
    "cuda_override",
    "device_files_missing",
    "driver_crashed",
    "driver_too_old",
    "driver_upgraded",
    "gpu_lost",
    "gpu_not_served",
    "gpu_reserved",
    "jetson",
    "library_missing",
    "library_not_loadable",
    "library_stub",
    "module_not_built",
    "nouveau",
    "nvml_binding",
    "pci_unreadable",
    "secure_boot",
    "user_denied",
    "wsl_driver_silent",
    "wsl_without_library",
]
FAULT_CAUSES: tuple[FaultCause, ...] = get_args(FaultCause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """The operating system; `glibc` is None on a system without it, `container` is the kind (`docker`) or None."""

    os: str
    arch: str
    glibc: Version | None
    kernel: str | None = None
    wsl: bool = False
    container: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """A driver that answers. `cuda` is the newest CUDA it supports, None where it did not say."""

    version: Version
    cuda: Version | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverFault:
    """Why no driver answers. `what` is a sentence, `fix` the steps that mend it, the likeliest first.

    `cause` tells it more exactly than `fault`, where that is known.
    """

    fault: Fault
    what: str
    fix: tuple[str, ...] = ()
    module_version: Version | None = None
    library_version: Version | None = None
    cause: FaultCause | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A MIG instance of a GPU, which CUDA sees as a device of its own. Memory in bytes."""

    uuid: str | None = None
    name: str | None = None
    memory_total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One NVIDIA GPU. Memory in bytes; None is a field that could not be read, never a guess.

    `slices` is empty where MIG is on and no instance has been made: such a GPU runs nothing. None: no MIG, or not read.
    """

    index: int
    name: str | None = None
    uuid: str | None = None
    compute_capability: Capability | None = None
    memory_total: int | None = None
    memory_free: int | None = None
    mig: bool | None = None
    pci: str | None = None
    compute_mode: str | None = None
    slices: tuple[Slice, ...] | None = None

    @property
    def label(self) -> str:
        return self.name or say("a GPU of unknown name")

    @property
    def largest_slice(self) -> Slice | None:
        return max(self.slices or (), key=lambda part: part.memory_total or 0, default=None)

    @property
    def target(self) -> str | None:
        """The UUID by which CUDA is told to use it: of a GPU cut into MIG instances that of the largest."""
        largest = self.largest_slice
        return largest.uuid if largest else self.uuid

    @property
    def memory_for_one(self) -> int | None:
        """The bytes that a program gets: of a GPU cut into MIG instances those of the largest."""
        if not self.mig:
            return self.memory_total
        largest = self.largest_slice
        return largest.memory_total if largest else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What `detect` reports and `--machine` reads. Sizes in bytes."""

    platform: Platform
    driver: Driver | DriverFault
    gpus: tuple[Gpu, ...] = ()
    memory_total: int | None = None
    disk_free: int | None = None
    cache_disk_free: int | None = None

    @property
    def glance(self) -> Glance:
        """What a glance at it would tell. A GPU without UUID leaves all of them untold."""
        parts = [part.uuid for gpu in self.gpus for part in gpu.slices or ()]
        every = [*(gpu.uuid for gpu in self.gpus), *parts]
        known = tuple(uuid for uuid in every if uuid is not None)
        match self.driver:
            case Driver(version=version):
                gpus = known if len(known) == len(every) else None
                return Glance(driver=version, gpus=gpus, glibc=self.platform.glibc)
            case DriverFault():
                return Glance(glibc=self.platform.glibc)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": 1,
            "platform": {**asdict(self.platform), "glibc": _text(self.platform.glibc)},
            "driver": _driver_json(self.driver),
            "gpus": [_gpu_json(gpu) for gpu in self.gpus],
            "memory_total": self.memory_total,
            "disk_free": self.disk_free,
            "cache_disk_free": self.cache_disk_free,
        }


def _text(value: Version | Capability | None) -> str | None:
    return None if value is None else str(value)


def _gpu_json(gpu: Gpu) -> dict[str, Any]:
    slices = None if gpu.slices is None else [asdict(each) for each in gpu.slices]
    return {**asdict(gpu), "compute_capability": _text(gpu.compute_capability), "slices": slices}


def _driver_json(driver: Driver | DriverFault) -> dict[str, Any]:
    match driver:
        case Driver():
            return {"version": str(driver.version), "cuda": _text(driver.cuda)}
        case DriverFault():
            said = {"fault": driver.fault, "what": driver.what, "fix": list(driver.fix)}
            known = {
                "cause": driver.cause,
                "module_version": _text(driver.module_version),
                "library_version": _text(driver.library_version),
            }
            return said | {name: text for name, text in known.items() if text is not None}
