"""Whether the locked bitsandbytes quantizes on the GPU: 8 bits fast, slowly, only 4 bits, or neither."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.version import Version as PackageVersion

from rigfit.core.chain import chain, in_words
from rigfit.core.fact import Facts, Int8Support, Library, Nf4Support, cubin_covers
from rigfit.core.machine import Gpu, Machine
from rigfit.core.requirements.base import capability_found, named
from rigfit.core.template import Quantization, Stack
from rigfit.core.verdict import Status, Verdict
from rigfit.core.version import Capability, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    status: Status
    why: str
    source: str = ""
    warning: str = ""
    quantization: Quantization | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuQuantization:
    """`accepts` are the ways that may be proven, the first is what the template is for."""

    stack: Stack
    cuda: Version
    accepts: tuple[Quantization, ...]
    facts: Facts

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        return tuple(self._of(gpu, machine.platform.arch) for gpu in gpus)

    @property
    def bitsandbytes(self) -> str:
        return self.stack.versions["bitsandbytes"]

    @property
    def version(self) -> PackageVersion:
        return PackageVersion(self.bitsandbytes)

    def _of(self, gpu: Gpu, arch: str) -> Verdict:
        finding = self._find(gpu, arch)
        return Verdict(
            requirement="quantization",
            status=finding.status,
            needed=f"8-bit code for its GPU, which bitsandbytes {self.bitsandbytes} has for {self._ranges()}",
            found=capability_found(gpu),
            why=finding.why,
            source=finding.source,
            gpu=gpu.index,
            warning=finding.warning,
            quantization=finding.quantization,
        )

    def _find(self, gpu: Gpu, arch: str) -> _Finding:
        capability = gpu.compute_capability
        if capability is None:
            return _Finding(status="unknown", why="the GPU did not tell its compute capability")
        if not self._int8_rows():
            return _Finding(status="unknown", why=f"no fact says what bitsandbytes {self.bitsandbytes} can do")
        return self._without_library(capability, arch) or self._by_kernels(gpu, capability)

    def _ranges(self) -> str:
        fast, slow = self._spans("fast"), self._spans("slow")
        return (fast or "no known capability") + (f" and, slowly, {slow}" if slow else "")

    def _spans(self, speed: str) -> str:
        rows = [row for row in self._int8_rows() if row.speed == speed and not row.only]
        return ", ".join(
            str(row.lowest) if row.lowest == row.highest else f"{row.lowest} to {row.highest}" for row in rows
        )

    def _int8_rows(self) -> list[Int8Support]:
        return [row for row in self.facts.int8 if row.since <= self.version <= row.until]

    # The library that bitsandbytes takes for this torch

    def _without_library(self, capability: Capability, arch: str) -> _Finding | None:
        """What there is to say where no library of its wheel has code for the GPU; None where one has."""
        shipped = [row for row in self.facts.libraries if row.arch == arch and row.since <= self.version <= row.until]
        if not shipped:
            why = f"no fact says which CUDA libraries bitsandbytes {self.bitsandbytes} has for {arch}"
            return _Finding(status="unknown", why=why)
        library = taken(shipped, self.cuda)
        if library is None:
            names = ", ".join(str(row.cuda) for row in sorted(shipped, key=lambda row: row.cuda))
            why = f"it has libraries for CUDA {names}, and none for torch's CUDA {self.cuda}"
            return _Finding(status="unmet", why=why, source=shipped[0].source)
        if any(cubin_covers(code, capability) for code in library.cubins):
            return None
        why = f"its library for CUDA {library.cuda} has no code for {named(capability, self.facts)}"
        return _Finding(status="unmet", why=why + self._last_with_code(capability, arch), source=library.source)

    def _last_with_code(self, capability: Capability, arch: str) -> str:
        rows = [
            row
            for row in self.facts.libraries
            if row.arch == arch and any(cubin_covers(code, capability) for code in row.cubins)
        ]
        last = max((row.until for row in rows), default=None)
        return f"; the last with code for it is bitsandbytes {last}" if last and last < self.version else ""

    # What the code in it can do

    def _by_kernels(self, gpu: Gpu, capability: Capability) -> _Finding:
        row = next((row for row in self._int8_rows() if self._is_for(row, gpu, capability)), None)
        if row is None:
            return self._without_int8(gpu, capability)
        if row.speed == "fast":
            return _Finding(status="met", why="8-bit is fast there", source=row.source, quantization="int8")
        slow = f"8-bit is slow on {gpu.label}: bitsandbytes {self.bitsandbytes} multiplies in 16 bits there"
        warning = f"{slow}. {row.note}" if row.note else slow
        return _Finding(
            status="met", why="8-bit is slow there", source=row.source, warning=warning, quantization="int8"
        )

    def _is_for(self, row: Int8Support, gpu: Gpu, capability: Capability) -> bool:
        if not row.lowest <= capability <= row.highest:
            return False
        if row.only:
            return any(part in gpu.label for part in row.only)
        return not self.facts.no_tensor_cores.name(gpu.name)

    def _without_int8(self, gpu: Gpu, capability: Capability) -> _Finding:
        if self.facts.no_tensor_cores.name(gpu.name):
            why = f"nothing shows that bitsandbytes {self.bitsandbytes} quantizes on a card without tensor cores"
            return _Finding(status="unknown", why=why, source=self.facts.no_tensor_cores.source)
        why_not, source = self._why_no_int8(gpu, capability)
        four = self._nf4(capability)
        if four is None:
            return _Finding(status="unmet", why=why_not, source=source)
        if "nf4" not in self.accepts:
            why = f"{why_not}; only 4-bit (NF4) would work, which this template is not for"
            return _Finding(status="unmet", why=why, source=source)
        warning = f"8-bit does not work on {gpu.label}: {why_not}. 4-bit (NF4) does, and is what verify proves"
        why = f"only 4-bit (NF4) works there: {why_not}"
        return _Finding(status="met", why=why, source=four.source, warning=warning, quantization="nf4")

    def _nf4(self, capability: Capability) -> Nf4Support | None:
        """The fact that says that 4-bit works there with these libraries."""
        versions = self.stack.versions
        for first in self.facts.nf4_first:
            if first.package in versions and PackageVersion(versions[first.package]) < first.since:
                return None
        rows = (row for row in self.facts.nf4 if row.since <= self.version <= row.until)
        return next((row for row in rows if row.lowest <= capability <= row.highest), None)

    def _why_no_int8(self, gpu: Gpu, capability: Capability) -> tuple[str, str]:
        """The reason and its source."""
        rows = [row for row in self.facts.int8 if self._is_for(row, gpu, capability)]
        later = min((row for row in rows if row.since > self.version), key=lambda row: row.since, default=None)
        if later is not None:
            links = chain(self.stack.versions, "bitsandbytes", later.since, self.facts.bounds)
            return f"8-bit on {named(capability, self.facts)} needs {in_words(links)}", later.source
        last = max(rows, key=lambda row: row.until, default=None)
        if last is not None:
            why = f"8-bit on {named(capability, self.facts)} ended with bitsandbytes {last.until}"
            return why, self._int8_rows()[0].source
        return f"there is no 8-bit code for {named(capability, self.facts)} in any known bitsandbytes", ""


def taken(shipped: list[Library], cuda: Version) -> Library | None:
    """The library that bitsandbytes loads for a torch of build CUDA `cuda`.

    It is the exact one, and from 0.50 on else the next older or, last, the next newer of the same major.
    """
    exact = next((row for row in shipped if row.cuda == cuda), None)
    near = [row for row in shipped if row.match == "nearest" and row.cuda.parts[0] == cuda.parts[0]]
    older = max((row for row in near if row.cuda < cuda), key=lambda row: row.cuda, default=None)
    newer = min((row for row in near if row.cuda > cuda), key=lambda row: row.cuda, default=None)
    return exact or older or newer


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuQuantization:
    stack: Stack
    facts: Facts

    @property
    def chain(self) -> str:
        """What must become newer for right 8-bit numbers on a CPU, in words; empty if nothing must."""
        first, version = self.facts.int8_on_cpu, self.stack.versions["bitsandbytes"]
        if PackageVersion(version) >= first.since:
            return ""
        return in_words(chain(self.stack.versions, "bitsandbytes", first.since, self.facts.bounds))

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        del machine, gpus
        first, version, right = self.facts.int8_on_cpu, self.stack.versions["bitsandbytes"], not self.chain
        verdict = Verdict(
            requirement="quantization",
            status="met" if right else "unmet",
            needed=f"bitsandbytes >= {first.since} for right 8-bit numbers on a CPU",
            found=f"bitsandbytes {version}",
            why="8-bit on a CPU is slow, and right from that version on",
            source=first.source,
            quantization="int8" if right else None,
        )
        return (verdict,)
