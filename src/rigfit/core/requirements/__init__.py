"""What a variant needs of a machine, derived from its locked versions and the facts."""

from __future__ import annotations

from rigfit.core.fact import Facts
from rigfit.core.requirements.base import Requirement
from rigfit.core.requirements.driver import NewEnoughDriver, NoDevice
from rigfit.core.requirements.gpu_code import GpuCode
from rigfit.core.requirements.platform import Glibc, OnPlatform, platform_name
from rigfit.core.requirements.quantization import CpuQuantization, GpuQuantization
from rigfit.core.requirements.room import EnoughDisk, EnoughGpuMemory
from rigfit.core.requirements.usable import Usable
from rigfit.core.template import Stack, Variant

__all__ = ["Requirement", "platform_name", "requirements_of"]


def requirements_of(
    variant: Variant, stack: Stack, facts: Facts, *, asked: bool, there: bool
) -> tuple[Requirement, ...]:
    """Everything that `variant` needs as `stack`, best understood in this order.

    `asked` says that this variant was named, `there` that its environment stands already.
    """
    general: tuple[Requirement, ...] = (
        OnPlatform(platforms=variant.platforms),
        Glibc(least=stack.glibc, because=stack.glibc_because),
    )
    disk = EnoughDisk(least=stack.disk, there=there)
    if variant.cuda is None:
        return (*general, NoDevice(asked=asked), CpuQuantization(stack=stack, facts=facts), disk)
    return (
        *general,
        NewEnoughDriver(cuda=variant.cuda, facts=facts),
        Usable(facts=facts),
        GpuCode(torch=stack.versions["torch"], cuda=variant.cuda, facts=facts),
        GpuQuantization(stack=stack, cuda=variant.cuda, accepts=variant.accepts, facts=facts),
        EnoughGpuMemory(facts=facts),
        disk,
    )
