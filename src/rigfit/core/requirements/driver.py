"""A driver that is new enough, or no device at all, and a GPU that programs may use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rigfit.core.fact import DriverMinimum, Facts
from rigfit.core.machine import Driver, DriverFault, Gpu, Machine
from rigfit.core.verdict import Status, Verdict
from rigfit.core.version import Version

_VIRTUAL = re.compile(r"-\d+([A-Z])$")  # a vGPU's type is named after the card, its memory in GB, and the series


@dataclass(frozen=True, slots=True, kw_only=True)
class NoDevice:
    """A CPU build is for a machine without NVIDIA GPU, or for who asked for it: never a silent downgrade."""

    asked: bool

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        del gpus
        absent = isinstance(machine.driver, DriverFault) and machine.driver.fault == "no_device"
        if self.asked:
            why = "the CPU variant was asked for"
        elif absent:
            why = "there is no GPU to leave unused"
        else:
            why = "a CPU build would leave the GPU unused without a word; `--variant cpu` asks for it"
        verdict = Verdict(
            requirement="driver",
            status="met" if absent or self.asked else "unmet",
            needed="no NVIDIA device, or `--variant cpu`",
            found=_driver_found(machine),
            why=why,
        )
        return (verdict,)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEnoughDriver:
    """On WSL2 the driver is the one of Windows, whose versions are others."""

    cuda: Version
    facts: Facts

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        fact = next((row for row in self.facts.drivers if row.cuda == self.cuda), None)
        status, why = self._judge(machine, fact, gpus)
        verdict = Verdict(
            requirement="driver",
            status=status,
            needed=_driver_needed(machine, fact) if fact else f"a driver for CUDA {self.cuda}",
            found=_driver_found(machine),
            why=why,
            source=fact.source if fact else "",
        )
        return (verdict,)

    def _judge(self, machine: Machine, fact: DriverMinimum | None, gpus: tuple[Gpu, ...]) -> tuple[Status, str]:
        match machine.driver:
            case DriverFault(fault="timeout" | "unknown"):
                return "unknown", "the driver did not say its version"
            case DriverFault():
                return "unmet", f"code built with CUDA {self.cuda} runs through the NVIDIA driver"
            case Driver() as driver:
                if fact is None:
                    return "unknown", f"no fact says which driver CUDA {self.cuda} needs"
                return self._judge_driver(driver, minimum(machine, fact), gpus)

    def _judge_driver(self, driver: Driver, least: Version, gpus: tuple[Gpu, ...]) -> tuple[Status, str]:
        """By its own word on CUDA, where that decides: Jetsons number their drivers in another way."""
        reason = f"torch is built with CUDA {self.cuda}, which runs on drivers from {least} on"
        if driver.cuda is not None and driver.cuda.parts[0] < self.cuda.parts[0]:
            return "unmet", "; ".join([f"{reason}; this one supports CUDA {driver.cuda}", *self._too_old(least, gpus)])
        if driver.cuda is not None and driver.cuda >= self.cuda:
            return "met", f"torch is built with CUDA {self.cuda}, and the driver supports CUDA {driver.cuda}"
        if driver.version >= least:
            return "met", reason
        return "unmet", "; ".join([reason, *self._too_old(least, gpus)])

    def _too_old(self, least: Version, gpus: tuple[Gpu, ...]) -> Iterator[str]:
        for gpu in gpus:
            branch = last_branch(gpu, self.facts)
            if branch is not None and branch < least.parts[0]:
                yield f"the last drivers for {gpu.label} are of the {branch} branch"
                return


def minimum(machine: Machine, fact: DriverMinimum) -> Version:
    return fact.windows if machine.platform.wsl else fact.minimum


def last_branch(gpu: Gpu, facts: Facts) -> int | None:
    """The last driver branch that supports the GPU; None if there is none known to be the last."""
    capability = gpu.compute_capability
    rows = (row for row in facts.last_drivers if capability and row.lowest <= capability <= row.highest)
    return next((row.branch for row in rows), None)


def _driver_needed(machine: Machine, fact: DriverMinimum) -> str:
    return f"{'Windows ' if machine.platform.wsl else ''}driver >= {minimum(machine, fact)}"


def _driver_found(machine: Machine) -> str:
    match machine.driver:
        case Driver(version=version):
            return f"{'Windows ' if machine.platform.wsl else ''}driver {version}"
        case DriverFault(fault="no_device"):
            return "no NVIDIA device"
        case DriverFault(fault=fault):
            return f"no driver that answers ({fault})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usable:
    """Says a word only of a GPU that no program may use."""

    facts: Facts

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        del machine
        return tuple(verdict for gpu in gpus for verdict in self._of(gpu))

    def _of(self, gpu: Gpu) -> Iterator[Verdict]:
        series = _VIRTUAL.search(gpu.name or "")
        if gpu.compute_mode == "prohibited":
            needed, found = "a compute mode that lets programs use the GPU", "compute mode prohibited"
            yield _unusable(gpu, needed, found, f"`sudo nvidia-smi -i {gpu.index} -c DEFAULT` lets them")
        if gpu.mig and gpu.slices == ():
            needed, found = "a MIG instance to run on", "MIG on and no instance made"
            yield _unusable(gpu, needed, found, f"`sudo nvidia-smi mig -i {gpu.index} -cgi 0 -C` makes one of the GPU")
        if series and series[1] in self.facts.virtual_series.without_cuda:
            needed, found = "a vGPU of a series with CUDA, C or Q", f"the series {series[1]}"
            why = "whoever runs the host gives it another type"
            yield _unusable(gpu, needed, found, why, self.facts.virtual_series.source)


def _unusable(gpu: Gpu, needed: str, found: str, why: str, source: str = "") -> Verdict:
    return Verdict(
        requirement="driver",
        status="unmet",
        needed=needed,
        found=f"{gpu.label} with {found}",
        why=why,
        source=source,
        gpu=gpu.index,
    )
