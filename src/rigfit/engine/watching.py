"""The GPUs at work: what changes while one looks."""

from __future__ import annotations

import threading

from rigfit.core.event import Check
from rigfit.core.machine import Gpu
from rigfit.core.use import Use
from rigfit.core.words import say
from rigfit.engine.settings import Settings
from rigfit.probe.watching import ask_use

_EVERY = 5.0  # seconds
_PATIENCE = 12.0  # seconds, for two looks that take as long as they may


def use_of_gpus(settings: Settings) -> tuple[Use, ...]:
    """Of the machine we run on, whatever machine the settings name; takes some tenths of a second."""
    return ask_use(root=settings.root, environ=settings.environ)


def use_of(gpu: Gpu, settings: Settings) -> Use | None:
    """Of this GPU, by its UUID: where another was lost meanwhile, the numbers are not the same."""
    found = use_of_gpus(settings)
    same = (use for use in found if use.index == gpu.index and None in (use.uuid, gpu.uuid))
    return next((use for use in found if use.uuid is not None and use.uuid == gpu.uuid), next(same, None))


class Watch:
    """Looks at one GPU every few seconds until it is told to end."""

    def __init__(self, settings: Settings, gpu: Gpu) -> None:
        self._settings = settings
        self._gpu = gpu
        self._seen: list[Use] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> Check:
        """The check `gpu_health` of what was seen, from before the first step to after the last."""
        self._over.set()
        self._thread.join(_PATIENCE)
        return health(tuple(self._seen))

    def _look(self) -> None:
        self._glance()
        while not self._over.wait(_EVERY):
            self._glance()
        self._glance()

    def _glance(self) -> None:
        use = use_of(self._gpu, self._settings)
        self._seen += [] if use is None else [use]


def health(seen: tuple[Use, ...]) -> Check:
    """Fails where uncorrected memory errors were counted meanwhile; skipped where the driver counts none, as on a GeForce."""
    errors = _range([use.ecc_uncorrected for use in seen])
    measured = {
        "celsius": _range([use.celsius for use in seen]),
        "clock_mhz": _range([use.clock for use in seen]),
        "ecc_uncorrected": errors,
        "slowdown": sorted({word for use in seen for word in use.slowdown}),
        "looks": len(seen),
    }
    expected = say("no new uncorrected memory error")
    if sum(use.ecc_uncorrected is not None for use in seen) < len(("before", "after")):
        why = say("this GPU does not count memory errors, or the driver does not tell them")
        return Check(id="gpu_health", status="skipped", measured=measured, why=why)
    if errors and errors[1] > errors[0]:
        why = say("{count} uncorrected memory errors while it ran", count=errors[1] - errors[0])
        return Check(id="gpu_health", status="failed", measured=measured, expected=expected, why=why, code="gpu_memory")
    return Check(id="gpu_health", status="passed", measured=measured, expected=expected)


def _range(values: list[int | None]) -> list[int] | None:
    told = [value for value in values if value is not None]
    return [min(told), max(told)] if told else None
