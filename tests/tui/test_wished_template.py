"""A template, or a recorded machine, that was named at the start."""

from __future__ import annotations

from pathlib import Path

from tests.tui.driving import drive, recorded_rig, seen, until, until_shown
from textual.pilot import Pilot

from rigfit.core.selection import Wish
from rigfit_installer.app import Installer
from rigfit_installer.widgets.template_list import TemplateList


def test_the_list_holds_every_template_and_the_one_that_was_asked_for_is_highlighted(
    catalog: Path, tmp_path: Path
) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "best fit     ! small/cu121", "asked for    ✗ `old` does not fit this machine")
        await pilot.press("enter")
        await until_shown(pilot, "★ chosen", "small", "Why not")
        assert pilot.app.screen.query_one(TemplateList).shown == "old"

    wish = Wish(template="old")
    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path, wish)), journey, size=(100, 40))


def test_a_template_that_is_not_there_is_told_and_the_rest_can_be_chosen(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "there is no template `nix`")
        await pilot.press("enter")
        await until_shown(pilot, "★ chosen")

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path, Wish(template="nix"))), journey, size=(100, 40))


def test_machine_and_choose_say_that_the_machine_is_not_this_one(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "not this one: recorded in h100-580.json", "best fit")
        await pilot.press("enter")
        await until_shown(pilot, "not this one: recorded in h100-580.json", "★ chosen")

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey)


def test_without_a_gpu_one_is_told_that_training_is_slow(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "✓ small/cpu")
        await until(pilot, lambda: "training on a CPU is slow" in seen(pilot))

    drive(Installer(recorded_rig("cpu-only.json", catalog, tmp_path)), journey, size=(120, 40))
