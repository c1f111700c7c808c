"""A child is heard, bounded, and never outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from rigfit.core.cancel import Cancel
from rigfit.process import child
from rigfit.process.child import Command, Ended, Said, output_of, run


def test_both_streams_are_heard_line_by_line_and_the_last_line_needs_no_newline() -> None:
    out, err, ended = output_of(Command(argv=["sh", "-c", "echo one; echo two >&2; printf three"]))
    assert (out, err, ended.code) == ("one\nthree", "two", 0)


def test_what_would_command_a_terminal_is_not_passed_on() -> None:
    out, err, _ = output_of(Command(argv=["printf", r"\033]0;title\007\033[31mred\033[0m\r\n"]))
    assert (out, err) == ("red", "")


def test_standard_input_reaches_the_child() -> None:
    assert output_of(Command(argv=["cat"], stdin="hello"))[0] == "hello"


def test_a_limit_ends_the_child_and_says_so() -> None:
    started = time.monotonic()
    _, _, ended = output_of(Command(argv=["sleep", "60"], limit=0.3))
    assert ended.timed_out
    assert time.monotonic() - started < 10


def test_a_child_that_closes_its_pipes_before_it_ends_is_not_waited_for_longer_than_it_lives() -> None:
    started = time.monotonic()
    _, _, ended = output_of(Command(argv=["sh", "-c", "exec >&- 2>&-; sleep 0.05"], tick=30))
    assert ended.code == 0
    assert time.monotonic() - started < 10


def test_a_program_that_is_not_there_ends_with_127() -> None:
    _, err, ended = output_of(Command(argv=["no-such-program-here"]))
    assert ended.code == 127
    assert "no-such-program-here" in err


def test_a_grandchild_that_holds_the_pipes_is_not_waited_for_and_does_not_survive() -> None:
    out, _, ended = output_of(Command(argv=["sh", "-c", "sleep 60 & echo $!"], limit=30))
    assert not ended.timed_out
    assert _gone(int(out))


def test_cancel_wakes_a_silent_child() -> None:
    cancel = Cancel()
    threading.Timer(0.2, cancel.request).start()
    items = list(run(Command(argv=["sleep", "60"], tick=30), cancel))
    assert isinstance(items[-1], Ended)
    assert items[-1].cancelled


def test_whoever_waits_for_all_of_the_output_can_cancel_too() -> None:
    cancel = Cancel()
    threading.Timer(0.2, cancel.request).start()
    assert output_of(Command(argv=["sleep", "60"], tick=30), cancel)[2].cancelled


def test_leaving_the_iteration_early_ends_the_child() -> None:
    listening = run(Command(argv=["sh", "-c", "echo $$; sleep 60"]))
    first = next(listening)
    assert isinstance(first, Said)
    listening.close()
    assert _gone(int(first.text))


def test_a_child_does_not_survive_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        textwrap.dedent(
            """
            from rigfit.process.child import Command, run
            for item in run(Command(argv=["sh", "-c", "echo $$; exec sleep 60"])):
                print(item.text, flush=True)
            """,
        ),
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.kill(parent.pid, signal.SIGKILL)
    assert _gone(child)


def _gone(pid: int, patience: float = 10) -> bool:
    """Whether `pid` has ended (a zombie has) within `patience` seconds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_what_a_child_says_last_is_heard_however_late_it_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between a look in vain at its pipes and a look at whether it lives, it may speak and end: here it always does."""

    def waits_for_the_end(pid: int) -> bool:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT) is not None

    monkeypatch.setattr(child, "_has_ended", waits_for_the_end)
    out, _, ended = output_of(Command(argv=["sh", "-c", "sleep 0.2; echo late"], tick=0.01))
    assert (out, ended.code) == ("late", 0)
