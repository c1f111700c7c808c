"""On a real terminal: opened by the command, left as it was found, and ended with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.tui.driving import MACHINES
from tests.tui.terminals import RIGFIT, terminal

ROOT = Path(__file__).resolve().parents[2]
LEFT = "\x1b[?1049l"  # the alternate screen is closed


def rigfit_words(catalog: Path, home: Path, machine: str = "h100-580.json") -> tuple[str, ...]:
    return (RIGFIT, "--machine", str(MACHINES / machine), "--catalog", str(catalog), "--home", str(home))


def run_words(catalog: Path, home: Path) -> tuple[str, ...]:
    return (sys.executable, "-m", "tests.tui.endless_run", str(catalog), str(home))


def test_the_command_opens_it_and_leaves_the_terminal_as_it_was(catalog: Path, tmp_path: Path) -> None:
    with terminal(*rigfit_words(catalog, tmp_path)) as opened:
        opened.wait_for("H100")
        assert opened.modes != opened.before
        opened.type("q")
        opened.wait_for(LEFT)
        opened.wait_for("\x1b[?25h")  # the cursor is there again
        assert opened.end() == 0


def test_something_is_to_be_seen_before_the_machine_is(catalog: Path, tmp_path: Path) -> None:
    with terminal(*rigfit_words(catalog, tmp_path)) as opened:
        opened.wait_for("Looking at this machine")
        opened.wait_for("H100")
        opened.type("q")
        assert opened.end() == 0


def test_on_a_poor_terminal_the_first_thing_to_be_seen_is_ascii_too(catalog: Path, tmp_path: Path) -> None:
    with terminal(*rigfit_words(catalog, tmp_path), RIGFIT_ASCII="1") as opened:
        opened.wait_for("H100")
        opened.type("q")
        opened.wait_for(LEFT)
        assert opened.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_run_before_it_ends_the_application(number: int, catalog: Path, tmp_path: Path) -> None:
    with terminal(*run_words(catalog, tmp_path), PYTHONPATH=str(ROOT)) as opened:
        opened.wait_for("64 libraries")
        os.kill(opened.pid, number)
        opened.wait_for(LEFT)
        assert opened.end() == 130
    assert (tmp_path / "ended").read_text() == "stopped True"


def test_a_terminal_that_is_closed_during_a_run_stops_the_run(catalog: Path, tmp_path: Path) -> None:
    with terminal(*run_words(catalog, tmp_path), PYTHONPATH=str(ROOT)) as opened:
        opened.wait_for("64 libraries")
        opened.hang_up()
        assert opened.end() == 130
    assert (tmp_path / "ended").read_text() == "stopped True"


def test_a_terminal_that_is_closed_while_nothing_runs_ends_it(catalog: Path, tmp_path: Path) -> None:
    with terminal(*rigfit_words(catalog, tmp_path)) as opened:
        opened.wait_for("H100")
        opened.hang_up()
        assert opened.end() == 130


def test_a_wrong_option_is_told_before_anything_is_opened() -> None:
    with terminal(RIGFIT, "--machnie", "x") as opened:
        opened.wait_for("unrecognized arguments")
        assert opened.end() == 2
        assert b"\x1b[?1049h" not in opened.said


@pytest.mark.parametrize("words", [(), ("--machine", "x.json")])
def test_what_is_no_terminal_gets_help_and_exit_code_2(words: tuple[str, ...]) -> None:
    ran = subprocess.run([RIGFIT, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "COMMAND" in ran.stderr
    assert ran.stdout == ""


def test_a_terminal_that_can_only_write_lines_gets_help(tmp_path: Path) -> None:
    with terminal(RIGFIT, TERM="dumb") as opened:
        opened.wait_for("COMMAND")
        assert opened.end() == 2


def test_a_command_imports_no_textual() -> None:
    script = "import sys, rigfit.cli.main as cli; cli.parser(); print([m for m in sys.modules if 'textual' in m or 'rigfit_installer' in m])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
