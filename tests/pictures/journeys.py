"""The way through the installer on each machine, with a stop wherever a picture is taken."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from unittest.mock import patch

from tests.pictures.posing import Replay
from tests.tui.driving import until, until_shown
from textual.pilot import Pilot

from rigfit.core.event import CheckStarted, Progress
from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.app import Installer
from rigfit_installer.failure import Failure
from rigfit_installer.screens.choose import ChooseScreen
from rigfit_installer.screens.doctor import DoctorScreen
from rigfit_installer.screens.environments import EnvironmentsScreen
from rigfit_installer.screens.result import ResultScreen
from rigfit_installer.widgets.gpu_card import GpuCard
from rigfit_installer.widgets.sheet import Sheet
from rigfit_installer.widgets.template_list import TemplateList

Stops = AsyncIterator[str]
TOO_NEW = """peft==0.17.1
transformers==5.1.0
ImportError: cannot import name 'HybridCache' from 'transformers' (site-packages/transformers/__init__.py)
"""


async def h100(pilot: Pilot[int]) -> Stops:
    app = _app(pilot)
    await _machine(pilot)
    yield "machine"
    await pilot.press("ctrl+t")
    yield "machine-light"
    await pilot.press("ctrl+t")
    await pilot.press("question_mark")
    yield "help"
    await pilot.press("escape", "enter")
    await _judged(pilot)
    yield "choose"
    await _move_to(pilot, "lora-8bit")
    yield "choose-why-not"
    app.go_to_plan("current")
    await until_shown(pilot, said(say("Steps")))
    yield "plan"
    await pilot.press("v")
    await until_shown(pilot, said(say("Which variant")))
    yield "plan-variant"
    await pilot.press("escape")
    replayed = Replay("setup-current-cpu", say("set up"))
    with patch("rigfit_installer.screens.run.time", replayed), patch("rigfit_installer.screens.run._BEAT", 0.002):
        app.run_job(replayed.job)
        await pilot.pause()
        await replayed.until(pilot, lambda event: isinstance(event, Progress) and event.done > 8e8)
        yield "run"
        await pilot.press("x")
        yield "run-stop"
        await pilot.press("n")
        await replayed.until(pilot, lambda event: event == CheckStarted(id="numeric_error"))
        yield "run-proof"
        await replayed.until(pilot, lambda _event: False)
        await until(pilot, lambda: isinstance(app.screen, ResultScreen))
    yield "result"
    await pilot.press("e")
    await until(pilot, lambda: isinstance(app.screen, EnvironmentsScreen) and app.screen.query("CopyLine"))
    await until_shown(pilot, "GiB")
    yield "environments"
    await pilot.press("d")
    yield "environments-remove"


async def mixed(pilot: Pilot[int]) -> Stops:
    await _machine(pilot)
    yield "machine-mixed"
    await pilot.press("enter")
    await _judged(pilot)
    yield "choose-mixed"


async def old_driver(pilot: Pilot[int]) -> Stops:
    await _machine(pilot)
    yield "machine-old-driver"
    await pilot.press("enter")
    await _judged(pilot)
    yield "choose-old-driver"
    _app(pilot).go_to_plan("current")
    await until(pilot, lambda: pilot.app.screen.query("ProblemCard"))
    yield "plan-refused"


async def mismatch(pilot: Pilot[int]) -> Stops:
    await _machine(pilot)
    yield "machine-mismatch"
    _app(pilot).action_doctor()
    await _diagnosed(pilot)
    yield "doctor"


async def no_library(pilot: Pilot[int]) -> Stops:
    await _machine(pilot)
    yield "machine-no-library"


async def failing(pilot: Pilot[int]) -> Stops:
    replayed = Replay("verify-without-library", say("verify again"))
    with patch("rigfit_installer.screens.run.time", replayed), patch("rigfit_installer.screens.run._BEAT", 0.002):
        _app(pilot).run_job(replayed.job)
        await pilot.pause()
        await replayed.until(pilot, lambda _event: False)
        await until(pilot, lambda: isinstance(pilot.app.screen, ResultScreen))
    yield "result-failed"
    _app(pilot).push_screen(DoctorScreen(Failure(text=TOO_NEW, environment=None)))
    await _diagnosed(pilot)
    yield "doctor-failed"


JOURNEYS: dict[str, Callable[[Pilot[int]], Stops]] = {
    "h100-580": h100,
    "v100-a100-535": mixed,
    "v100-450": old_driver,
    "driver-updated-not-rebooted": mismatch,
    "half-installed": no_library,
    "cpu-only": failing,
}


def _app(pilot: Pilot[int]) -> Installer:
    assert isinstance(pilot.app, Installer)
    return pilot.app


async def _machine(pilot: Pilot[int]) -> None:
    """Seen, judged, and looked at for how busy it is."""
    await until_shown(pilot, said(say("platform")))
    await until(pilot, lambda: "..." not in pilot.app.screen.query_one("#host", Sheet).plain)
    _app(pilot).screen._glance()  # type: ignore[attr-defined]
    await until(pilot, lambda: all("°C" in card.plain for card in pilot.app.screen.query(GpuCard)))


async def _diagnosed(pilot: Pilot[int]) -> None:
    """When of the machine is told what could not be looked at, all that could be has been."""
    await until(pilot, lambda: isinstance(pilot.app.screen, DoctorScreen) and pilot.app.screen.query("#host .unknown"))


async def _judged(pilot: Pilot[int]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, ChooseScreen) and pilot.app.screen._judged)
    await pilot.pause()


async def _move_to(pilot: Pilot[int], template: str) -> None:
    listed = pilot.app.screen.query_one(TemplateList)
    while listed.shown != template:
        await pilot.press("down")
    await until(pilot, lambda: pilot.app.screen.query_one("#why_not", Sheet).plain)
