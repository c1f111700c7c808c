"""What every requirement can do, and the words that several of them use."""

from __future__ import annotations

from typing import Protocol

from rigfit.core.fact import Facts
from rigfit.core.machine import Gpu, Machine
from rigfit.core.verdict import Verdict
from rigfit.core.version import Capability
from rigfit.core.words import say


class Requirement(Protocol):
    """Unknown is never met: a field that could not be read gives `unknown`."""

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        """Judge the machine, or each of the selected `gpus`; one verdict for each."""
        ...


def capability_found(gpu: Gpu) -> str:
    if gpu.compute_capability is None:
        return say("{gpu} of compute capability unknown", gpu=gpu.label)
    return say("{gpu} of compute capability {capability}", gpu=gpu.label, capability=gpu.compute_capability)


def named(capability: Capability, facts: Facts) -> str:
    """`9.0 (Hopper)`."""
    architecture = facts.architecture(capability)
    return f"{capability} ({architecture.name})" if architecture else str(capability)
