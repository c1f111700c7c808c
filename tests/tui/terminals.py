"""A real terminal (a pty) with `rigfit` or a script in it."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

RIGFIT = str(Path(sys.executable).with_name("rigfit"))
_PATIENCE = 30.0  # seconds


class Terminal:
    """What is on the other side of a program's terminal."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self.said = b""
        self.before: list[object] = []
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], list(argv), dict(env))  # noqa: S606
        self.before = termios.tcgetattr(self._fd)

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def wait_for(self, text: str) -> None:
        """Until `text` has been written to the terminal since the last such wait."""
        deadline = time.monotonic() + _PATIENCE
        while text.encode() not in self.said:
            assert time.monotonic() < deadline, self.said[-2000:]
            self._read()
        self.said = self.said.partition(text.encode())[2]

    def _read(self) -> bool:
        if not select.select([self._fd], [], [], 0.1)[0]:
            return True
        try:
            heard = os.read(self._fd, 1 << 16)
        except OSError:  # nobody holds the other side any more
            return False
        self.said += heard
        return bool(heard)

    @property
    def modes(self) -> list[object]:
        return termios.tcgetattr(self._fd)

    def hang_up(self) -> None:
        """As when the window is closed or the line drops."""
        os.close(self._fd)
        self._fd = -1

    def end(self) -> int:
        """The exit code, once it has ended."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                break
            assert time.monotonic() < deadline, "it does not end"
            if self._fd >= 0:
                self._read()
            else:
                time.sleep(0.01)
        while self._fd >= 0 and self._read() and select.select([self._fd], [], [], 0)[0]:
            pass
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        if self.pid:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        if self._fd >= 0:
            os.close(self._fd)


@contextlib.contextmanager
def terminal(*argv: str, **env: str) -> Iterator[Terminal]:
    inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "RIGFIT_HOME")}
    opened = Terminal(argv, {**inherited, "TERM": "xterm-256color", "LANG": "C.UTF-8", **env})
    try:
        yield opened
    finally:
        opened.close()
