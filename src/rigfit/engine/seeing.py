"""The machine alone: what `detect` needs, and no catalog."""

from __future__ import annotations

from rigfit.core.machine import Machine
from rigfit.engine.settings import Settings
from rigfit.probe.machine import detect, read_machine
from rigfit.sources.places import uv_cache


def see(settings: Settings) -> Machine:
    """The machine we run on, or the recorded one that the settings name."""
    if settings.machine is not None:
        return read_machine(settings.machine)
    cache = uv_cache(settings.environ)
    return detect(home=settings.home.path, cache=cache, root=settings.root, environ=settings.environ)
