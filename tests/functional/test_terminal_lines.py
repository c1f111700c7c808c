"""Lines on a terminal of 80 columns: filled, whole where they must be, and without spaces at their ends."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path

import pytest
from rich.cells import cell_len
from tests.stand_ins.command import RIGFIT
from tests.stand_ins.receipts import keep_proven, make_making

MACHINES = Path(__file__).resolve().parents[1] / "machines"
WIDTH = 80


def shown(*words: str | Path, language: str = "en", environ: dict[str, str] | None = None) -> list[str]:
    """The lines that a terminal shows, without colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, WIDTH, 0, 0))
    env = {**os.environ, "RIGFIT_LANG": language, "TERM": "xterm", "PYTHONIOENCODING": "utf-8", **(environ or {})}
    with subprocess.Popen([RIGFIT, *map(str, words)], stdin=theirs, stdout=theirs, stderr=theirs, env=env):
        os.close(theirs)
        told = b""
        while part := _read(ours):
            told += part
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;]*m", "", told.decode()).replace("\r\n", "\n").splitlines()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other side is closed
        return b""


def test_a_listing_breaks_no_time_and_no_name(tmp_path: Path) -> None:
    name = "current-cu132-07560e8a"
    keep_proven(tmp_path, make_making(name, home=tmp_path, made="2026-01-01T00:00:00+00:00"))
    lines = shown("list", "--home", tmp_path)
    (row,) = [line for line in lines if name in line]
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d$", row)
    assert max(map(len, lines)) <= WIDTH


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("words", [("select", "lora-8bit"), ("plan", "lora-8bit"), ("select", "-v")])
def test_lines_end_in_no_spaces_and_fit(words: tuple[str, ...], language: str) -> None:
    lines = shown(*words, "--machine", MACHINES / "h100-580.json", language=language)
    assert [line for line in lines if line != line.rstrip()] == []
    assert max(map(cell_len, lines)) <= WIDTH


def test_a_problem_with_sudo_tells_once_what_to_do_without_it() -> None:
    told = "\n".join(shown("plan", "--machine", MACHINES / "half-installed.json"))
    assert "sudo " in told
    assert told.count("show these lines to whoever runs this machine") == 1
