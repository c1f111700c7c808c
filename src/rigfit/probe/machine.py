"""The Machine: this one, as its drivers and files tell it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from rigfit.core.machine import Driver, DriverFault, Gpu, Machine, Platform
from rigfit.core.words import say
from rigfit.probe import host
from rigfit.probe.asking import LIMIT, Answer, ask
from rigfit.probe.fault import of_answer, of_silence
from rigfit.probe.reading import version_or_none
from rigfit.probe.recorded import read_machine
from rigfit.probe.scene import Scene
from rigfit.probe.traces import look
from rigfit.sources.places import free_bytes

__all__ = ["detect", "read_machine"]

_OVERRIDE = "CONDA_OVERRIDE_CUDA"


def detect(
    *,
    home: Path,
    cache: Path,
    root: Path = Path("/"),
    environ: Mapping[str, str] = os.environ,
    limit: float = LIMIT,
) -> Machine:
    """The machine that this runs on; never raises. NVML gets `limit` seconds.

    `home` and `cache` need not exist yet. `root` is where /proc, /sys, /dev and the library folders are looked for.
    CUDA_VISIBLE_DEVICES changes nothing.
    """
    platform = host.platform(root=root, environ=environ)
    driver, gpus = _drivers(platform, root, environ, limit)
    return Machine(
        platform=platform,
        driver=driver,
        gpus=gpus,
        memory_total=host.memory_total(root),
        disk_free=free_bytes(home),
        cache_disk_free=free_bytes(cache),
    )


def _drivers(
    platform: Platform, root: Path, environ: Mapping[str, str], limit: float
) -> tuple[Driver | DriverFault, tuple[Gpu, ...]]:
    """The driver and its GPUs, or the fault and what GPUs were seen all the same."""
    override = environ.get(_OVERRIDE)
    if override is not None and not override.strip():
        return _overridden_away(), ()
    driver, gpus = _ask_driver(platform, root, environ, limit)
    if override is None or isinstance(driver, DriverFault):
        return driver, gpus
    cuda = version_or_none(override)
    return (_override_unreadable(override) if cuda is None else replace(driver, cuda=cuda)), gpus


def _ask_driver(
    platform: Platform, root: Path, environ: Mapping[str, str], limit: float
) -> tuple[Driver | DriverFault, tuple[Gpu, ...]]:
    said = ask(root=root, environ=environ, limit=limit)
    if isinstance(said, Answer) and said.is_sound and said.driver is not None:
        return Driver(version=said.driver, cuda=said.cuda), said.gpus
    scene = Scene(traces=look(root=root, environ=environ, kernel=platform.kernel), platform=platform)
    if isinstance(said, Answer):
        return of_answer(said, scene), said.gpus
    return of_silence(said, scene), ()


def _overridden_away() -> DriverFault:
    return DriverFault(
        fault="no_driver",
        what=say("the variable {name} is set and empty, which says that there is no NVIDIA driver", name=_OVERRIDE),
        fix=(f"unset {_OVERRIDE}",),
        cause="cuda_override",
    )


def _override_unreadable(text: str) -> DriverFault:
    return DriverFault(
        fault="unknown",
        what=say("the variable {name} is {text!r}, which is no CUDA version such as 12.4", name=_OVERRIDE, text=text),
        fix=(f"unset {_OVERRIDE}",),
        cause="cuda_override",
    )
