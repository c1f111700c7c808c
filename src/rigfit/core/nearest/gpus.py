"""Which torch and which bitsandbytes will not do on the GPUs that are there, or on the CPU where torch is for that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from operator import le

from packaging.version import Version as PackageVersion

from rigfit.core.fact import Facts, TorchBuild, cubin_covers
from rigfit.core.installed import Installed
from rigfit.core.machine import Driver, Machine
from rigfit.core.nearest.conflicts import Conflict
from rigfit.core.nearest.options import Options
from rigfit.core.requirements.quantization import is_for, taken
from rigfit.core.version import Capability, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """Without a `machine` there is still one thing to say: bitsandbytes has a library for torch's CUDA, or it has none."""

    installed: Installed
    facts: Facts
    machine: Machine | None

    def conflicts(self, options: Mapping[str, Options]) -> Iterator[Conflict]:
        torch, quantizer = options.get("torch"), options.get("bitsandbytes")
        if torch:
            yield {"torch": torch.where(self._fails)}
        if quantizer:
            yield {"bitsandbytes": quantizer.all & ~quantizer.where(self._does_int8)}
        least = self.facts.int8_on_cpu.transformers
        if self._is_for_cpu and least is not None and (loader := options.get("transformers")):
            yield {"transformers": loader.all & ~loader.where(partial(le, least))}
        if torch and quantizer:
            yield from self._without_library(torch, quantizer)

    def _without_library(self, torch: Options, quantizer: Options) -> Iterator[Conflict]:
        by_cuda: dict[Version, int] = {}
        for number, version in enumerate(torch.versions):
            if version is not None and (cuda := self._cuda(version)) is not None:
                by_cuda[cuda] = by_cuda.get(cuda, 0) | 1 << number
        for cuda, those in by_cuda.items():
            yield {"torch": those, "bitsandbytes": quantizer.all & ~quantizer.where(partial(self._has, cuda))}

    @property
    def _is_for_cpu(self) -> bool:
        return self.installed.build == "cpu" and not self._capabilities

    @property
    def _arch(self) -> str:
        return self.machine.platform.arch if self.machine else "x86_64"

    @property
    def _capabilities(self) -> tuple[Capability, ...]:
        gpus = self.machine.gpus if self.machine else ()
        return tuple(gpu.compute_capability for gpu in gpus if gpu.compute_capability is not None)

    def _is_kept(self, torch: PackageVersion) -> bool:
        now = self.installed.version("torch")
        return now is not None and now.public == str(torch)

    def _build(self, torch: PackageVersion) -> TorchBuild | None:
        """What the facts know of the one that is there, or of the one that an installer would fetch."""
        rows = (row for row in self.facts.torch if row.arch == self._arch and row.includes(torch))
        if self._is_kept(torch):
            return next(
                (row for row in rows if self.installed.build == "cuda" and row.cuda == self.installed.cuda), None
            )
        return next(rows, None)

    def _cuda(self, torch: PackageVersion) -> Version | None:
        if self._is_kept(torch):
            return self.installed.cuda if self.installed.build == "cuda" else None
        build = self._build(torch)
        return build.cuda if build else None

    def _fails(self, torch: PackageVersion) -> bool:
        """Of the one that is there, only what is known to fail; another one must be known to work."""
        build = self._build(torch)
        if build is None:
            return not self._is_kept(torch)
        if any(not _covers(build.cubins, capability) for capability in self._capabilities):
            return True
        return not self._is_kept(torch) and self._is_too_new(build.cuda)

    def _is_too_new(self, cuda: Version) -> bool:
        """For the driver that is there."""
        if self.machine is None or not isinstance(driver := self.machine.driver, Driver):
            return False
        least = self.facts.driver(cuda)
        if least is None:
            return True
        return driver.version < (least.windows if self.machine.platform.wsl else least.minimum)

    def _does_int8(self, version: PackageVersion) -> bool:
        if self._is_for_cpu:
            return version >= self.facts.int8_on_cpu.since
        rows = [row for row in self.facts.int8 if row.includes(version)]
        return all(
            any(is_for(row, gpu, gpu.compute_capability, self.facts) for row in rows)
            for gpu in (self.machine.gpus if self.machine else ())
            if gpu.compute_capability is not None
        )

    def _has(self, cuda: Version, version: PackageVersion) -> bool:
        """Nothing is said against one that is newer than the facts."""
        if all(row.until < version for row in self.facts.libraries):
            return True
        shipped = [row for row in self.facts.libraries if row.arch == self._arch and row.includes(version)]
        library = taken(shipped, cuda)
        return library is not None and all(_covers(library.cubins, capability) for capability in self._capabilities)


def _covers(codes: tuple[Capability, ...], gpu: Capability) -> bool:
    return any(cubin_covers(code, gpu) for code in codes)
