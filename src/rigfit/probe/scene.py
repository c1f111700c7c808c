"""A driver's surroundings, by which its silence is understood."""

from __future__ import annotations

from dataclasses import dataclass

from rigfit.core.machine import Platform
from rigfit.core.traces import Traces
from rigfit.core.words import say


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that a fault is judged by, apart from what NVML said."""

    traces: Traces
    platform: Platform

    @property
    def container(self) -> str | None:
        return self.platform.container

    @property
    def host_driver(self) -> str:
        version = self.traces.module_version
        return say("NVIDIA driver {version}", version=version) if version else say("an NVIDIA driver")

    @property
    def cards(self) -> str:
        slots = [card.slot for card in self.traces.cards or ()]
        if len(slots) == 1:
            return say("an NVIDIA GPU ({slot})", slot=slots[0])
        return say("{count} NVIDIA GPUs", count=len(slots)) if slots else say("no NVIDIA GPUs")
