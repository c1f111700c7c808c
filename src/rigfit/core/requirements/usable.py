"""A GPU that programs may use, and that there is one at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rigfit.core.fact import Facts
from rigfit.core.machine import Driver, Gpu, Machine
from rigfit.core.verdict import Verdict
from rigfit.core.words import say

_VIRTUAL = re.compile(r"-\d+([A-Z])$")  # a vGPU's type is named after the card, its memory in GB, and the series


@dataclass(frozen=True, slots=True, kw_only=True)
class Usable:
    """Says a word only where something stands against it."""

    facts: Facts

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        if isinstance(machine.driver, Driver) and not gpus:
            return (
                Verdict(
                    requirement="driver",
                    status="unmet",
                    needed=say("a GPU"),
                    found=say("none"),
                    why=say("the driver answers, and names no GPU"),
                ),
            )
        return tuple(verdict for gpu in gpus for verdict in self._of(gpu))

    def _of(self, gpu: Gpu) -> Iterator[Verdict]:
        series = _VIRTUAL.search(gpu.name or "")
        if series and series[1] in self.facts.virtual_series.without_cuda:
            yield self._without_cuda(gpu, series[1])
        elif gpu.compute_mode == "prohibited":
            command = f"`sudo nvidia-smi -i {gpu.index} -c DEFAULT`"
            yield Verdict(
                requirement="driver",
                status="unmet",
                needed=say("a compute mode that lets programs use the GPU"),
                found=say("{gpu} with compute mode prohibited", gpu=gpu.label),
                why=say("somebody has shut it to programs; {command} lets them", command=command),
                fix=say("{command}, which lets programs use GPU {index}", command=command, index=gpu.index),
                gpu=gpu.index,
            )
        elif gpu.mig and gpu.slices == ():
            command = f"`sudo nvidia-smi mig -i {gpu.index} -cgi 0 -C`"
            yield Verdict(
                requirement="driver",
                status="unmet",
                needed=say("a MIG instance to run on"),
                found=say("{gpu} with MIG on and no instance made", gpu=gpu.label),
                why=say("programs run on instances alone; {command} makes one", command=command),
                fix=say(
                    "{command}, which makes a MIG instance of all of GPU {index}", command=command, index=gpu.index
                ),
                gpu=gpu.index,
            )

    def _without_cuda(self, gpu: Gpu, series: str) -> Verdict:
        return Verdict(
            requirement="driver",
            status="unmet",
            needed=say("a vGPU of a series with CUDA, C or Q"),
            found=say("{gpu}, which is of the series {series}", gpu=gpu.label, series=series),
            why=say("NVIDIA gives CUDA to other series only"),
            source=self.facts.virtual_series.source,
            fix=say("ask whoever runs the host for a vGPU of the series C or Q"),
            gpu=gpu.index,
        )
