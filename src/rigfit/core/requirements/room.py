"""Memory on the GPU and space on the disk."""

from __future__ import annotations

from dataclasses import dataclass

from rigfit.core.fact import Facts
from rigfit.core.machine import Gpu, Machine
from rigfit.core.size import human
from rigfit.core.verdict import Status, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class EnoughGpuMemory:
    facts: Facts

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        return tuple(self._of(gpu, machine) for gpu in gpus)

    def _of(self, gpu: Gpu, machine: Machine) -> Verdict:
        fact = self.facts.gpu_memory
        total, found = self._memory(gpu, machine)
        return Verdict(
            requirement="memory",
            status="unknown" if total is None else "met" if total >= fact.least else "unmet",
            needed=f"{human(fact.least)} of GPU memory",
            found=found,
            why=fact.why,
            source=fact.source,
            gpu=gpu.index,
        )

    def _memory(self, gpu: Gpu, machine: Machine) -> tuple[int | None, str]:
        """What a program gets: of a GPU that is cut into MIG instances the largest of these."""
        if gpu.mig:
            sizes = [piece.memory_total for piece in gpu.slices or () if piece.memory_total is not None]
            largest = max(sizes, default=None)
            return largest, f"{gpu.label} cut into MIG instances, the largest with {_amount(largest)}"
        architecture = self.facts.architecture(gpu.compute_capability)
        if gpu.memory_total is None and architecture is not None and architecture.unified:
            total = machine.memory_total
            return total, f"{gpu.label} that shares the machine's memory of {_amount(total)}"
        return gpu.memory_total, f"{gpu.label} with {_amount(gpu.memory_total)}"


def _amount(size: int | None) -> str:
    return "an unknown amount" if size is None else human(size)


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
