"""What holds on every screen: help, palette, themes, poor terminals, sizes, and leaving."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.driving import (
    MACHINES,
    drive,
    job_of,
    job_until_stopped,
    plain_environ,
    recorded_rig,
    seen,
    until,
    until_shown,
)
from tests.tui.runs import NAME, STOPPED, beginning, failed, passed
from textual.command import CommandPalette
from textual.pilot import Pilot

from rigfit.core.selection import Wish
from rigfit.engine.settings import Settings
from rigfit_installer.app import Installer
from rigfit_installer.plain import ascii_only, is_poor
from rigfit_installer.rig import Rig
from rigfit_installer.screens.help import HelpScreen
from rigfit_installer.widgets.key_line import KeyLine
from rigfit_installer.widgets.sheet import Sheet

SIZES = [(80, 24), (104, 30), (200, 60)]


async def each_screen(pilot: Pilot[int], look: object) -> None:
    """Along the journey; `look` is called on each screen once it stands."""
    assert isinstance(pilot.app, Installer)
    assert callable(look)
    await until_shown(pilot, "best fit")
    await look("machine")
    await pilot.press("enter")
    await until_shown(pilot, "needed")
    await look("choose")
    pilot.app.go_to_plan("old")
    await until_shown(pilot, "no variant of `old`")
    await look("plan")
    job, cancels = job_until_stopped(beginning(), STOPPED)
    pilot.app.run_job(job)
    await until_shown(pilot, "64 libraries")
    await look("run")
    cancels[0].request()
    await until_shown(pilot, "As you asked")
    pilot.app.run_job(job_of(passed(), NAME))
    await until_shown(pilot, "✓ Proven" if not is_poor(pilot.app.rig.settings.environ) else "+ Proven")
    await look("result")
    pilot.app.run_job(job_of(failed(), NAME))
    await until_shown(pilot, "1 of 2 checks failed")
    await look("failure")
    await pilot.press("d")
    await until_shown(pilot, "The run that failed", "a recorded machine does")
    await look("doctor")
    await pilot.press("escape", "e")
    await until_shown(pilot, "No environment yet")
    await look("environments")
    await pilot.press("question_mark")
    await until_shown(pilot, "Keys of this screen")
    await look("help")


@pytest.mark.parametrize("size", SIZES)
def test_every_screen_stands_at_every_size_and_when_it_changes(
    size: tuple[int, int], catalog: Path, tmp_path: Path
) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        async def look(name: str) -> None:
            for width, height in (*SIZES, size):
                await pilot.resize_terminal(width, height)
                await pilot.pause()
                lines = seen(pilot).splitlines()
                assert len(lines) == height, name
                if name != "help":
                    assert "rigfit" in lines[0], name
                    assert "quit" in lines[-1], name
                    assert "help" in lines[-1], name

        await each_screen(pilot, look)

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey, size=size)


def test_on_a_poor_terminal_nothing_but_ascii_is_drawn(catalog: Path, tmp_path: Path) -> None:
    settings = Settings(
        home=recorded_rig("h100-580.json", catalog, tmp_path).settings.home,
        environ=plain_environ(RIGFIT_ASCII="1"),
        catalog=catalog,
        machine=MACHINES / "h100-580.json",
    )

    async def journey(pilot: Pilot[int]) -> None:
        async def look(name: str) -> None:
            await pilot.pause()
            drawn = seen(pilot)
            assert drawn.isascii(), (name, sorted({sign for sign in drawn if not sign.isascii()}))
            assert "?" not in drawn.replace("? help", "").replace("  ? ", ""), name

        await each_screen(pilot, look)

    drive(Installer(Rig(settings, Wish())), journey)


@pytest.mark.parametrize(
    ("environ", "poor"),
    [
        ({"TERM": "xterm-256color", "LANG": "en_US.UTF-8"}, False),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "linux", "LANG": "en_US.UTF-8"}, True),
        ({"TERM": "xterm", "LANG": "en_US.ISO-8859-1"}, True),
        ({"TERM": "xterm", "LC_ALL": "C", "LANG": "en_US.UTF-8"}, True),
        ({"TERM": "xterm", "LC_ALL": "zh_CN.utf8@pinyin"}, False),
        ({"TERM": "linux", "RIGFIT_ASCII": "0"}, False),
        ({"TERM": "xterm", "RIGFIT_ASCII": "1"}, True),
    ],
)
def test_a_terminal_is_poor_by_its_name_its_charset_or_by_wish(environ: dict[str, str], *, poor: bool) -> None:
    assert is_poor(environ) is poor


def test_stand_ins_for_signs_are_as_wide_and_letters_of_other_languages_stay() -> None:
    assert ascii_only("╭─ ✓ ok ─╮ │ ████░░ │ ⚠ 64 °C") == "+- + ok -+ | ####.. | ? 64 ?C"
    assert ascii_only("机器 ✓") == "机器 +"


def test_help_tells_the_keys_of_the_screen_and_the_words_people_confuse(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "best fit")
        await pilot.press("question_mark")
        await until_shown(pilot, "look again: asks the machine afresh", "driver CUDA", "build CUDA")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, HelpScreen))

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey, size=(100, 40))


@pytest.mark.parametrize("width", [80, 70])
def test_help_and_quit_have_their_room_in_the_last_line_whatever_else_has_none(
    width: int, catalog: Path, tmp_path: Path
) -> None:
    left_out: list[str] = []

    async def journey(pilot: Pilot[int]) -> None:
        async def look(name: str) -> None:
            if name == "help":
                return
            last = seen(pilot).splitlines()[-1]
            assert "? help" in last, f"{name}: {last}"
            assert "q quit" in last, f"{name}: {last}"
            left_out.extend([] if "^p commands" in last or name == "run" else [name])
            await pilot.press("f1")
            await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
            assert name == "run" or any("^p" in line and "commands" in line for line in seen(pilot).splitlines())
            await pilot.press("escape")

        await each_screen(pilot, look)

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey, size=(width, 40))
    assert left_out


def test_help_tells_no_key_twice(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "best fit")
        await pilot.press("question_mark")
        await until_shown(pilot, "Keys everywhere")
        told = "\n".join(sheet.plain for sheet in pilot.app.screen.query(Sheet))
        keys = [line.split()[0] for line in told.splitlines() if line.strip()]
        assert keys.count("^p") == 1
        assert keys.count("q") == 1
        assert "^q" not in keys

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey, size=(100, 50))


def test_the_palette_knows_the_words_of_the_command_line(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "best fit")
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette))
        await until_shown(pilot, "detect", "select", "plan", "setup", "verify", "list", "repair", "remove", "quit")
        await pilot.press(*"templates", "enter")
        await until_shown(pilot, "type to filter", "needed")

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey, size=(100, 50))


def test_light_and_dark_take_turns(catalog: Path, tmp_path: Path) -> None:
    app = Installer(recorded_rig("h100-580.json", catalog, tmp_path))

    async def journey(pilot: Pilot[int]) -> None:
        darks = [app.current_theme.dark]
        for _ in range(2):
            await pilot.press("ctrl+t")
            darks.append(app.current_theme.dark)
        assert darks == [True, False, True]

    drive(app, journey)


def test_the_ground_that_a_terminal_tells_of_decides_the_theme(catalog: Path, tmp_path: Path) -> None:
    rig = recorded_rig("h100-580.json", catalog, tmp_path)
    settings = Settings(home=rig.settings.home, environ=plain_environ(COLORFGBG="0;15"), catalog=catalog)
    assert not Installer(Rig(settings, Wish())).current_theme.dark


def test_no_color_leaves_no_colour(catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "best fit")
        strips = pilot.app.screen._compositor.render_strips()
        filters = pilot.app.get_line_filters()
        for strip in strips:
            segments = list(strip)
            for each in filters:
                segments = each.apply(segments, pilot.app.screen.background_colors[1])
            for segment in segments:
                for color in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                    if color is not None:
                        red, green, blue = color.get_truecolor()
                        assert red == green == blue

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey)


def test_a_click_on_a_key_does_what_the_key_does(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "best fit")
        at = seen(pilot).splitlines()[-1].index("? help")
        await pilot.click(KeyLine, offset=(at + 1, 0))
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey)


@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c"])
def test_it_is_left_at_once_where_nothing_runs(key: str, catalog: Path, tmp_path: Path) -> None:
    app = Installer(recorded_rig("h100-580.json", catalog, tmp_path))

    async def journey(pilot: Pilot[int]) -> None:
        await pilot.press(key)
        await until(pilot, lambda: app.return_code is not None)

    drive(app, journey)
    assert app.return_code == 0
