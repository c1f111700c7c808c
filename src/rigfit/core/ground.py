"""Where something is proven: the CPU, or one GPU or MIG instance that a process has for itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from rigfit.core.machine import DriverFault, Gpu, Machine
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.selection import selected_gpus
from rigfit.core.visible import hidden_by
from rigfit.core.words import say


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """`uuid` is what CUDA is told to use: of a MIG instance its own; None where the driver told none. No GPU: the CPU."""

    gpu: Gpu | None = None
    uuid: str | None = None

    @property
    def device(self) -> str:
        return "cpu" if self.gpu is None else "cuda:0"

    @property
    def used(self) -> dict[str, Any] | None:
        """As a result tells of it."""
        if self.gpu is None:
            return None
        part = self.gpu.largest_slice if self.gpu.mig else None
        return {"index": self.gpu.index, "name": (part and part.name) or self.gpu.name, "uuid": self.uuid}

    @property
    def visible(self) -> str:
        """The value of CUDA_VISIBLE_DEVICES that shows it alone, counted as NVML does."""
        return "" if self.gpu is None else self.uuid or str(self.gpu.index)

    @property
    def label(self) -> str:
        if self.gpu is None:
            return say("the CPU")
        part = self.gpu.largest_slice if self.gpu.mig else None
        if part is None:
            return say("GPU {index} ({gpu})", index=self.gpu.index, gpu=self.gpu.label)
        return say(
            "the MIG instance {uuid} of GPU {index} ({name})",
            uuid=part.uuid[:12] if part.uuid else say("of unknown UUID"),
            index=self.gpu.index,
            name=part.name or self.gpu.label,
        )


CPU = Ground()


def grounds(machine: Machine, wish: str, *, instead: str = "") -> tuple[Ground, ...]:
    """Those that `wish` names: an index, a UUID, `all`, or `none` for the CPU.

    Raises ProblemError `driver_fault` or `unknown_gpu` where there are none; `instead` is what can be done without a GPU.
    """
    if wish == "none":
        return (CPU,)
    if isinstance(machine.driver, DriverFault):
        raise ProblemError(faulty(machine.driver, instead=instead))
    found = tuple(ground for gpu in selected_gpus(machine, wish) for ground in _of(gpu, every=wish == "all"))
    if not found:
        what = say("no GPU was seen on this machine")
        raise ProblemError(Problem(code="unknown_gpu", what=what, fix=("rigfit detect",)))
    return found


def faulty(fault: DriverFault, *, instead: str = "") -> Problem:
    """Where a GPU is needed and no driver answers; `instead` is what can be done where there is no GPU at all."""
    if fault.fault != "no_device":
        return Problem(code="driver_fault", what=fault.what, fix=fault.fix)
    look = say("if there should be one: `rigfit doctor` tells what there is")
    return Problem(code="driver_fault", what=fault.what, fix=(*([instead] if instead else ()), *fault.fix, look))


def shown_to_programs(machine: Machine, value: str, order: str | None) -> tuple[Ground, ...]:
    """Those that CUDA_VISIBLE_DEVICES, of that `value`, leaves; `order` is CUDA_DEVICE_ORDER."""
    every = (ground for gpu in machine.gpus for ground in _of(gpu, every=True))
    return tuple(each for each in every if each.gpu and not hidden_by(each.gpu, machine.gpus, value, order))


def _of(gpu: Gpu, *, every: bool) -> Iterator[Ground]:
    """A GPU that is cut into instances runs only these, and each is then all there is of it."""
    if every and gpu.slices:
        yield from (Ground(gpu=replace(gpu, slices=(part,)), uuid=part.uuid) for part in gpu.slices)
    else:
        yield Ground(gpu=gpu, uuid=gpu.target)


def ground_of(machine: Machine, uuid: str | None) -> Ground | None:
    """The one of this UUID; for None, what the driver gave no UUID, the first. None where there is no such GPU now."""
    known = {ground.uuid: ground for gpu in reversed(machine.gpus) for ground in (*_of(gpu, every=True), _whole(gpu))}
    if uuid is None:
        return next((Ground(gpu=gpu, uuid=gpu.target) for gpu in machine.gpus), None)
    return known.get(uuid)


def _whole(gpu: Gpu) -> Ground:
    return Ground(gpu=gpu, uuid=gpu.uuid)
