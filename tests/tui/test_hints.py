"""Next steps: what is to be typed can be copied, prose cannot, and the keys that do the same here are told beside."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.driving import drive, job_of, recorded_rig, seen, until, until_shown
from textual.pilot import Pilot

from rigfit.core.event import RunFailed
from rigfit.core.problem import Problem
from rigfit_installer.app import Installer
from rigfit_installer.hints import command_in, hint


@pytest.mark.parametrize(
    ("step", "command"),
    [
        ("sudo reboot", "sudo reboot"),
        ("then `sudo reboot`, and look again", "sudo reboot"),
        ("rigfit repair small-cpu", "rigfit repair small-cpu"),
        ("in Windows: wsl --shutdown, then open this system again", "wsl --shutdown"),
        ("on the host: sudo modprobe nvidia", "sudo modprobe nvidia"),
        (
            "mokutil --sb-state && sudo dmesg | grep -iE 'nvidia|key'",
            "mokutil --sb-state && sudo dmesg | grep -iE 'nvidia|key'",
        ),
        ("free 1.5 GiB", None),
        ("rigfit has no environment for it yet; see NVIDIA's wheels for JetPack", None),
        ("restart this container: the host has withdrawn its right", None),
        ("install a newer NVIDIA driver: 525.60.13 or later, instead of 470", None),
    ],
)
def test_what_is_to_be_typed_is_told_from_prose(step: str, command: str | None) -> None:
    assert command_in(step) == command


@pytest.mark.parametrize(
    ("step", "screen", "told"),
    [
        ("or keep them elsewhere with `--home DIR`", "plan", "here: h names another home"),
        ("or keep them elsewhere with `--home DIR`", "machine", None),
        ("without the GPU, on purpose: `rigfit setup --variant cpu`", "plan", "here: v, and pick cpu"),
        ("`rigfit setup current`, which fits (cu132)", "plan", "here: esc, and pick current in the list"),
        ("`rigfit setup current`, which fits (cu132)", "choose", "here: pick current in the list"),
        ("or take what fits: `rigfit setup old --gpu 1 --variant cpu`", "plan", "here: v, and pick cpu"),
        ("run the same command again", "result", "here: r runs it again"),
        ("rigfit repair small-cpu", "environments", "here: r"),
        ("free 1.5 GiB", "plan", None),
    ],
)
def test_the_keys_of_the_screen_are_told_in_place_of_options(step: str, screen: str, told: str | None) -> None:
    assert hint(step, screen) == told


def test_numbers_stand_before_commands_alone_and_copy_nothing_else(catalog: Path, tmp_path: Path) -> None:
    fix = ("free 1.5 GiB", "or keep them elsewhere with `--home DIR`", "rigfit repair small-cpu")
    failed = RunFailed(problem=Problem(code="disk_full", what="too little", fix=fix))

    async def journey(pilot: Pilot[int]) -> None:
        assert isinstance(pilot.app, Installer)
        pilot.app.run_job(job_of((failed,)))
        await until_shown(pilot, "·   free 1.5 GiB", "[2]  rigfit repair small-cpu", "here: e, then r there")
        await pilot.press("3")
        assert pilot.app.clipboard == ""
        await pilot.press("2")
        await until(pilot, lambda: pilot.app.clipboard == "rigfit repair small-cpu")

    drive(Installer(recorded_rig("cpu-only.json", catalog, tmp_path)), journey)


def test_people_without_root_are_told_once_what_they_can_do(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "no right to `sudo`?")
        assert seen(pilot).count("no right to `sudo`?") == 1

    drive(Installer(recorded_rig("half-installed.json", catalog, tmp_path)), journey, size=(110, 40))
