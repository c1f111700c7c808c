"""Code for the GPU in the locked torch."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.version import Version as PackageVersion

from rigfit.core.fact import Facts, TorchBuild, cubin_covers, ptx_covers
from rigfit.core.machine import Driver, Gpu, Machine
from rigfit.core.requirements.base import capability_found, named
from rigfit.core.verdict import Status, Verdict
from rigfit.core.version import Capability, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuCode:
    """`torch` is the locked version, `cuda` its build CUDA."""

    torch: str
    cuda: Version
    facts: Facts

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        return tuple(self._of(gpu, machine) for gpu in gpus)

    def _of(self, gpu: Gpu, machine: Machine) -> Verdict:
        build = self._build(machine)
        status, why, warning = self._judge(gpu, machine, build)
        codes = ", ".join(str(code) for code in build.cubins) if build else "the capability of the GPU"
        return Verdict(
            requirement="gpu_code",
            status=status,
            needed=f"code for its GPU, which torch {self.torch} has for {codes}",
            found=capability_found(gpu),
            why=why,
            source=build.source if build else "",
            gpu=gpu.index,
            warning=warning,
        )

    def _build(self, machine: Machine) -> TorchBuild | None:
        version, arch = PackageVersion(self.torch), machine.platform.arch
        rows = (row for row in self.facts.torch if row.arch == arch and row.cuda == self.cuda)
        return next((row for row in rows if row.since <= version <= row.until), None)

    def _judge(self, gpu: Gpu, machine: Machine, build: TorchBuild | None) -> tuple[Status, str, str]:
        capability = gpu.compute_capability
        if capability is None:
            return "unknown", "the GPU did not tell its compute capability", ""
        if build is None:
            return "unknown", f"no fact says which GPUs torch {self.torch} has code for", ""
        if any(cubin_covers(code, capability) for code in build.cubins):
            return "met", "code for a major version runs on the same and every later minor version", ""
        if any(ptx_covers(code, capability) for code in build.ptx):
            return self._by_ptx(machine, gpu)
        return "unmet", f"it has none for {named(capability, self.facts)}{self._elsewhere(capability, build)}", ""

    def _by_ptx(self, machine: Machine, gpu: Gpu) -> tuple[Status, str, str]:
        fact = next((row for row in self.facts.drivers if row.cuda == self.cuda), None)
        if not isinstance(machine.driver, Driver) or fact is None:
            return "unknown", "its PTX must be compiled by the driver, which is not known", ""
        toolkit = fact.windows_toolkit if machine.platform.wsl else fact.toolkit
        if toolkit is None:
            return "unknown", f"no fact says which Windows driver compiles PTX of CUDA {self.cuda}", ""
        if machine.driver.version < toolkit:
            return "unmet", f"its PTX can be compiled by drivers from {toolkit} on only", ""
        slow = f"the driver must compile torch's code for {gpu.label}, which takes minutes at the first use"
        return "met", "the driver compiles its PTX for this GPU", slow

    def _elsewhere(self, capability: Capability, build: TorchBuild) -> str:
        """The newest torch on PyPI that has code for it."""
        rows = [
            row
            for row in self.facts.torch
            if row.arch == build.arch and any(cubin_covers(code, capability) for code in row.cubins)
        ]
        newest = max(rows, key=lambda row: row.until, default=None)
        return f"; the newest on PyPI that has is {newest.until} (CUDA {newest.cuda})" if newest else ""
