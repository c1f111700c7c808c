"""A real run that is stopped through the application, in each of its steps and between them: nothing stays half-listed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.stand_ins.command import RIGFIT, rigfit
from tests.stand_ins.proof import gate
from tests.tui.driving import drive, seen, until, until_shown
from tests.tui.real_runs import CONDA_PYTHON, LIBRARY, LOCAL_PYTHON, PausingRig, Shop, open_shop
from tests.tui.terminals import terminal
from textual.pilot import Pilot

from rigfit.core.event import Event, RunStarted, StepFinished
from rigfit.core.plan import BaseKind
from rigfit_installer.app import Installer
from rigfit_installer.screens.environments import EnvironmentsScreen
from rigfit_installer.screens.result import ResultScreen
from rigfit_installer.screens.run import RunScreen

pytestmark = pytest.mark.slow
UNFINISHED, PROVEN = (False, "unfinished", False), (True, "proven", True)
SIZE = (100, 40)


@dataclass(frozen=True, kw_only=True)
class Held:
    """What the shop keeps back, what the screen shows meanwhile, and what has been fetched by then."""

    path: str
    shown: str
    whole: tuple[str, ...] = ()
    base: BaseKind = "conda"


STEPS = {
    "base, from the channel": Held(path=CONDA_PYTHON, shown="▸  Python from conda-forge"),
    "base, of this machine": Held(path=LOCAL_PYTHON, shown="▸  Python 3.", base="local"),
    "libraries": Held(path=LIBRARY, shown="▸  2 libraries from wheels", whole=(CONDA_PYTHON,)),
    "verify, first check": Held(path=gate("imports"), shown="checking imports", whole=(CONDA_PYTHON, LIBRARY)),
    "verify, last check": Held(
        path=gate("adapter_roundtrip"), shown="checking adapter_roundtrip", whole=(CONDA_PYTHON, LIBRARY)
    ),
}
each_step = pytest.mark.parametrize("held", STEPS.values(), ids=STEPS)


def step_is_finished(step: str) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, StepFinished) and event.step == step


MOMENTS: dict[str, Callable[[Event], bool]] = {
    "before the first step": lambda event: isinstance(event, RunStarted),
    "between base and libraries": step_is_finished("base"),
    "between libraries and verify": step_is_finished("libraries"),
}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path) as opened:
        yield opened


async def begin(pilot: Pilot[int]) -> None:
    """From the first screen to the run, by its keys."""
    await until_shown(pilot, "best fit", "sample/cpu")
    await pilot.press("enter")
    await until_shown(pilot, "★ chosen", "sample")
    await pilot.press("enter")
    await until_shown(pilot, "Nothing has been done so far")
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))


async def waits(pilot: Pilot[int], shop: Shop, held: Held) -> None:
    """The step is under way, and cannot end."""
    await until(pilot, shop.site.hanging.is_set)
    await until_shown(pilot, held.shown)
    assert shop.at_work()


async def stop(pilot: Pilot[int]) -> None:
    await pilot.press("x")
    await until_shown(pilot, "Stop this run?")
    await pilot.press("y")


async def nothing_is_half_listed(pilot: Pilot[int], shop: Shop) -> None:
    """On the screens, and for the command; nor is anything left at work."""
    await until_shown(pilot, "Stopped: sample-cpu-", "As you asked", "r run again")
    await until(pilot, lambda: not shop.at_work())
    assert (shop.listed(), shop.records()) == ([UNFINISHED], [])
    await pilot.press("e")
    await until_shown(pilot, "unfinished: not usable", "sample-cpu-", "its setup was interrupted")
    assert "rigfit run" not in seen(pilot)
    await pilot.press("escape")
    await until(pilot, lambda: isinstance(pilot.app.screen, ResultScreen))


async def it_is_proven(pilot: Pilot[int], shop: Shop) -> None:
    """On the screens, and for the command."""
    await until_shown(pilot, "✓ Proven: sample-cpu-", "on cpu, level full")
    assert shop.listed() == [PROVEN]
    await pilot.press("e")
    await until_shown(pilot, "✓ proven", "rigfit run --home")
    assert not shop.at_work()


@each_step
def test_a_run_that_is_stopped_is_not_listed_and_goes_on_from_what_was_fetched(held: Held, shop: Shop) -> None:
    shop = shop.based_on(held.base)

    async def journey(pilot: Pilot[int]) -> None:
        shop.hold(held.path)
        await begin(pilot)
        await waits(pilot, shop, held)
        await stop(pilot)
        await nothing_is_half_listed(pilot, shop)
        shop.let_go(held.path)
        before = [shop.fetched(path) for path in held.whole]
        await pilot.press("r")
        await it_is_proven(pilot, shop)
        assert [shop.fetched(path) for path in held.whole] == before

    drive(Installer(shop.rig()), journey, SIZE)


@each_step
def test_a_run_that_is_not_to_be_stopped_after_all_goes_on_to_its_end(held: Held, shop: Shop) -> None:
    shop = shop.based_on(held.base)

    async def journey(pilot: Pilot[int]) -> None:
        shop.hold(held.path)
        await begin(pilot)
        await waits(pilot, shop, held)
        await pilot.press("x")
        await until_shown(pilot, "Stop this run?", "stays unfinished")
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
        assert shop.at_work()
        shop.site.release.set()
        await it_is_proven(pilot, shop)

    drive(Installer(shop.rig()), journey, SIZE)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_that_is_stopped_between_two_steps_is_not_listed_and_can_be_run_again(moment: str, shop: Shop) -> None:
    rig = PausingRig(shop, MOMENTS[moment])

    async def journey(pilot: Pilot[int]) -> None:
        await begin(pilot)
        await until(pilot, lambda: rig.paused)
        await stop(pilot)
        await nothing_is_half_listed(pilot, shop)
        await pilot.press("r")
        await it_is_proven(pilot, shop)

    drive(Installer(rig), journey, SIZE)


def test_what_has_passed_its_last_check_is_proven_even_if_it_was_to_be_stopped(shop: Shop) -> None:
    rig = PausingRig(shop, step_is_finished("verify"))

    async def journey(pilot: Pilot[int]) -> None:
        await begin(pilot)
        await until(pilot, lambda: rig.paused)
        await stop(pilot)
        await it_is_proven(pilot, shop)

    drive(Installer(rig), journey, SIZE)


def test_a_repair_that_is_stopped_leaves_no_receipt_of_what_it_has_taken_away(shop: Shop) -> None:
    held = STEPS["verify, first check"]

    async def journey(pilot: Pilot[int]) -> None:
        await begin(pilot)
        await it_is_proven(pilot, shop)
        shop.hold(held.path)
        await pilot.press("r")
        await until_shown(pilot, "afresh?")
        await pilot.press("y")
        await waits(pilot, shop, held)
        await stop(pilot)
        await nothing_is_half_listed(pilot, shop)

    drive(Installer(shop.rig()), journey, SIZE)


def test_a_verification_that_is_stopped_says_nothing_against_the_earlier_proof(shop: Shop) -> None:
    held = STEPS["verify, last check"]

    async def journey(pilot: Pilot[int]) -> None:
        await begin(pilot)
        await it_is_proven(pilot, shop)
        shop.hold(held.path)
        await pilot.press("v")
        await waits(pilot, shop, held)
        await pilot.press("x")
        await until_shown(pilot, "Stop this run?", "stays as it is")
        assert "unfinished" not in seen(pilot)
        await pilot.press("y")
        await until_shown(pilot, "Stopped: sample-cpu-", "The environment is as it was before")
        assert "unfinished" not in seen(pilot)
        assert shop.listed() == [PROVEN]
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, EnvironmentsScreen))
        await until_shown(pilot, "✓ proven", "rigfit run --home")

    drive(Installer(shop.rig()), journey, SIZE)


@each_step
def test_a_terminal_that_is_closed_stops_the_run_and_the_command_line_goes_on_with_it(held: Held, shop: Shop) -> None:
    words = (*shop.words, "--base", held.base)
    shop.hold(held.path)
    with terminal(RIGFIT, *words, **shop.settings.environ) as opened:
        for shown in ("sample/cpu", "chosen", "Nothing has been done so far"):
            opened.wait_for(shown)
            opened.type("\r")
        assert shop.site.hanging.wait(30)
        opened.hang_up()
        assert opened.end() == 130
    assert not shop.at_work()
    assert (shop.listed(), shop.records()) == ([UNFINISHED], [])
    shop.let_go(held.path)
    again = rigfit("setup", "sample", *words, "--yes", environ=shop.settings.environ)
    assert again.code == 0, again.err
    assert shop.listed() == [PROVEN]
