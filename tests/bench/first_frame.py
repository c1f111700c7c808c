"""How long `rigfit` takes to its first frame, and to the machine, on a terminal; run by hand.

Prints medians in seconds beside those of `python -c pass` and `rigfit detect`: `python tests/bench/first_frame.py`. Bytecode
is kept aside and warm, as installer/install.sh leaves it: without it each start compiles Textual, for 0.3 s.
"""

from __future__ import annotations

import os
import pty
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

ROUNDS = 7
RIGFIT = str(Path(sys.executable).with_name("rigfit"))
MARKS = (
    b"Looking",
    b"\x1b[?2004h",
    b"platform",
)  # drawn by hand; Textual has the terminal; the first row of the machine


def seconds_to(*marks: bytes) -> list[float]:
    """From the start of `rigfit` on a terminal of 80 x 24 to each of `marks` on it."""
    started = time.monotonic()
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(RIGFIT, [RIGFIT])  # noqa: S606 - the program under test
    seen, found = b"", list[float]()
    try:
        while len(found) < len(marks) and time.monotonic() - started < 20:
            if select.select([terminal], [], [], 0.01)[0]:
                seen += os.read(terminal, 1 << 16)
                while len(found) < len(marks) and marks[len(found)] in seen:
                    found.append(time.monotonic() - started)
    finally:
        os.kill(pid, signal.SIGTERM)
        _drain(terminal)
        os.waitpid(pid, 0)
        os.close(terminal)
    return found


def _drain(terminal: int) -> None:
    """Whoever writes to a terminal that nobody reads never ends."""
    with suppress(OSError):  # it has gone, and its terminal with it
        while os.read(terminal, 1 << 16):
            pass


def seconds_of(*argv: str) -> float:
    started = time.monotonic()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - started


def main() -> None:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as bytecode:
        os.environ["PYTHONPYCACHEPREFIX"] = bytecode
        seconds_to(*MARKS)
        seconds_of(RIGFIT, "detect", "--json")
        measure()


def measure() -> None:
    frames = [seconds_to(*MARKS) for _ in range(ROUNDS)]
    plain = [seconds_of(sys.executable, "-c", "pass") for _ in range(ROUNDS)]
    detect = [seconds_of(RIGFIT, "detect", "--json") for _ in range(ROUNDS)]
    for name, values in (
        ("python -c pass", plain),
        ("rigfit detect --json", detect),
        ("rigfit: first frame", [frame[0] for frame in frames]),
        ("rigfit: hears keys", [frame[1] for frame in frames]),
        ("rigfit: the machine", [frame[2] for frame in frames]),
    ):
        print(f"{name:<22} {statistics.median(values):.2f}  ({min(values):.2f} to {max(values):.2f})")


if __name__ == "__main__":
    main()
