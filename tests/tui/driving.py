"""Drives the installer as a person does: keys in, what the screen shows out."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path

from tests.stand_ins.catalogs import lock_by_hand, make_small_catalog
from textual.pilot import Pilot

from rigfit.core.cancel import Cancel
from rigfit.core.event import Event
from rigfit.core.selection import Wish
from rigfit.core.words import say
from rigfit.engine.settings import Settings
from rigfit.store.paths import Home
from rigfit_installer.app import Installer
from rigfit_installer.job import Job
from rigfit_installer.rig import Rig

MACHINES = Path(__file__).resolve().parents[1] / "machines"
Journey = Callable[[Pilot[int]], Awaitable[None]]
_PATIENCE = 20.0  # seconds, for a machine that does much else
OLD = {
    "cu121": {"torch": "2.1.2", "bitsandbytes": "0.41.2.post2", "peft": "0.2.0", "pip": "26.0"},
    "cpu": {"torch": "2.13.0+cpu", "bitsandbytes": "0.41.2.post2", "peft": "0.2.0", "pip": "26.0"},
}


def drive(app: Installer, journey: Journey, size: tuple[int, int] = (80, 24)) -> Installer:
    async def driven() -> None:
        async with app.run_test(size=size) as pilot:
            await journey(pilot)

    asyncio.run(driven())
    return app


def two_templates(folder: Path) -> Path:
    """A catalog of `small`, and of `old` with a bitsandbytes that has no 8-bit for new GPUs."""
    catalog = make_small_catalog(folder)
    old = catalog / "old"
    old.mkdir()
    recipe = (
        (catalog / "small" / "template.toml").read_text().replace('"small"', '"old"').replace("rank = 1", "rank = 2")
    )
    (old / "template.toml").write_text(recipe.replace("A small template", "An old template"))
    environment = (catalog / "small" / "environment.yml").read_text().replace("name: small", "name: old")
    (old / "environment.yml").write_text(environment)
    lock_by_hand(old, OLD)
    return catalog


def recorded_rig(machine: str | Path, catalog: Path, home: Path, wish: Wish | None = None) -> Rig:
    file = machine if isinstance(machine, Path) else MACHINES / machine
    environ = plain_environ(RIGFIT_HOME=str(home))  # so that a command finds it by itself
    settings = Settings(home=Home(home), environ=environ, catalog=catalog, machine=file)
    return Rig(settings, wish or Wish())


def plain_environ(**more: str) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # where rigfit is
    return {"PATH": path, "HOME": "/nowhere", "TERM": "xterm-256color", "LANG": "C.UTF-8", **more}


def job_of(events: Iterable[Event], name: str = "small-cpu-00000000") -> Job:
    return Job(environment=name, title=say("set up"), events=lambda _cancel: iter(events))


def job_until_stopped(
    first: Iterable[Event], last: Event, name: str = "small-cpu-00000000"
) -> tuple[Job, list[Cancel]]:
    """Comes to its end only when it is cancelled; the list holds the Cancel of each start."""
    cancels: list[Cancel] = []

    def events(cancel: Cancel) -> Iterator[Event]:
        import threading

        cancels.append(cancel)
        woken = threading.Event()
        with cancel.on_cancel(woken.set):
            yield from first
            woken.wait(_PATIENCE)
        yield last

    return Job(environment=name, title=say("set up"), events=events), cancels


async def until(pilot: Pilot[int], reached: Callable[[], object]) -> None:
    """Let the application go on until `reached` is true."""
    deadline = time.monotonic() + _PATIENCE
    while not reached():
        assert time.monotonic() < deadline, f"not reached; the screen shows:\n{seen(pilot)}"
        await pilot.pause(0.02)
    await pilot.pause()


async def until_shown(pilot: Pilot[int], *texts: str) -> None:
    await until(pilot, lambda: all(text in seen(pilot) for text in texts))


def seen(pilot: Pilot[int]) -> str:
    """The lines of the terminal, as a person reads them."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)
