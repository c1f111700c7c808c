"""Every screen of the installer at 80 columns: nothing that it says is cut, in any language."""

from __future__ import annotations

import asyncio
import gettext
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from tests.i18n.cuts import cuts, keys_left_out
from tests.pictures.journeys import JOURNEYS
from tests.pictures.posing import posed_rig
from tests.pictures.taking import LANGUAGES
from tests.tui.driving import job_of, recorded_rig, until, until_shown
from tests.tui.runs import STOPPED, beginning
from textual.pilot import Pilot

from rigfit import language as spoken
from rigfit.catalog.locate import catalog_dir
from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer import curtain
from rigfit_installer.app import Installer
from rigfit_installer.rig import Rig
from rigfit_installer.screens.choose import ChooseScreen
from rigfit_installer.screens.result import ResultScreen
from rigfit_installer.widgets.copy_line import CopyLine
from rigfit_installer.widgets.gpu_card import GpuCard
from rigfit_installer.widgets.sheet import Sheet

SIZE = (80, 24)
MACHINES = (  # with cards, faults and notes of many kinds
    "a100-mig-slices-535",
    "a6000-all-prohibited-570",
    "gb10-580",
    "gtx1650-wsl-537",
    "no-permission",
)


@pytest.fixture(autouse=True, params=LANGUAGES)
def language(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("LANGUAGE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RIGFIT_LANG", str(request.param))
    return str(request.param)


def travel(rig: Rig, journey: Callable[[Pilot[int]], Awaitable[None]]) -> None:
    async def travelled() -> None:
        app = Installer(rig)
        app.animation_level = "none"
        async with app.run_test(size=SIZE, notifications=True) as pilot:
            await journey(pilot)

    asyncio.run(travelled())


async def nothing_is_cut(pilot: Pilot[int]) -> None:
    await pilot.pause()
    assert cuts(pilot.app) == []
    if os.environ["RIGFIT_LANG"] == "zh_CN":  # whose words are short enough
        assert keys_left_out(pilot.app) == []


async def judged(pilot: Pilot[int]) -> None:
    """On the first screen."""
    await until_shown(pilot, said(say("platform")))
    await until(pilot, lambda: said(say("best fit")) in pilot.app.screen.query_one("#host", Sheet).plain)


def installer(pilot: Pilot[int]) -> Installer:
    assert isinstance(pilot.app, Installer)
    return pilot.app


@pytest.mark.parametrize("machine", JOURNEYS)
def test_nothing_is_cut_on_the_way(machine: str) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        async for _stop in JOURNEYS[machine](pilot):
            await nothing_is_cut(pilot)

    travel(posed_rig(machine), journey)


@pytest.mark.parametrize("machine", MACHINES)
def test_nothing_is_cut_of_a_machine_and_of_what_fits_it(machine: str) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await judged(pilot)
        pilot.app.screen._glance()  # type: ignore[attr-defined]
        await until(pilot, lambda: all("°C" in card.plain for card in pilot.app.screen.query(GpuCard)))
        await nothing_is_cut(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChooseScreen) and pilot.app.screen._judged)
        for _template in range(5):
            await nothing_is_cut(pilot)
            await pilot.press("down")

    travel(posed_rig(machine), journey)


def test_nothing_is_cut_of_what_is_asked_and_told_on_the_way() -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await judged(pilot)
        await pilot.press("ctrl+p")
        await until_shown(pilot, said(say("leave")))
        await nothing_is_cut(pilot)
        await pilot.press("escape", "enter", *"nowhere")
        await until_shown(pilot, "`nowhere`")
        await nothing_is_cut(pilot)
        installer(pilot).go_to_plan("current")
        await until_shown(pilot, said(say("Steps")))
        for key, title in (("g", say("Which GPU")), ("h", say("Where environments and receipts are kept"))):
            await pilot.press(key)
            await until_shown(pilot, said(title))
            await nothing_is_cut(pilot)
            await pilot.press("escape")
        await pilot.press("enter")  # a recorded machine is not set up
        await until_shown(pilot, said(say("What to do")))
        await nothing_is_cut(pilot)

    travel(posed_rig("h100-580"), journey)


def test_nothing_is_cut_of_a_run_that_was_stopped() -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await judged(pilot)
        installer(pilot).run_job(job_of((*beginning(), STOPPED)))
        await until(pilot, lambda: isinstance(pilot.app.screen, ResultScreen))
        await pilot.press("l")
        await nothing_is_cut(pilot)

    travel(posed_rig("cpu-only"), journey)


def test_nothing_is_cut_where_there_is_no_environment_and_none_of_what_is_told_of_one(tmp_path: Path) -> None:
    async def nothing_there(pilot: Pilot[int]) -> None:
        await judged(pilot)
        await pilot.press("e")
        await until_shown(pilot, said(say("No environment yet. Pick a template on Choose to set one up.")))
        await nothing_is_cut(pilot)

    async def one_there(pilot: Pilot[int]) -> None:
        await judged(pilot)
        await pilot.press("e")
        await until(pilot, lambda: pilot.app.screen.query(CopyLine))
        await pilot.press("1")
        await until(pilot, lambda: pilot.app.screen.query("Toast"))
        await nothing_is_cut(pilot)

    travel(recorded_rig("cpu-only.json", catalog_dir(None), tmp_path), nothing_there)
    travel(posed_rig("cpu-only"), one_there)


def test_the_first_frame_has_room() -> None:
    assert [line for line in curtain._lines() if cell_len(line) > SIZE[0]] == []


class Wordy(gettext.NullTranslations):
    """A language that takes many more words for everything."""

    def gettext(self, message: str) -> str:
        return f"《{message}》" * 3


def test_what_has_no_room_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await judged(pilot)
        assert [cut for cut in cuts(pilot.app) if "Trail" in cut]
        assert keys_left_out(pilot.app)
        await pilot.press("e")
        await until(pilot, lambda: pilot.app.screen.query(CopyLine))
        await pilot.pause()
        assert [cut for cut in cuts(pilot.app) if "MarkedList" in cut]

    monkeypatch.setattr(spoken, "_catalog", lambda _: Wordy())
    travel(posed_rig("h100-580"), journey)
