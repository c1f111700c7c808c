"""Whether there is a machine at all that a variant can be given: the best imaginable one of each architecture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rigfit.catalog.locate import TEMPLATE_FILE
from rigfit.catalog.place import Place
from rigfit.core.fact import Architecture, Facts
from rigfit.core.machine import Driver, DriverFault, Gpu, Machine, Platform
from rigfit.core.problem import Problem
from rigfit.core.requirements.platform import PLATFORMS
from rigfit.core.selection import Candidate, Wish, judge
from rigfit.core.template import Stack, Variant
from rigfit.core.version import Version
from rigfit.core.words import joined, say

_PLENTY = 1 << 46  # bytes


def out_of_reach(variant: Variant, folder: Path, facts: Facts) -> Iterator[Problem]:
    """For each platform on which `variant` fits none of these machines, with what stands against it on the nearest."""
    for stack in variant.stacks:
        machines = [*_ideal_machines(stack, facts, with_gpu=not variant.is_cpu)]
        judged = [(machine, judge(machine, machine.gpus, variant, facts, Wish())) for machine in machines]
        if not any(candidate.fits for _, candidate in judged):
            place = Place(file=folder / TEMPLATE_FILE, key=f"variants[{variant.name}].platforms")
            needed = say(
                "a machine that can be given {template}/{variant} on {platform}",
                template=variant.template,
                variant=variant.name,
                platform=stack.platform,
            )
            fix = (
                say("leave that variant or platform out"),
                say("pin versions that work there"),
                say("or add the fact that is missing"),
            )
            yield place.wrong(needed=needed, found=joined(say("; "), [say("none"), _nearest(judged)]), fix=fix).problem


def _ideal_machines(stack: Stack, facts: Facts, *, with_gpu: bool) -> Iterator[Machine]:
    bare = Machine(
        platform=Platform(os="linux", arch=PLATFORMS[stack.platform], glibc=stack.glibc),
        driver=DriverFault(fault="no_device", what=say("there is no NVIDIA GPU in this machine")),
        memory_total=_PLENTY,
        disk_free=_PLENTY,
        cache_disk_free=_PLENTY,
    )
    if not with_gpu:
        yield bare
        return
    for architecture in facts.architectures:
        for example in architecture.examples:
            gpu = _gpu(architecture, example)
            yield replace(bare, driver=Driver(version=_newest_driver(architecture, facts)), gpus=(gpu,))


def _gpu(architecture: Architecture, name: str) -> Gpu:
    memory = None if architecture.unified else _PLENTY
    return Gpu(
        index=0,
        name=name,
        compute_capability=architecture.capability,
        memory_total=memory,
        memory_free=memory,
        mig=False,
        compute_mode="default",
    )


def _newest_driver(architecture: Architecture, facts: Facts) -> Version:
    """The newest known one, or the end of the last branch that supports such a GPU."""
    newest = max(row.toolkit for row in facts.drivers)
    ends = [row.branch for row in facts.last_drivers if row.lowest <= architecture.capability <= row.highest]
    return min([newest, *(Version(f"{branch}.999") for branch in ends)])


def _nearest(judged: list[tuple[Machine, Candidate]]) -> str:
    """The machine with the fewest verdicts against the variant, and these."""
    if not judged:
        return say("no architecture is known")
    machine, candidate = min(judged, key=lambda pair: len(pair[1].against))
    if isinstance(machine.driver, Driver):
        driver = say("driver {version}", version=machine.driver.version)
    else:
        driver = say("no NVIDIA device")
    what = joined(", ", [machine.platform.arch, *(gpu.label for gpu in machine.gpus[:1]), driver])
    reasons = joined(say("; "), (verdict.words for verdict in candidate.against))
    return say("the nearest ({machine}): {reasons}", machine=what, reasons=reasons)
