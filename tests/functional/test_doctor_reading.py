"""`rigfit doctor --error` reads what people have: a paste on a terminal, a log without end, one larger than the memory."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

from tests.stand_ins.command import RIGFIT, rigfit

GIB = 1 << 30
KNOWN = b"\nModuleNotFoundError: No module named 'bitsandbytes'\n"
# the most of memory that is ever taken, in KiB, written by a parent of its own: it counts all of its children
_MEASURED = "import resource, subprocess, sys; subprocess.run(sys.argv[1:]); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"


def log_of(file: Path, size: int, last: bytes = KNOWN) -> Path:
    with file.open("wb") as log:
        log.truncate(size)
        log.seek(0, os.SEEK_END)
        log.write(last)
    return file


def kib_taken(script: str) -> int:
    ran = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    return int(ran.stdout.splitlines()[-1])


def test_whoever_is_to_paste_on_a_terminal_is_told_so() -> None:
    ours, theirs = pty.openpty()
    argv = [RIGFIT, "doctor", "--error", "-"]
    with subprocess.Popen(argv, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as ran:
        os.close(theirs)
        os.write(ours, KNOWN + b"\x04")
        out, err = ran.communicate(timeout=60)
    os.close(ours)
    assert b"paste the text, then press ctrl-d" in err
    assert b"bitsandbytes" in out
    assert ran.returncode == 7


def test_a_text_that_comes_from_a_pipe_is_not_asked_for(tmp_path: Path) -> None:
    with log_of(tmp_path / "log", 10).open("rb") as log:
        ran = subprocess.run([RIGFIT, "doctor", "--error", "-"], stdin=log, capture_output=True, check=False)
    assert (ran.returncode, ran.stderr) == (7, b"")


def test_what_no_rule_knows_is_asked_for_as_a_whole_and_with_its_python(tmp_path: Path) -> None:
    ran = rigfit("doctor", "--error", log_of(tmp_path / "log", 0, b"RuntimeError: 42\n"))
    assert ran.code == 0
    assert "no rule knows this error" in ran.out
    assert "give the whole output" in ran.out
    assert "--python PATH" in ran.out


def test_only_the_end_of_a_large_log_is_read(tmp_path: Path) -> None:
    large, small = log_of(tmp_path / "large", GIB), log_of(tmp_path / "small", 1 << 20)
    python = str(Path(RIGFIT).with_name("python"))

    def taken(words: str) -> int:
        return kib_taken(f'"{python}" -c "{_MEASURED}" "{RIGFIT}" doctor --json --error {words}')

    least = taken(f'"{small}"')
    for words in (f'"{large}"', f'- < "{large}"'):
        assert taken(words) < least + 20_000
    piped = kib_taken(f'cat "{large}" | "{python}" -c "{_MEASURED}" "{RIGFIT}" doctor --json --error -')
    assert piped < least + 20_000


def test_the_end_of_a_log_that_is_piped_is_what_counts(tmp_path: Path) -> None:
    large = log_of(tmp_path / "large", 50 << 20)
    with subprocess.Popen(["cat", large], stdout=subprocess.PIPE) as cat:
        ran = subprocess.run([RIGFIT, "doctor", "--error", "-"], stdin=cat.stdout, capture_output=True, check=False)
    assert ran.returncode == 7, ran.stderr
    assert b"bitsandbytes" in ran.stdout


def test_what_never_ends_is_refused() -> None:
    ran = rigfit("doctor", "--json", "--error", "/dev/zero")
    assert ran.code == 2
    assert ran.problem["code"] == "usage"
    assert "does not end within 2.0 GiB" in ran.problem["what"]


def test_a_machine_that_an_error_text_alone_cannot_be_judged_for_is_refused(tmp_path: Path) -> None:
    error = tmp_path / "error.txt"
    error.write_bytes(KNOWN)
    machine = Path(__file__).parents[1] / "machines/nouveau.json"
    ran = rigfit("doctor", "--error", error, "--machine", machine)
    assert (ran.code, ran.out) == (2, "")
    assert "--python" in ran.err
