"""Memory on the GPU and space on the disk."""

from __future__ import annotations

from dataclasses import dataclass

from rigfit.core.fact import Facts
from rigfit.core.machine import Gpu, Machine
from rigfit.core.size import human
from rigfit.core.verdict import Status, Verdict
from rigfit.core.words import say


@dataclass(frozen=True, slots=True, kw_only=True)
class EnoughGpuMemory:
    facts: Facts

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        return tuple(self._of(gpu, machine) for gpu in gpus if not (gpu.mig and gpu.slices == ()))

    def _of(self, gpu: Gpu, machine: Machine) -> Verdict:
        fact = self.facts.gpu_memory
        total, found = self._memory(gpu, machine)
        return Verdict(
            requirement="memory",
            status="unknown" if total is None else "met" if total >= fact.least else "unmet",
            needed=say("{size} of GPU memory", size=human(fact.least)),
            found=found,
            why=fact.why,
            source=fact.source,
            gpu=gpu.index,
        )

    def _memory(self, gpu: Gpu, machine: Machine) -> tuple[int | None, str]:
        """What a program gets: of a GPU that is cut into MIG instances the largest of these."""
        size = gpu.memory_for_one
        if gpu.mig:
            return size, say("{gpu} cut into MIG instances, the largest with {size}", gpu=gpu.label, size=_amount(size))
        architecture = self.facts.architecture(gpu.compute_capability)
        if size is None and architecture is not None and architecture.unified:
            total = machine.memory_total
            return total, say("{gpu} that shares the machine's memory of {size}", gpu=gpu.label, size=_amount(total))
        return size, say("{gpu} with {size}", gpu=gpu.label, size=_amount(size))


def _amount(size: int | None) -> str:
    return say("an unknown amount") if size is None else human(size)


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
            needed=say("{size} free where environments are kept", size=human(self.least)),
            found=say("free space unknown") if free is None else say("{size} free", size=human(free)),
            why=say("it stands already") if self.there else say("the unpacked files take that much"),
            source=say("the sizes beside the lock"),
        )
        return (verdict,)
