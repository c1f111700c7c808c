"""Where the shell does not know `rigfit`, the result says what to do first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.tui.driving import drive, job_of, plain_environ, recorded_rig, until, until_shown
from tests.tui.runs import NAME, passed
from textual.pilot import Pilot

from rigfit.core.selection import Wish
from rigfit_installer.app import Installer
from rigfit_installer.reach import path_lines
from rigfit_installer.rig import Rig


def test_where_the_shell_does_not_know_rigfit_the_line_that_tells_it_comes_first(catalog: Path, tmp_path: Path) -> None:
    settings = replace(
        recorded_rig("cpu-only.json", catalog, tmp_path).settings,
        environ=plain_environ(PATH="/nowhere", HOME=str(tmp_path)),
    )

    async def journey(pilot: Pilot[int]) -> None:
        assert isinstance(pilot.app, Installer)
        pilot.app.run_job(job_of(passed(), NAME))
        await until_shown(pilot, "✓ Proven", "first, once", "export PATH=")
        await pilot.press("1")
        await until(pilot, lambda: pilot.app.clipboard.startswith('export PATH="'))

    drive(Installer(Rig(settings, Wish())), journey, size=(120, 40))


def test_the_folder_is_that_of_the_link_where_there_is_one_and_the_line_is_that_of_the_shell(tmp_path: Path) -> None:
    environ = {"PATH": "/nowhere", "HOME": str(tmp_path), "SHELL": "/usr/bin/fish"}
    link = tmp_path / ".local" / "bin" / "rigfit"
    link.parent.mkdir(parents=True)
    link.write_text("#!/bin/sh\n")
    link.chmod(0o755)
    assert [line for _what_for, line in path_lines(environ)] == [f'fish_add_path "{link.parent}"']
    assert path_lines({**environ, "PATH": str(link.parent)}) == ()
