"""Code for the GPU in the locked torch."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.version import Version as PackageVersion

from rigfit.core.fact import Facts, TorchBuild, cubin_covers, ptx_covers
from rigfit.core.machine import Driver, Gpu, Machine
from rigfit.core.requirements.base import capability_found, named
from rigfit.core.verdict import Status, Verdict
from rigfit.core.version import Capability, Version
from rigfit.core.words import say


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuCode:
    """`torch` is the locked version, `cuda` its build CUDA."""

    torch: str
    cuda: Version
    facts: Facts

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        return tuple(self._of(gpu, machine) for gpu in gpus)

    def _of(self, gpu: Gpu, machine: Machine) -> Verdict:
        build = next((row for row in self._builds(machine) if row.cuda == self.cuda), None)
        status, why, warning = self._judge(gpu, machine, build)
        return Verdict(
            requirement="gpu_code",
            status=status,
            needed=self._needed(build),
            found=capability_found(gpu),
            why=why,
            source=build.source if build else "",
            gpu=gpu.index,
            warning=warning,
        )

    def _needed(self, build: TorchBuild | None) -> str:
        if build is None:
            return say("code for its GPU in torch {version}", version=self.torch)
        codes = ", ".join(map(str, build.cubins))
        return say("code for its GPU, which torch {version} has for {codes}", version=self.torch, codes=codes)

    def _builds(self, machine: Machine) -> list[TorchBuild]:
        """All that the facts know of this torch on the machine's architecture, whatever CUDA it is built with."""
        version, arch = PackageVersion(self.torch), machine.platform.arch
        return [row for row in self.facts.torch if row.arch == arch and row.includes(version)]

    def _judge(self, gpu: Gpu, machine: Machine, build: TorchBuild | None) -> tuple[Status, str, str]:
        capability = gpu.compute_capability
        if capability is None:
            return "unknown", say("the GPU did not tell its compute capability"), ""
        if build is None:
            return (*self._without_build(machine), "")
        code = max((code for code in build.cubins if cubin_covers(code, capability)), default=None)
        if code is not None:
            return "met", say("its code for {code} runs on {capability}", code=code, capability=capability), ""
        if any(ptx_covers(code, capability) for code in build.ptx):
            return self._by_ptx(machine, gpu)
        return "unmet", self._lacking(capability, build), ""

    def _by_ptx(self, machine: Machine, gpu: Gpu) -> tuple[Status, str, str]:
        fact = self.facts.driver(self.cuda)
        if not isinstance(machine.driver, Driver) or fact is None:
            return "unknown", say("its PTX must be compiled by the driver, which is not known"), ""
        toolkit = fact.windows_toolkit if machine.platform.wsl else fact.toolkit
        if toolkit is None:
            return "unknown", say("no fact says which Windows driver compiles PTX of CUDA {cuda}", cuda=self.cuda), ""
        if machine.driver.version < toolkit:
            return "unmet", say("its PTX can be compiled by drivers from {least} on only", least=toolkit), ""
        slow = say(
            "the driver must compile torch's code for {gpu}, which takes minutes at the first use", gpu=gpu.label
        )
        return "met", say("the driver compiles its PTX for this GPU"), slow

    def _without_build(self, machine: Machine) -> tuple[Status, str]:
        """Facts on the same torch with another build CUDA say that there is no such build."""
        other = next(iter(self._builds(machine)), None)
        if other is None:
            return "unknown", say("no fact says which GPUs torch {version} has code for", version=self.torch)
        why = say(
            "torch {version} on PyPI is built with CUDA {other}, not {cuda}",
            version=self.torch,
            other=other.cuda,
            cuda=self.cuda,
        )
        return "unmet", why

    def _lacking(self, capability: Capability, build: TorchBuild) -> str:
        """With the first torch on PyPI that has code for such a GPU, or else the last that had."""
        rows = [
            row
            for row in self.facts.torch
            if row.arch == build.arch and any(cubin_covers(code, capability) for code in row.cubins)
        ]
        gpu = named(capability, self.facts)
        first = min((row.since for row in rows if row.since > build.until), default=None)
        last = max((row.until for row in rows), default=None)
        if first is not None:
            return say("it has none for {capability}, which torch has from {version} on", capability=gpu, version=first)
        if last is not None:
            return say(
                "it has none for {capability}; the last torch that has is {version}", capability=gpu, version=last
            )
        return say("it has none for {capability}", capability=gpu)
