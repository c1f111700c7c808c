"""A run while it happens: rows, checks, log, stopping, failing, and keys that are heard in a storm of progress."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
from tests.recorded_runs import recorded_job
from tests.tui.driving import drive, job_of, job_until_stopped, recorded_rig, seen, until, until_shown
from tests.tui.runs import GIB, NAME, STOPPED, beginning, failed, passed
from textual.pilot import Pilot

from rigfit.core.cancel import Cancel
from rigfit.core.event import CheckStarted, Event, Log, Progress, RunFailed, event_to_json
from rigfit.core.harmless import harmless
from rigfit.core.problem import Problem
from rigfit.core.words import say
from rigfit_installer.app import Installer
from rigfit_installer.job import Job
from rigfit_installer.palette import commands
from rigfit_installer.screens.ask import AskScreen
from rigfit_installer.screens.result import ResultScreen
from rigfit_installer.screens.run import RunScreen
from rigfit_installer.widgets.columns import Row
from rigfit_installer.widgets.log_pane import LogPane
from rigfit_installer.widgets.sheet import Sheet


def open_app(catalog: Path, tmp_path: Path) -> Installer:
    return Installer(recorded_rig("cpu-only.json", catalog, tmp_path))


def start(pilot: Pilot[int], job: Job) -> None:
    assert isinstance(pilot.app, Installer)
    pilot.app.run_job(job)


def test_each_step_has_a_row_with_bytes_and_the_artifact_at_work(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        job, _cancels = job_until_stopped(beginning(), STOPPED)
        start(pilot, job)
        await until_shown(pilot, "1.0 GiB of at most 4.0 GiB", "torch-2.13.0+cpu")
        assert "✓  Python 3.11.2 of this machine" in seen(pilot)
        assert "▸  64 libraries from wheels" in seen(pilot)
        assert "██████░░" in seen(pilot)
        assert "·  the proof: load a model and train a LoRA step  waiting" in seen(pilot)

    drive(open_app(catalog, tmp_path), journey)


def test_the_check_under_way_is_in_sight_until_somebody_scrolls(catalog: Path, tmp_path: Path) -> None:
    steps = list(passed())
    first = steps[: steps.index(CheckStarted(id="adapter_roundtrip")) + 1]

    async def journey(pilot: Pilot[int]) -> None:
        job, _cancels = job_until_stopped(first, STOPPED)
        start(pilot, job)
        await until_shown(pilot, "adapter_roundtrip  running")
        assert "Python 3.11.2 of this machine" not in seen(pilot)
        pilot.app.screen.query_one("#run").scroll_home(animate=False)
        await until_shown(pilot, "Python 3.11.2 of this machine")
        await pilot.pause(1.2)  # a second later it is drawn again
        assert "Python 3.11.2 of this machine" in seen(pilot)

    drive(open_app(catalog, tmp_path), journey, size=(80, 16))


def test_rate_and_time_left_are_told_once_they_are_known(catalog: Path, tmp_path: Path) -> None:
    done = threading.Event()

    def events(cancel: Cancel) -> Iterator[Event]:
        del cancel
        yield from beginning()
        for step in range(2, 500):
            if done.wait(0.1):
                break
            yield Progress(step="libraries", done=GIB + step * 1024**2, total=4 * GIB)
        yield STOPPED

    async def journey(pilot: Pilot[int]) -> None:
        start(pilot, Job(environment=NAME, title=say("set up"), events=events))
        await until_shown(pilot, "MiB/s", "left")
        done.set()
        await until(pilot, lambda: isinstance(pilot.app.screen, ResultScreen))

    drive(open_app(catalog, tmp_path), journey, size=(120, 40))


def test_checks_appear_with_measured_and_expected_and_the_result_follows(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        start(pilot, job_of(passed()))
        await until(pilot, lambda: isinstance(pilot.app.screen, ResultScreen))
        await until_shown(pilot, f"✓ Proven: {NAME}", "memory_ratio", "0.376", "0.356 to 0.396")

    drive(open_app(catalog, tmp_path), journey, size=(120, 40))


def test_a_recorded_run_is_drawn_from_its_lines(catalog: Path, tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    log.write_text("".join(json.dumps(event_to_json(event)) + "\n" for event in passed()))

    async def journey(pilot: Pilot[int]) -> None:
        start(pilot, recorded_job(log))
        await until_shown(pilot, f"✓ Proven: {NAME}")

    drive(open_app(catalog, tmp_path), journey)


def test_a_failing_run_ends_in_the_problem_and_can_be_run_again(catalog: Path, tmp_path: Path) -> None:
    starts: list[Cancel] = []

    def events(cancel: Cancel) -> Iterator[Event]:
        starts.append(cancel)
        return failed()

    async def journey(pilot: Pilot[int]) -> None:
        start(pilot, Job(environment=NAME, title=say("set up"), events=events))
        await until_shown(pilot, "✗", "1 of 2 checks failed", f"[1]  rigfit repair {NAME}", "the numbers are wrong")
        await pilot.press("l")
        await until_shown(pilot, "Downloading torch (800 MiB)")
        await pilot.press("r")
        await until(pilot, lambda: len(starts) == 2 and isinstance(pilot.app.screen, ResultScreen))

    drive(open_app(catalog, tmp_path), journey, size=(100, 40))


def test_stopping_asks_and_no_goes_on(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        job, cancels = job_until_stopped(beginning(), STOPPED)
        start(pilot, job)
        await until_shown(pilot, "64 libraries from wheels")
        await pilot.press("x")
        await until_shown(pilot, "Stop this run?", "stays unfinished")
        await pilot.press("enter")  # the focus is on no
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
        assert not cancels[0].requested
        await pilot.press("x", "y")
        await until_shown(pilot, "As you asked")
        assert cancels[0].requested

    drive(open_app(catalog, tmp_path), journey)


def test_quitting_while_it_runs_asks_stops_it_and_leaves_with_130(catalog: Path, tmp_path: Path) -> None:
    app = open_app(catalog, tmp_path)

    async def journey(pilot: Pilot[int]) -> None:
        job, cancels = job_until_stopped(beginning(), STOPPED)
        start(pilot, job)
        await until_shown(pilot, "64 libraries from wheels")
        for key in ("q", "ctrl+q", "ctrl+c"):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(pilot.app.screen, AskScreen))
            await pilot.press("n")
            await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))
            assert not cancels[0].requested
        await pilot.press("q", "y")
        await until(pilot, lambda: cancels[0].requested and app.return_code is not None)

    drive(app, journey)
    assert app.return_code == 130


@pytest.mark.parametrize("over", [("question_mark",), ("x",), ()])
def test_the_palette_over_a_run_offers_nothing_that_would_take_its_screen_away(
    over: tuple[str, ...], catalog: Path, tmp_path: Path
) -> None:
    app = open_app(catalog, tmp_path)

    async def journey(pilot: Pilot[int]) -> None:
        job, cancels = job_until_stopped(beginning(), STOPPED)
        start(pilot, job)
        await until_shown(pilot, "64 libraries from wheels")
        await pilot.press(*over)
        offered = {command.name for command in commands(app)}
        assert offered == {"doctor", "theme", "help", "quit"}
        for taken_away in (app.start_over, app.choose_afresh, app.plan_best):
            taken_away()
        assert any(isinstance(screen, RunScreen) for screen in app.screen_stack)
        cancels[0].request()
        await until_shown(pilot, "As you asked")

    drive(app, journey)


def test_however_often_one_wants_to_leave_one_is_asked_once(catalog: Path, tmp_path: Path) -> None:
    app = open_app(catalog, tmp_path)

    async def journey(pilot: Pilot[int]) -> None:
        job, cancels = job_until_stopped(beginning(), STOPPED)
        start(pilot, job)
        await until_shown(pilot, "64 libraries from wheels")
        await pilot.press("x", "ctrl+q", "ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        await pilot.press("question_mark", "ctrl+q", "ctrl+q")  # over the help it is asked, too
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("y")
        await until(pilot, lambda: cancels[0].requested and app.return_code is not None)

    drive(app, journey)
    assert app.return_code == 130


EVIL = "\x1b]0;TITLE\x07red \x1b[31mtext\x9b2J \x07end"


def test_what_tools_say_never_commands_the_terminal(catalog: Path, tmp_path: Path) -> None:
    first = (*beginning(), Log(text=EVIL, step="libraries"), Progress(step="libraries", done=1, total=2, item=EVIL))
    problem = Problem(code="disk_full", what=f"what {EVIL}", fix=(EVIL,), detail=f"detail {EVIL}")

    async def journey(pilot: Pilot[int]) -> None:
        job, cancels = job_until_stopped(first, RunFailed(problem=problem), name=f"small{EVIL}")
        start(pilot, job)
        await until_shown(pilot, "64 libraries from wheels")
        await pilot.press("l")
        await until_shown(pilot, "red ")
        assert harmless(seen(pilot)) == seen(pilot)
        cancels[0].request()
        await until_shown(pilot, "✗ what", "What to do")
        assert harmless(seen(pilot)) == seen(pilot)

    drive(open_app(catalog, tmp_path), journey)


def test_a_run_that_ends_while_it_is_asked_whether_to_stop_shows_its_result(catalog: Path, tmp_path: Path) -> None:
    end = threading.Event()

    def events(cancel: Cancel) -> Iterator[Event]:
        del cancel
        *before, last = passed()
        yield from before
        end.wait(20)
        yield last

    async def journey(pilot: Pilot[int]) -> None:
        start(pilot, Job(environment=NAME, title=say("set up"), events=events))
        await until_shown(pilot, "adapter_roundtrip")
        await pilot.press("x")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskScreen))
        end.set()
        await until_shown(pilot, f"✓ Proven: {NAME}")

    drive(open_app(catalog, tmp_path), journey, size=(100, 40))


async def heard(pilot: Pilot[int], key: str, done: Callable[[], bool]) -> float:
    """Seconds from the key to what it does; the pilot's own `press` would wait for a calm that does not come."""
    pressed = time.monotonic()
    pilot.app.simulate_key(key)
    while not done():
        assert time.monotonic() - pressed < 5
        await asyncio.sleep(0.001)
    return time.monotonic() - pressed


