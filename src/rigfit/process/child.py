"""A child process heard line by line, with a time limit, that takes its whole process group along when it ends."""

from __future__ import annotations

import codecs
import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

from rigfit.core.cancel import Cancel
from rigfit.core.harmless import harmless

_GUARD = Path(__file__).with_name("guard.py")
_CHUNK = 1 << 16
_PATIENCE = 2.0  # seconds, after SIGKILL
_ENDING = 0.002  # seconds between looks at a child that has closed its pipes and is about to end


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One line of output, without its newline, and without what would command a terminal."""

    stream: Literal["out", "err"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time has passed without output; `pid` is alive or just ended."""

    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Always the last. `code` is negative for a signal, as in subprocess."""

    code: int
    timed_out: bool
    cancelled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run. `env` None inherits ours; `limit` in seconds, None for no limit; `tick` in seconds.

    `guarded` is False for a script of ours that asks the kernel itself to end it with its parent, which saves a start of Python.
    """

    argv: Sequence[str]
    stdin: str = ""
    env: Mapping[str, str] | None = None
    cwd: str | None = None
    limit: float | None = None
    tick: float = 0.2
    guarded: bool = True


def run(command: Command, cancel: Cancel | None = None) -> Generator[Said | Tick | Ended, None, None]:
    """Run and listen; stopping the iteration early ends the child, too.

    The child ends with the thread that called this, also when our process is killed (see guard.py).
    """
    guard = [sys.executable, "-I", "-S", str(_GUARD), str(os.getpid())] if command.guarded else []
    child = subprocess.Popen(
        [*guard, *command.argv],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=None if command.env is None else dict(command.env),
        cwd=command.cwd,
        start_new_session=True,
    )
    cancel = cancel or Cancel()
    try:
        with cancel.on_cancel(lambda: _kill_group(child.pid)):
            _feed(child, command.stdin)
            timed_out = yield from _listen(child, command)
            _kill_group(child.pid)  # while it is not waited for, its number is not given to another
        yield Ended(code=_reaped(child), timed_out=timed_out, cancelled=cancel.requested)
    finally:
        if child.returncode is None:
            _kill_group(child.pid)
            _reaped(child)
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()


def output_of(command: Command, cancel: Cancel | None = None) -> tuple[str, str, Ended]:
    """Run to the end: standard output, standard error, and how it ended."""
    heard: dict[str, list[str]] = {"out": [], "err": []}
    for item in run(command, cancel):
        match item:
            case Said(stream=stream, text=text):
                heard[stream].append(text)
            case Ended():
                return "\n".join(heard["out"]), "\n".join(heard["err"]), item
            case Tick():
                pass
    raise AssertionError("unreachable: `run` ends with Ended")


def _feed(child: subprocess.Popen[bytes], text: str) -> None:
    """Write what is small enough for a pipe's buffer (64 KiB) and close it."""
    assert child.stdin is not None  # noqa: S101 - Popen was given a pipe
    with contextlib.suppress(BrokenPipeError), child.stdin:
        child.stdin.write(text.encode())


@dataclass(slots=True, kw_only=True)
class _Ear:
    """Cuts the bytes of one stream into lines."""

    stream: Literal["out", "err"]
    pipe: IO[bytes]
    decoder: codecs.IncrementalDecoder = field(default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace"))
    rest: str = ""

    def hear(self, chunk: bytes) -> Iterator[Said]:
        *lines, self.rest = (self.rest + self.decoder.decode(chunk, final=not chunk)).split("\n")
        if not chunk and self.rest:
            lines.append(self.rest)
            self.rest = ""
        for line in lines:
            yield Said(stream=self.stream, text=harmless(line))


def _listen(child: subprocess.Popen[bytes], command: Command) -> Generator[Said | Tick, None, bool]:
    """Yield until it has ended; the generator's value says whether the limit ran out first."""
    assert child.stdout is not None  # noqa: S101
    assert child.stderr is not None  # noqa: S101
    ears = (_Ear(stream="out", pipe=child.stdout), _Ear(stream="err", pipe=child.stderr))
    deadline = None if command.limit is None else time.monotonic() + command.limit
    with selectors.DefaultSelector() as selector:
        for ear in ears:
            selector.register(ear.pipe, selectors.EVENT_READ, ear)
        while (heard := bool(selector.get_map())) or not _has_ended(child.pid):
            pause = command.tick if heard else _ENDING
            left = pause if deadline is None else min(pause, deadline - time.monotonic())
            if left <= 0:
                return True
            ended = heard and _has_ended(child.pid)  # asked before the look, so that its last words are heard
            ready = selector.select(0 if ended else left)
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK)
                yield from key.data.hear(chunk)
                if not chunk:
                    selector.unregister(key.fileobj)
            if heard and not ready:
                if ended:  # something that it started holds the pipes open
                    break
                yield Tick(pid=child.pid)
    for ear in ears:
        yield from ear.hear(b"")
    return False


def _reaped(child: subprocess.Popen[bytes]) -> int:
    """The exit code. A child that a wedged driver holds in the kernel cannot be ended, and must not hold us."""
    try:
        return child.wait(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        return -signal.SIGKILL


def _has_ended(pid: int) -> bool:
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
    except ChildProcessError:  # our parent told the kernel not to keep ended children
        return True


def _kill_group(pid: int) -> None:
    """End the child and everything that it started in its session's process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
