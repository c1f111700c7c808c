"""The GPUs at work: what changes while one looks."""

from __future__ import annotations

from rigfit.core.use import Use
from rigfit.engine.settings import Settings
from rigfit.probe.watching import ask_use


def use_of_gpus(settings: Settings) -> tuple[Use, ...]:
    """Of the machine we run on, whatever machine the settings name; takes some tenths of a second."""
    return ask_use(environ=settings.environ)
