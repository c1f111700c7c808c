"""A recorded machine in the application: judged, not set up, and each refusal has the command line that does something."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.stand_ins.command import rigfit
from tests.tui.driving import MACHINES, drive, seen, until, until_shown
from tests.tui.real_runs import CPU, Shop, open_shop
from textual.pilot import Pilot

from rigfit_installer.app import Installer
from rigfit_installer.rig import Rig
from rigfit_installer.screens.plan import PlanScreen

pytestmark = pytest.mark.slow
SIZE = (110, 40)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path / "a place with spaces") as opened:
        yield opened


def rig_for(shop: Shop, machine: str) -> Rig:
    return Rig(replace(shop.settings, machine=MACHINES / machine, base="local"), CPU)


async def ask_for_a_setup(pilot: Pilot[int]) -> None:
    assert isinstance(pilot.app, Installer)
    await until_shown(pilot, "best fit")
    pilot.app.go_to_plan("sample")
    await until_shown(pilot, "nothing can be proven on it", "enter how to set it up")
    await pilot.press("enter")
    await until_shown(pilot, "is a recorded machine", "on that machine")
    assert isinstance(pilot.app.screen, PlanScreen)


def test_the_line_that_is_offered_makes_the_planned_environment_for_that_machine(shop: Shop) -> None:
    app = Installer(rig_for(shop, "cpu-only.json"))

    async def journey(pilot: Pilot[int]) -> None:
        await ask_for_a_setup(pilot)
        assert "rigfit setup sample --variant cpu" in seen(pilot)
        await until_shown(pilot, "[2]  or make it here, unproven, for that machine to prove")
        await pilot.press("2")
        await until(pilot, lambda: app.clipboard)

    drive(app, journey, SIZE)
    program, *words = shlex.split(app.clipboard)
    assert program == "rigfit"
    made = rigfit(*words, "--yes", environ=shop.settings.environ)
    assert made.code == 0, made.err
    assert shop.listed() == [(False, "unproven", False)]


def test_an_environment_is_proven_on_the_machine_it_is_for(shop: Shop) -> None:
    made = rigfit("setup", "sample", *shop.words, "--yes", "--no-verify", environ=shop.settings.environ)
    assert made.code == 0, made.err

    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "best fit")
        await pilot.press("e")
        await until_shown(pilot, "sample-cpu-", "unproven")
        await pilot.press("v")
        await until_shown(pilot, "is a recorded machine", "run `rigfit verify sample-cpu-")

    drive(Installer(rig_for(shop, "cpu-only.json")), journey, SIZE)
