"""A plan that was refused can be asked for again, in the same place."""

from __future__ import annotations

from pathlib import Path

from tests.tui.driving import drive, seen, until, until_shown
from tests.tui.test_plan_screen import open_plan, rig_at
from textual.pilot import Pilot

from rigfit.core.problem import Problem
from rigfit_installer.app import Installer


def test_r_plans_again_once_the_network_is_back(catalog: Path, tmp_path: Path) -> None:
    rig = rig_at(tmp_path, catalog)
    fix = ("run the same command again",)
    rig.problem = Problem(code="network_unreachable", what="the package index cannot be reached", fix=fix)

    async def journey(pilot: Pilot[int]) -> None:
        await open_plan(pilot)
        await until_shown(pilot, "cannot be reached", "here: r plans again", "r plan again")
        rig.problem = None
        await pilot.press("r")
        await until(pilot, lambda: rig.notes.planned)
        await until_shown(pilot, "64 libraries from wheels", "set it up")
        assert "plan again" not in seen(pilot)

    drive(Installer(rig), journey, size=(120, 30))
