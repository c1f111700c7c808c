"""Compatibility facts: each with where it was read and when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from packaging.version import Version as PackageVersion

from rigfit.core.shape import Shape
from rigfit.core.version import Capability, Version

Speed = Literal["fast", "slow"]
End = Literal["import", "use", "check", "int8", "seq2seq"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """`source` is an address or says what was measured; `read` is the day on which somebody looked."""

    source: str
    read: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfVersions(Fact):
    """About a package's versions `since` to `until`, both included."""

    since: PackageVersion
    until: PackageVersion

    def includes(self, version: PackageVersion) -> bool:
        return self.since <= version <= self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverMinimum(Fact):
    """The oldest driver on which code built with CUDA `cuda` runs; on WSL2 the driver is the one of Windows.

    `minimum` and `windows` hold for machine code (minor-version compatibility inside a CUDA major); code that the
    driver must compile from PTX needs `toolkit`, the driver that came with that CUDA release, or `windows_toolkit`,
    None where NVIDIA has published none.
    """

    cuda: Version
    minimum: Version
    toolkit: Version
    windows: Version
    windows_toolkit: Version | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastDriver(Fact):
    """GPUs of capability `lowest` to `highest` get no driver after the branch `branch` (470 for 470.x)."""

    lowest: Capability
    highest: Capability
    branch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchBuild(OfVersions):
    """The GPU code in PyPI's torch wheels of versions `since` to `until` (both included) on one architecture."""

    arch: str
    cuda: Version
    cubins: tuple[Capability, ...]
    ptx: tuple[Capability, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Library(OfVersions):
    """A CUDA library in the bitsandbytes wheels `since` to `until` on one architecture, and the GPU code in it.

    `match` says which torch takes it: `exact` only one of the same build CUDA, `nearest` also one of the same major.
    """

    arch: str
    cuda: Version
    cubins: tuple[Capability, ...]
    match: Literal["exact", "nearest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Int8Support(OfVersions):
    """How bitsandbytes `since` to `until` multiplies in 8 bits on GPUs of capability `lowest` to `highest`.

    `only` are parts of names: the row is about such cards alone. Empty: about all that have tensor cores or are older.
    `note` is what to know of its numbers.
    """

    lowest: Capability
    highest: Capability
    speed: Speed
    only: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nf4Support(OfVersions):
    """Where bitsandbytes `since` to `until` computes with 4-bit weights (NF4)."""

    lowest: Capability
    highest: Capability


@dataclass(frozen=True, slots=True, kw_only=True)
class Int8OnCpu(Fact):
    """The first bitsandbytes whose 8-bit numbers are right on a CPU, and the first transformers that loads with it there."""

    since: PackageVersion
    transformers: PackageVersion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class First(Fact):
    """The first version of `package` that can do what the table is about."""

    package: str
    since: PackageVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A third package, of this version or a later one."""

    package: str
    at_least: PackageVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound(OfVersions):
    """`package` of versions `since` to `until` needs `needs` of `at_least` (included) and `below` (excluded).

    `to` is what fails otherwise: to import it, to work with it once it is imported (`use`), to refuse no version (`check`), to
    load or train 8-bit layers (`int8`), or LoRA of encoder-decoder models alone (`seq2seq`). `free` is the first version of `package` without this bound, None if
    there is none yet, or none is known. `beside`: only next to that other package, see `concerns`.
    """

    package: str
    needs: str
    at_least: PackageVersion | None
    below: PackageVersion | None
    to: End
    why: str
    free: PackageVersion | None = None
    beside: Beside | None = None

    def speaks_of(self, package: str, version: PackageVersion) -> bool:
        return package == self.package and self.includes(version)

    def concerns(self, versions: Mapping[str, PackageVersion]) -> bool:
        """Whether it is about `package` among these; a third one that is not known to be there is taken for absent."""
        here = versions.get(self.package)
        if here is None or not self.includes(here):
            return False
        if self.beside is None:
            return True
        third = versions.get(self.beside.package)
        return third is not None and third >= self.beside.at_least

    def allows(self, version: PackageVersion) -> bool:
        """Whether `needs` of this version will do."""
        low, high = self.at_least, self.below
        return (low is None or low <= version) and (high is None or version < high)

    @property
    def needed(self) -> str:
        """`bitsandbytes >=0.45.0,<0.49.0`; without versions where any will do."""
        low = f">={self.at_least}" if self.at_least is not None and self.at_least > PackageVersion("0") else ""
        high = f"<{self.below}" if self.below is not None else ""
        return f"{self.needs} {','.join(filter(None, (low, high)))}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture(Fact):
    """A compute capability that NVIDIA has made, with the name of its architecture and cards that have it.

    `unified` says that such a GPU shares the machine's memory, and NVML then tells no memory of its own.
    """

    capability: Capability
    name: str
    examples: tuple[str, ...]
    unified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Names(Fact):
    """Parts of names by which NVIDIA tells such cards apart where the compute capability does not."""

    parts: tuple[str, ...]

    def name(self, gpu: str | None) -> bool:
        """Whether a GPU of that name is one of them."""
        return names_one(self.parts, gpu)


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualSeries(Fact):
    """The series of vGPU types that have no CUDA: the last letter of `GRID T4-2B` is its series, B."""

    without_cuda: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuMemory(Fact):
    """Bytes of GPU memory for the smallest model that is worth the name."""

    least: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel(Fact):
    """A public model; `hub` is where its config.json was published, `parameters` what was published of its size."""

    name: str
    hub: str
    aliases: tuple[str, ...]
    shape: Shape
    parameters: int

    @property
    def names(self) -> tuple[str, ...]:
        """All that people call it."""
        return (self.name, self.hub, self.hub.rpartition("/")[2], *self.aliases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    drivers: tuple[DriverMinimum, ...]
    last_drivers: tuple[LastDriver, ...]
    torch: tuple[TorchBuild, ...]
    libraries: tuple[Library, ...]
    int8: tuple[Int8Support, ...]
    nf4: tuple[Nf4Support, ...]
    nf4_first: tuple[First, ...]
    int8_on_cpu: Int8OnCpu
    bounds: tuple[Bound, ...]
    architectures: tuple[Architecture, ...]
    no_tensor_cores: Names
    virtual_series: VirtualSeries
    gpu_memory: GpuMemory
    models: tuple[KnownModel, ...] = ()

    def driver(self, cuda: Version | None) -> DriverMinimum | None:
        """What code built with CUDA `cuda` needs of a driver."""
        return next((row for row in self.drivers if row.cuda == cuda), None)

    def architecture(self, capability: Capability | None) -> Architecture | None:
        return next((row for row in self.architectures if row.capability == capability), None)

    def with_8_bits(self, bitsandbytes: str) -> tuple[Architecture, ...]:
        """Those of which some card can do 8-bit with that version, fast or slowly."""
        rows = [row for row in self.int8 if row.includes(PackageVersion(bitsandbytes))]
        return tuple(
            each for each in self.architectures if any(row.lowest <= each.capability <= row.highest for row in rows)
        )


def names_one(parts: tuple[str, ...], gpu: str | None) -> bool:
    """Whether one of the parts stands in the name as words of its own: `T500` is not in `Jetson T5000`."""
    return any(re.search(rf"\b{re.escape(part)}\b", gpu or "") for part in parts)


def cubin_covers(built_for: Capability, gpu: Capability) -> bool:
    """Whether machine code for `built_for` runs on `gpu`: the same major, the same or a later minor.

    Integrated GPUs stand apart: 6.2, 7.2, 8.7, 10.1 and 11.0 run only code made for them (DEVICE_REQUIREMENT in
    torch/cuda/__init__.py of torch 2.13; 11.0 is what CUDA 12 called 10.1).
    """
    if gpu in _ALONE:
        return built_for == gpu
    return built_for.major == gpu.major and built_for.minor <= gpu.minor


_ALONE = {Capability(6, 2), Capability(7, 2), Capability(8, 7), Capability(10, 1), Capability(11, 0)}


def ptx_covers(built_for: Capability, gpu: Capability) -> bool:
    """Whether PTX for `built_for` can be compiled for `gpu` by a driver that is new enough."""
    return built_for <= gpu
