"""Whether the locked bitsandbytes quantizes on the GPU: 8 bits fast, slowly, only 4 bits, or neither."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.version import Version as PackageVersion

from rigfit.core.chain import chain, in_words
from rigfit.core.fact import Facts, Int8Support, Library, Nf4Support, cubin_covers, names_one
from rigfit.core.machine import Gpu, Machine
from rigfit.core.requirements.base import capability_found, named
from rigfit.core.template import Quantization, Stack
from rigfit.core.verdict import Status, Verdict
from rigfit.core.version import Capability, Version
from rigfit.core.words import joined, say


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
            needed=self._needed(),
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
            return _Finding(status="unknown", why=say("the GPU did not tell its compute capability"))
        if not self._int8_rows():
            why = say("no fact says what bitsandbytes {version} can do", version=self.bitsandbytes)
            return _Finding(status="unknown", why=why)
        return self._without_library(capability, arch) or self._by_kernels(gpu, capability)

    def _needed(self) -> str:
        fast, slow = self._spans("fast") or say("no known capability"), self._spans("slow")
        if "nf4" in self.accepts:
            return say(
                "8-bit or at least 4-bit code for its GPU; bitsandbytes {version} has 8-bit for {fast}",
                version=self.bitsandbytes,
                fast=fast,
            )
        if not slow:
            return say(
                "8-bit code for its GPU, which bitsandbytes {version} has for {fast}",
                version=self.bitsandbytes,
                fast=fast,
            )
        return say(
            "8-bit code for its GPU, which bitsandbytes {version} has for {fast} and, slowly, {slow}",
            version=self.bitsandbytes,
            fast=fast,
            slow=slow,
        )

    def _spans(self, speed: str) -> str:
        rows = [row for row in self._int8_rows() if row.speed == speed and not row.only]
        return joined(", ", (_span(row) for row in rows))

    def _int8_rows(self) -> list[Int8Support]:
        return [row for row in self.facts.int8 if row.includes(self.version)]

    # The library that bitsandbytes takes for this torch

    def _without_library(self, capability: Capability, arch: str) -> _Finding | None:
        """What there is to say where no library of its wheel has code for the GPU; None where one has."""
        shipped = [row for row in self.facts.libraries if row.arch == arch and row.includes(self.version)]
        if not shipped:
            why = say(
                "no fact says which CUDA libraries bitsandbytes {version} has for {arch}",
                version=self.bitsandbytes,
                arch=arch,
            )
            return _Finding(status="unknown", why=why)
        library = taken(shipped, self.cuda)
        if library is None:
            names = ", ".join(str(row.cuda) for row in sorted(shipped, key=lambda row: row.cuda))
            why = say(
                "it has libraries for CUDA {names}, and none for torch's CUDA {cuda}", names=names, cuda=self.cuda
            )
            return _Finding(status="unmet", why=why, source=shipped[0].source)
        if any(cubin_covers(code, capability) for code in library.cubins):
            return None
        return _Finding(status="unmet", why=self._without_code(library, capability, arch), source=library.source)

    def _without_code(self, library: Library, capability: Capability, arch: str) -> str:
        """With the last version that had code for such a GPU, if it is an older one."""
        rows = [
            row
            for row in self.facts.libraries
            if row.arch == arch and any(cubin_covers(code, capability) for code in row.cubins)
        ]
        last = max((row.until for row in rows), default=None)
        gpu = named(capability, self.facts)
        if last is None or last >= self.version:
            return say("its library for CUDA {cuda} has no code for {capability}", cuda=library.cuda, capability=gpu)
        return say(
            "its library for CUDA {cuda} has no code for {capability}; the last with code for it is bitsandbytes {last}",
            cuda=library.cuda,
            capability=gpu,
            last=last,
        )

    # What the code in it can do

    def _by_kernels(self, gpu: Gpu, capability: Capability) -> _Finding:
        row = next((row for row in self._int8_rows() if is_for(row, gpu, capability, self.facts)), None)
        if row is None:
            return self._without_int8(gpu, capability)
        if row.speed == "fast":
            return _Finding(status="met", why=say("8-bit is fast there"), source=row.source, quantization="int8")
        slow = say(
            "8-bit is slow on {gpu}: bitsandbytes {version} multiplies in 16 bits there",
            gpu=gpu.label,
            version=self.bitsandbytes,
        )
        warning = say("{first}. {then}", first=slow, then=row.note) if row.note else slow
        return _Finding(
            status="met", why=say("8-bit is slow there"), source=row.source, warning=warning, quantization="int8"
        )

    def _without_int8(self, gpu: Gpu, capability: Capability) -> _Finding:
        if self.facts.no_tensor_cores.name(gpu.name):
            why = say(
                "nothing shows that bitsandbytes {version} works on a Turing card without tensor cores",
                version=self.bitsandbytes,
            )
            return _Finding(status="unknown", why=why, source=self.facts.no_tensor_cores.source)
        why_not, source = self._why_no_int8(gpu, capability)
        four = self._nf4(capability)
        if four is None and not source:
            return _Finding(status="unknown", why=why_not)
        if four is None:
            return _Finding(status="unmet", why=why_not, source=source)
        if "nf4" not in self.accepts:
            why = say("{reason}; only 4-bit (NF4) would work, which this template is not for", reason=why_not)
            return _Finding(status="unmet", why=why, source=source)
        warning = say(
            "8-bit does not work on {gpu}: {reason}. 4-bit (NF4) does, and is what verify proves on that GPU",
            gpu=gpu.label,
            reason=why_not,
        )
        why = say("only 4-bit (NF4) works there: {reason}", reason=why_not)
        return _Finding(status="met", why=why, source=four.source, warning=warning, quantization="nf4")

    def _nf4(self, capability: Capability) -> Nf4Support | None:
        """The fact that says that 4-bit works there with these libraries."""
        versions = self.stack.versions
        for first in self.facts.nf4_first:
            if first.package in versions and PackageVersion(versions[first.package]) < first.since:
                return None
        rows = (row for row in self.facts.nf4 if row.includes(self.version))
        return next((row for row in rows if row.lowest <= capability <= row.highest), None)

    def _why_no_int8(self, gpu: Gpu, capability: Capability) -> tuple[str, str]:
        """The reason and its source; no source where nothing is known of such a GPU."""
        there = named(capability, self.facts)
        rows = [row for row in self.facts.int8 if is_for(row, gpu, capability, self.facts)]
        later = min((row for row in rows if row.since > self.version), key=lambda row: row.since, default=None)
        if later is not None:
            links = chain(self.stack.versions, "bitsandbytes", later.since, self.facts.bounds)
            return say("8-bit on {capability} needs {needed}", capability=there, needed=in_words(links)), later.source
        last = max(rows, key=lambda row: row.until, default=None)
        if last is not None:
            why = say("the last bitsandbytes with 8-bit on {capability} is {last}", capability=there, last=last.until)
            return why, self._int8_rows()[0].source
        return say("no fact says whether bitsandbytes works on {capability}", capability=there), ""


def _span(row: Int8Support) -> str:
    if row.lowest == row.highest:
        return str(row.lowest)
    return say("{lowest} to {highest}", lowest=row.lowest, highest=row.highest)


def is_for(row: Int8Support, gpu: Gpu, capability: Capability, facts: Facts) -> bool:
    """Whether the row speaks of such a GPU, whose capability that is."""
    if not row.lowest <= capability <= row.highest:
        return False
    if row.only:
        return names_one(row.only, gpu.name)
    return not facts.no_tensor_cores.name(gpu.name)


def taken(shipped: list[Library], cuda: Version) -> Library | None:
    """The library that bitsandbytes loads for a torch of build CUDA `cuda`.

    It is the exact one, and from 0.50 on else the next older or, last, the next newer of the same major.
    """
    exact = next((row for row in shipped if row.cuda == cuda), None)
    near = [row for row in shipped if row.match == "nearest" and row.cuda.major == cuda.major]
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
            needed=say("bitsandbytes >= {version} for right 8-bit numbers on a CPU", version=first.since),
            found=f"bitsandbytes {version}",
            why=say("8-bit on a CPU is slow, and right from that version on"),
            source=first.source,
            quantization="int8" if right else None,
        )
        return (verdict,)