def test_keys_are_heard_within_50_ms_in_a_storm_of_progress(
    catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = threading.Event()
    waits: list[float] = []
    draws: list[str | None] = []
    lay = Sheet.lay

    def counted(sheet: Sheet, rows: Iterable[Row], *, giving: Sequence[int] = ()) -> None:
        draws.extend([sheet.id] if sheet.id == "steps" else [])
        lay(sheet, rows, giving=giving)

    monkeypatch.setattr(Sheet, "lay", counted)

    def storm(cancel: Cancel) -> Iterator[Event]:
        del cancel
        yield from beginning()
        for done in range(2_000_000):
            if calm.is_set():
                break
            yield Progress(step="libraries", done=done * 1024, total=4 * GIB, item=f"wheel-{done}.whl")
            if done % 50 == 0:
                time.sleep(0.001)  # as a child's pipe would let others have their turn
        yield STOPPED

    async def journey(pilot: Pilot[int]) -> None:
        start(pilot, Job(environment=NAME, title=say("set up"), events=storm))
        await until_shown(pilot, "64 libraries from wheels")
        log = pilot.app.screen.query_one(LogPane)
        draws.clear()
        began = time.monotonic()
        for number in range(20):
            opens = number % 2 == 0
            waits.append(
                await heard(
                    pilot, "l", partial(log.has_class, "-open") if opens else lambda: not log.has_class("-open")
                )
            )
            await asyncio.sleep(0.1)
        seconds = time.monotonic() - began
        calm.set()
        await until(pilot, lambda: isinstance(pilot.app.screen, ResultScreen))
        assert len(draws) <= 12 * seconds + 2, f"{len(draws)} drawings in {seconds:.1f} s"

    drive(open_app(catalog, tmp_path), journey)
    print("seconds from key to deed:", " ".join(f"{wait:.3f}" for wait in sorted(waits)))
    assert sorted(waits)[len(waits) // 2] < 0.05, waits


def test_keys_are_heard_while_a_long_log_that_lies_open_grows(catalog: Path, tmp_path: Path) -> None:
    waits: list[float] = []
    filled, calm = threading.Event(), threading.Event()

    def talking(cancel: Cancel) -> Iterator[Event]:
        del cancel
        yield from beginning()
        for number in range(100_000):
            yield Log(text=f"line {number} {'of words that a tool says about a path ' * 4}", step="libraries")
            if number >= 500:
                filled.set()
                if calm.wait(0.01):
                    break
        yield STOPPED

    async def journey(pilot: Pilot[int]) -> None:
        start(pilot, Job(environment=NAME, title=say("set up"), events=talking))
        await until(pilot, filled.is_set)
        screen = pilot.app.screen
        assert isinstance(screen, RunScreen)
        pilot.app.simulate_key("l")
        await until_shown(pilot, "line 5")
        assert len(screen.view.log) == 500
        log = screen.query_one(LogPane)
        for _ in range(20):
            waits.append(await heard(pilot, "l", lambda: not log.has_class("-open")))
            pilot.app.simulate_key("l")
            await asyncio.sleep(0.13)  # in which it lies open, and grows
        calm.set()
        await until(pilot, lambda: isinstance(pilot.app.screen, ResultScreen))

    drive(open_app(catalog, tmp_path), journey, size=(120, 40))
    print("seconds from key to deed:", " ".join(f"{wait:.3f}" for wait in sorted(waits)))
    assert sorted(waits)[-2] < 0.05, waits


def test_a_bug_in_a_run_leaves_the_application_and_is_told_by_whoever_opened_it(catalog: Path, tmp_path: Path) -> None:
    def events(cancel: Cancel) -> Iterator[Event]:
        del cancel
        yield from beginning()
        raise ZeroDivisionError("nobody foresaw this")

    async def journey(pilot: Pilot[int]) -> None:
        start(pilot, Job(environment=NAME, title=say("set up"), events=events))
        await until(pilot, lambda: app.bug is not None)

    app = open_app(catalog, tmp_path)
    with pytest.raises(ZeroDivisionError, match="nobody foresaw this"):
        drive(app, journey)
    assert app.return_code == 1
