"""A driver that is new enough, or no device at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rigfit.core.fact import DriverMinimum, Facts, LastDriver
from rigfit.core.machine import Driver, DriverFault, Gpu, Machine
from rigfit.core.verdict import Status, Verdict
from rigfit.core.version import Version
from rigfit.core.words import joined, say


@dataclass(frozen=True, slots=True, kw_only=True)
class NoDevice:
    """A CPU build is for a machine without NVIDIA GPU, or for who asked for it: never a silent downgrade."""

    asked: bool

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        del gpus
        absent = isinstance(machine.driver, DriverFault) and machine.driver.fault == "no_device"
        if self.asked:
            why = say("the CPU variant was asked for")
        elif absent:
            why = say("there is no GPU to leave unused")
        else:
            why = say("a CPU build would leave the GPU unused without a word; `--variant cpu` asks for it")
        verdict = Verdict(
            requirement="driver",
            status="met" if absent or self.asked else "unmet",
            needed=say("no NVIDIA device, or `--variant cpu`"),
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
        fact = self.facts.driver(self.cuda)
        status, why = self._judge(machine, fact, gpus)
        verdict = Verdict(
            requirement="driver",
            status=status,
            needed=self._needed(machine, fact),
            found=_driver_found(machine),
            why=why,
            source=fact.source if fact else "",
        )
        return (verdict,)

    def _needed(self, machine: Machine, fact: DriverMinimum | None) -> str:
        driver = machine.driver
        by_its_word = isinstance(driver, Driver) and driver.cuda is not None and driver.cuda >= self.cuda
        if fact is None or (by_its_word and isinstance(driver, Driver) and driver.version < minimum(machine, fact)):
            return say("a driver for CUDA {cuda}", cuda=self.cuda)
        return _driver_needed(machine, fact)

    def _judge(self, machine: Machine, fact: DriverMinimum | None, gpus: tuple[Gpu, ...]) -> tuple[Status, str]:
        match machine.driver:
            case DriverFault(fault="timeout" | "unknown"):
                return "unknown", say("the driver did not say its version")
            case DriverFault():
                return "unmet", say("code built with CUDA {cuda} runs through the NVIDIA driver", cuda=self.cuda)
            case Driver() as driver:
                if fact is None:
                    return "unknown", say("no fact says which driver CUDA {cuda} needs", cuda=self.cuda)
                return self._judge_driver(driver, minimum(machine, fact), gpus)

    def _judge_driver(self, driver: Driver, least: Version, gpus: tuple[Gpu, ...]) -> tuple[Status, str]:
        """By its own word on CUDA, where that decides: Jetsons number their drivers in another way."""
        reason = say(
            "torch is built with CUDA {cuda}, which runs on drivers from {least} on", cuda=self.cuda, least=least
        )
        if driver.cuda is not None and driver.cuda.major < self.cuda.major:
            here = say("this one supports CUDA {cuda}", cuda=driver.cuda)
            return "unmet", joined(say("; "), [reason, here, *self._too_old(least, gpus)])
        if driver.cuda is not None and driver.cuda >= self.cuda:
            return "met", say(
                "torch is built with CUDA {cuda}, and the driver supports CUDA {supported}",
                cuda=self.cuda,
                supported=driver.cuda,
            )
        if driver.version >= least:
            return "met", reason
        return "unmet", joined(say("; "), [reason, *self._too_old(least, gpus)])

    def _too_old(self, least: Version, gpus: tuple[Gpu, ...]) -> Iterator[str]:
        """That no driver will come which is new enough, where that holds for all of the GPUs."""
        ends = [last_branch(gpu, self.facts) for gpu in gpus]
        if gpus and all(branch is not None and branch < least.major for branch in ends):
            yield say("the last drivers for {gpu} are of the {branch} branch", gpu=gpus[0].label, branch=ends[0])


def minimum(machine: Machine, fact: DriverMinimum) -> Version:
    return fact.windows if machine.platform.wsl else fact.minimum


def last_branch(gpu: Gpu, facts: Facts) -> int | None:
    """The last driver branch that supports the GPU; None if there is none known to be the last."""
    row = last_driver(gpu, facts.last_drivers)
    return None if row is None else row.branch


def last_driver(gpu: Gpu, rows: Iterable[LastDriver]) -> LastDriver | None:
    capability = gpu.compute_capability
    return next((row for row in rows if capability and row.lowest <= capability <= row.highest), None)


def _driver_needed(machine: Machine, fact: DriverMinimum) -> str:
    if machine.platform.wsl:
        return say("Windows driver >= {version}", version=minimum(machine, fact))
    return say("driver >= {version}", version=minimum(machine, fact))


def _driver_found(machine: Machine) -> str:
    match machine.driver:
        case Driver(version=version, cuda=cuda):
            kind = say("Windows driver") if machine.platform.wsl else say("driver")
            if cuda is None:
                return say("{kind} {version}", kind=kind, version=version)
            return say("{kind} {version}, driver CUDA {cuda}", kind=kind, version=version, cuda=cuda)
        case DriverFault(fault="no_device"):
            return say("no NVIDIA device")
        case DriverFault(fault=fault):
            return say("no driver that answers ({fault})", fault=fault)
