"""The memory that one training gets on a machine.

Not all that NVML calls a GPU's memory can be had: the driver reserves a part, which CUDA does not count. On an idle H100 (driver
580.159.04) CUDA's total was NVML's free memory to the byte, 480 MiB less than NVML's total (measured on 2026-11-22 with
`torch.cuda.mem_get_info`, `nvmlDeviceGetMemoryInfo` and `nvidia-smi -q`, which calls it "Reserved"). Other figures of
`nvidia-smi -q`, read on 2026-11-22: 406 MiB of 8 GiB (RTX 2070), 397 MiB of 10 GiB (RTX 3080), 869 MiB of 80 GiB (A100), nothing
of a MIG instance: https://github.com/influxdata/telegraf/tree/master/plugins/inputs/nvidia_smi/testdata.
"""

from __future__ import annotations

from dataclasses import dataclass

from rigfit.core.fact import Facts
from rigfit.core.machine import Gpu, Machine
from rigfit.core.selection import selected_gpus
from rigfit.core.words import say

_LEAST = 512 << 20
_OF_A_THOUSAND = 11  # with _LEAST, a little more than the most that was seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes of the GPU that is judged, None where unknown; `index` is None for memory that a person names.

    `reserved` is what the driver keeps of it, at most; `free` is what other programs leave at this moment.
    """

    label: str
    index: int | None = None
    total: int | None = None
    free: int | None = None
    reserved: int = 0

    @property
    def usable(self) -> int | None:
        """What one program can have if it is alone."""
        return None if self.total is None else self.total - self.reserved


def memory_of_size(size: int) -> Memory:
    """That of a GPU that is not here, by its nominal size."""
    return Memory(label=say("memory of this size"), total=size, reserved=_reserve(size, None))


def large_enough(needed: int) -> int:
    """The least nominal size of which as much can be had."""
    return max(needed + _LEAST, -(-needed * 1000 // (1000 - _OF_A_THOUSAND)))


def memory_of(machine: Machine, facts: Facts, wish: str | None) -> Memory | None:
    """That of the wished GPU, or of the largest; None without a GPU. Raises ProblemError for a GPU that is not there."""
    found = [_memory(gpu, machine, facts) for gpu in selected_gpus(machine, wish)]
    return max(found, key=lambda memory: memory.total or 0, default=None)


def _memory(gpu: Gpu, machine: Machine, facts: Facts) -> Memory:
    label = say("{gpu} (GPU {index})", gpu=gpu.label, index=gpu.index)
    if gpu.mig:
        part = gpu.largest_slice
        label = say("{label}, MIG instance {name}", label=label, name=part.name or "?") if part else label
        return Memory(label=label, index=gpu.index, total=gpu.memory_for_one)
    architecture = facts.architecture(gpu.compute_capability)
    if gpu.memory_total is None and architecture is not None and architecture.unified:
        label = say("{label}, which shares the machine's memory", label=label)
        return Memory(label=label, index=gpu.index, total=machine.memory_total)
    total, free = gpu.memory_total, gpu.memory_free
    reserved = 0 if total is None else _reserve(total, free)
    return Memory(label=label, index=gpu.index, total=total, free=free, reserved=reserved)


def _reserve(total: int, free: int | None) -> int:
    """As much as is usual, but not more than what is taken: what is free can be had."""
    usual = min(total, max(_LEAST, total * _OF_A_THOUSAND // 1000))
    return usual if free is None else min(usual, max(0, total - free))
