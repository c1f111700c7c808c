"""What the machine is at a glance, for whoever asks whether a receipt still speaks of it."""

from __future__ import annotations

from rigfit.core.glance import Glance
from rigfit.engine.settings import Settings


def look_at(settings: Settings) -> Glance:
    """Of the machine we run on, or of the recorded one that the settings name."""
    if settings.machine is not None:
        from rigfit.probe.recorded import read_machine

        return read_machine(settings.machine).glance
    from rigfit.probe.glance import glance

    return glance(settings.root)
