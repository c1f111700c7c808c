"""Lines on a terminal of 80 columns: filled, whole where they must be, and without spaces at their ends."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from tests.stand_ins.command import RIGFIT, rigfit
from tests.stand_ins.receipts import keep_proven, make_making

from rigfit.cli import draw_findings
from rigfit.core.finding import Diagnosis, Finding
from rigfit.core.words import say

MACHINES = Path(__file__).resolve().parents[1] / "machines"
WIDTH = 80


def shown(
    *words: str | Path,
    language: str = "en",
    environ: dict[str, str] | None = None,
    width: int = WIDTH,
    through: str = "",
) -> list[str]:
    """The lines that a terminal shows, without colours; `through` is what standard output is piped to."""
    line = shlex.join([RIGFIT, *map(str, words)]) + (f" | {through}" if through else "")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    around = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    env = {**around, "RIGFIT_LANG": language, "TERM": "xterm", "PYTHONIOENCODING": "utf-8", **(environ or {})}
    with subprocess.Popen(["sh", "-c", line], stdin=theirs, stdout=theirs, stderr=theirs, env=env):
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


def a_long_place(tmp_path: Path) -> Path:
    """Of an environment with one library, so that the line that installs the others is longer than the terminal."""
    home = tmp_path / "a folder with a name that is so long that it fills the better part of a line of a terminal"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    (info,) = (each / "peft-0.18.1.dist-info" for each in home.glob("lib/*/site-packages"))
    (info.parent / "peft").mkdir()
    (info.parent / "peft" / "__init__.py").write_text("")
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: peft\nVersion: 0.18.1\n")
    return home


@pytest.mark.parametrize("piped", [False, True])
def test_a_command_that_is_a_whole_step_is_told_on_one_line(tmp_path: Path, *, piped: bool) -> None:
    words = ("doctor", "--machine", MACHINES / "h100-580.json", "--python", a_long_place(tmp_path))
    (step, *_) = [each for found in rigfit(*words, "--json").result["findings"] for each in found["fix"]]
    assert " pip install " in step
    assert len(step) > 100
    lines = rigfit(*words).out.splitlines() if piped else shown(*words)
    assert any(line.endswith(f"  {step}") for line in lines), lines


def test_a_command_in_a_sentence_is_whole_though_the_sentence_is_not() -> None:
    command = "rigfit verify --python '/srv/environments/of somebody/with a long name/bin/python'"
    step = say(
        "or keep it as it is, and see how far it gets with what there is: `{command}`, which changes nothing",
        command=command,
    )
    drawn = lines_of(Finding(code="x", severity="note", what=say("it is so"), fix=(step,)), width=60)
    assert f"`{command}`," in [line.strip() for line in drawn]
    assert all(len(line) <= 60 for line in drawn if command not in line)


def lines_of(finding: Finding, *, width: int) -> list[str]:
    console = Console(width=width, file=io.StringIO())
    console.print(draw_findings.diagnosis(Diagnosis(subject="machine", findings=(finding,)), sources=False), crop=False)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_a_problem_tells_a_command_on_one_line() -> None:
    """The only long one that stands in the code is made of options."""
    lines = shown("verify", "--minutes", "3", "--level", "imports", width=40)
    assert any(line.endswith("rigfit verify --level stress --minutes 10") for line in lines), lines


def test_a_report_on_a_narrow_terminal_tells_every_name_and_size_whole(tmp_path: Path) -> None:
    words = ("report", "--dry-run", "--offline", "--home", tmp_path)
    name = "current-cu132-07560e8a"
    keep_proven(tmp_path, make_making(name, home=tmp_path, made="2026-01-01T00:00:00+00:00"))
    contents = rigfit(*words, "--json").result["contents"]
    told = shown(*words, width=40)
    for each in contents:
        assert any(line.startswith(each["name"]) for line in told), (each["name"], told)
    assert any(re.search(r"^receipts/\S+ +[\d.]+ (?:B|KiB)$", line) for line in told), told
    assert "this machine: platform, driver, GPUs" in " ".join(" ".join(told).split())


def test_a_matrix_that_is_piped_fits_the_terminal_that_it_ends_on() -> None:
    lines = shown("matrix", width=40, through="head -n 30")
    assert max(map(len, lines)) <= 40, lines
