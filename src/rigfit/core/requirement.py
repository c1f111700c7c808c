"""What a variant needs of a machine, derived from its locked versions and the facts, and the verdict on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from packaging.version import Version as PackageVersion

from rigfit.core.fact import DriverMinimum, Facts, GpuMemory, Int8Support, TorchBuild, cubin_covers, ptx_covers
from rigfit.core.machine import Driver, DriverFault, Gpu, Machine
from rigfit.core.size import human
from rigfit.core.template import Variant
from rigfit.core.verdict import Status, Verdict
from rigfit.core.version import Version

_ARCHES = {"linux-64": ("linux", "x86_64"), "linux-aarch64": ("linux", "aarch64")}


class Requirement(Protocol):
    """Unknown is never met: a field that could not be read gives `unknown`."""

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        """Judge the machine, or each of the selected `gpus`; one verdict for each."""
        ...


def platform_name(machine: Machine) -> str | None:
    """The conda name of the machine's platform, None for one that no template is made for."""
    here = (machine.platform.os, machine.platform.arch)
    return next((name for name, pair in _ARCHES.items() if pair == here), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnPlatform:
    platforms: tuple[str, ...]

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        del gpus
        met = platform_name(machine) in self.platforms
        verdict = Verdict(
            requirement="platform",
            status="met" if met else "unmet",
            needed=" or ".join(self.platforms),
            found=f"{machine.platform.os} {machine.platform.arch}",
            why="the lock is made for this platform" if met else "its wheels are built for other platforms only",
        )
        return (verdict,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Glibc:
    """`least` comes from the manylinux tags of the locked wheels."""

    least: Version
    because: str

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        del gpus
        found = machine.platform.glibc
        status: Status = "unknown" if found is None else "met" if found >= self.least else "unmet"
        verdict = Verdict(
            requirement="glibc",
            status=status,
            needed=f"glibc >= {self.least}",
            found="none that could be read" if found is None else f"glibc {found}",
            why=f"{self.because} is built against that version",
            source="the wheel's manylinux tag",
        )
        return (verdict,)


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
    cuda: Version
    fact: DriverMinimum | None

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        del gpus
        status, why = self._judge(machine)
        fact = self.fact
        verdict = Verdict(
            requirement="driver",
            status=status,
            needed=f"driver >= {fact.minimum}" if fact else f"a driver for CUDA {self.cuda}",
            found=_driver_found(machine),
            why=why,
            source=fact.source if fact else "",
        )
        return (verdict,)

    def _judge(self, machine: Machine) -> tuple[Status, str]:
        match machine.driver:
            case DriverFault(fault="timeout" | "unknown"):
                return "unknown", "the driver did not say its version"
            case DriverFault():
                return "unmet", f"code built with CUDA {self.cuda} runs through the NVIDIA driver"
            case Driver(version=version):
                if self.fact is None:
                    return "unknown", f"no fact says which driver CUDA {self.cuda} needs"
                enough = version >= self.fact.minimum
                reason = f"torch is built with CUDA {self.cuda}, which runs on drivers from {self.fact.minimum} on"
                return ("met" if enough else "unmet"), reason


def _driver_found(machine: Machine) -> str:
    match machine.driver:
        case Driver(version=version):
            return f"driver {version}"
        case DriverFault(fault="no_device"):
            return "no NVIDIA device"
        case DriverFault(fault=fault):
            return f"no driver that answers ({fault})"


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuCode:
    """`builds` are what the facts know of the locked torch, one for each architecture."""

    torch: str
    builds: tuple[TorchBuild, ...]
    driver: DriverMinimum | None

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        build = next((each for each in self.builds if each.arch == machine.platform.arch), None)
        return tuple(self._of(gpu, machine, build) for gpu in gpus)

    def _of(self, gpu: Gpu, machine: Machine, build: TorchBuild | None) -> Verdict:
        status, why = self._judge(gpu, machine, build)
        codes = ", ".join(str(code) for code in build.cubins) if build else "the capability of the GPU"
        return Verdict(
            requirement="gpu_code",
            status=status,
            needed=f"code for its GPU, which torch {self.torch} has for {codes}",
            found=_capability_found(gpu),
            why=why,
            source=build.source if build else "",
            gpu=gpu.index,
        )

    def _judge(self, gpu: Gpu, machine: Machine, build: TorchBuild | None) -> tuple[Status, str]:
        capability = gpu.compute_capability
        if capability is None:
            return "unknown", "the GPU did not tell its compute capability"
        if build is None:
            return "unknown", f"no fact says which GPUs torch {self.torch} has code for"
        if any(cubin_covers(code, capability) for code in build.cubins):
            return "met", "code for a major version runs on the same and every later minor version"
        if any(ptx_covers(code, capability) for code in build.ptx):
            return self._by_ptx(machine)
        return "unmet", f"torch {self.torch} has no code for compute capability {capability}"

    def _by_ptx(self, machine: Machine) -> tuple[Status, str]:
        if not isinstance(machine.driver, Driver) or self.driver is None:
            return "unknown", "its PTX must be compiled by the driver, which is not known"
        if machine.driver.version >= self.driver.toolkit:
            return "met", "the driver compiles its PTX for this GPU"
        return "unmet", f"its PTX can be compiled by drivers from {self.driver.toolkit} on only"


def _capability_found(gpu: Gpu) -> str:
    capability = gpu.compute_capability
    return f"{gpu.label} of compute capability {'unknown' if capability is None else capability}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EightBit:
    """Whether the locked bitsandbytes multiplies in 8 bits on the GPU."""

    bitsandbytes: str
    support: tuple[Int8Support, ...]

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        del machine
        return tuple(self._of(gpu) for gpu in gpus)

    def _of(self, gpu: Gpu) -> Verdict:
        capability = gpu.compute_capability
        row = next((r for r in self.support if capability and r.lowest <= capability <= r.highest), None)
        ranges = ", ".join(f"{r.lowest} to {r.highest}" for r in self.support) or "no known capability"
        if capability is None:
            status: Status = "unknown"
            why = "the GPU did not tell its compute capability"
        elif not self.support:
            status, why = "unknown", f"no fact says what bitsandbytes {self.bitsandbytes} can do"
        else:
            status = "met" if row else "unmet"
            why = f"8-bit is {row.speed} there" if row else f"there are no 8-bit kernels for {capability} in it"
        return Verdict(
            requirement="quantization",
            status=status,
            needed=f"8-bit kernels for its GPU, which bitsandbytes {self.bitsandbytes} has for {ranges}",
            found=_capability_found(gpu),
            why=why,
            source=(row or self.support[0]).source if self.support else "",
            gpu=gpu.index,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EightBitOnCpu:
    bitsandbytes: str
    right: bool
    needed: PackageVersion
    source: str

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        del machine, gpus
        verdict = Verdict(
            requirement="quantization",
            status="met" if self.right else "unmet",
            needed=f"bitsandbytes >= {self.needed} for right 8-bit numbers on a CPU",
            found=f"bitsandbytes {self.bitsandbytes}",
            why="8-bit on a CPU is slow, and right from that version on",
            source=self.source,
        )
        return (verdict,)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnoughGpuMemory:
    fact: GpuMemory

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        del machine
        return tuple(self._of(gpu) for gpu in gpus)

    def _of(self, gpu: Gpu) -> Verdict:
        total = gpu.memory_total
        return Verdict(
            requirement="memory",
            status="unknown" if total is None else "met" if total >= self.fact.least else "unmet",
            needed=f"{human(self.fact.least)} of GPU memory",
            found=f"{gpu.label} with {'an unknown amount' if total is None else human(total)}",
            why=self.fact.why,
            source=self.fact.source,
            gpu=gpu.index,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EnoughDisk:
    """Bytes for the environment, unless it is `there` already; the plan looks at the cache, too."""

    least: int
    there: bool

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        del gpus
        free = machine.disk_free
        status: Status = "unknown" if free is None else "met" if free >= self.least else "unmet"
        verdict = Verdict(
            requirement="disk",
            status="met" if self.there else status,
            needed=f"{human(self.least)} free where environments are kept",
            found="free space unknown" if free is None else f"{human(free)} free",
            why="it stands already" if self.there else "the unpacked files take that much",
            source="the sizes beside the lock",
        )
        return (verdict,)


def requirements_of(variant: Variant, facts: Facts, *, asked: bool, there: bool) -> tuple[Requirement, ...]:
    """Everything `variant` needs, best understood in this order.

    `asked` says that this variant was named, `there` that its environment stands already.
    """
    torch = variant.versions["torch"]
    bitsandbytes = variant.versions["bitsandbytes"]
    general: tuple[Requirement, ...] = (
        OnPlatform(platforms=variant.platforms),
        Glibc(least=variant.glibc, because=variant.glibc_because),
    )
    disk = EnoughDisk(least=variant.disk, there=there)
    if variant.cuda is None:
        first = facts.int8_on_cpu
        right = PackageVersion(bitsandbytes) >= first.since
        eight = EightBitOnCpu(bitsandbytes=bitsandbytes, right=right, needed=first.since, source=first.source)
        return (*general, NoDevice(asked=asked), eight, disk)
    cuda = variant.cuda
    driver = next((row for row in facts.drivers if row.cuda == cuda), None)
    version = PackageVersion(torch)
    builds = tuple(row for row in facts.torch if row.cuda == cuda and row.since <= version <= row.until)
    support = tuple(row for row in facts.int8 if row.since <= PackageVersion(bitsandbytes) <= row.until)
    return (
        *general,
        NewEnoughDriver(cuda=cuda, fact=driver),
        GpuCode(torch=torch, builds=builds, driver=driver),
        EightBit(bitsandbytes=bitsandbytes, support=support),
        EnoughGpuMemory(fact=facts.gpu_memory),
        disk,
    )
