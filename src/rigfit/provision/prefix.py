"""The life of an environment on disk: one owner at a time, begun under a mark, whole without it, removed in one step."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rigfit.core.problem import Problem, ProblemError, unwritable
from rigfit.core.words import say

MARK = ".rigfit-unfinished"
_TRASH = ".trash-"
_NEW = ".new-"


def environments_in(home: Path) -> tuple[str, ...]:
    """The names of all environments, whole or not. Raises ProblemError where they may not be looked at."""
    try:
        found = [entry.name for entry in os.scandir(home / "envs") if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return ()
    except OSError as error:
        what = say("cannot read {place}: {reason}", place=home / "envs", reason=error.strerror)
        is_folder = not isinstance(error, NotADirectoryError)
        mend = say("make that folder readable") if is_folder else say("move the file away that is in its place")
        fix = (mend, say("or name another with `--home DIR`"))
        raise ProblemError(Problem(code="home_not_writable", what=what, fix=fix)) from error
    return tuple(sorted(name for name in found if not name.startswith(".")))


def sweep(home: Path) -> None:
    """Delete what removals that were killed have left. They have no name any more, so no lock is needed."""
    for left in (home / "envs").glob(f"{_TRASH}*"):
        shutil.rmtree(left, ignore_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """`<home>/envs/<name>`. Whoever changes it holds its lock. Failures raise ProblemError."""

    home: Path
    name: str

    def __post_init__(self) -> None:
        if not self.name or self.name.startswith(".") or self.name != Path(self.name).name:
            raise ValueError(f"not the name of an environment: {self.name!r}")

    @property
    def path(self) -> Path:
        return self.home / "envs" / self.name

    def is_whole(self) -> bool:
        """Whether it stands and its making was brought to the end."""
        try:
            return self.path.is_dir() and not self.path.is_symlink() and not (self.path / MARK).exists()
        except OSError:  # what cannot be looked at cannot be used
            return False

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Own the environment; the lock is beside it, so that removal leaves it, and the kernel lifts it if we die."""
        file = self.home / "locks" / f"{self.name}.lock"
        with _told(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            with _told(file):
                _own(handle, self.name)
            try:
                yield
            finally:
                os.ftruncate(handle, 0)  # nobody is to be sent after a process that has gone
        finally:
            os.close(handle)

    def begin(self) -> None:
        """An empty prefix that bears the mark, in place of whatever stood there."""
        with _told(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._sweep()
            self._discard()
            new = self.path.with_name(f"{_NEW}{self.name}")
            new.mkdir()
            (new / MARK).touch()
            new.rename(self.path)  # so there is no moment without the mark

    def finish(self) -> None:
        """Take the mark away: all steps were done."""
        with _told(self.path):
            (self.path / MARK).unlink(missing_ok=True)

    def remove(self) -> None:
        """Gone by name at once, and then by content."""
        with _told(self.path):
            self._discard()
            self._sweep()

    def _discard(self) -> None:
        if self.path.is_symlink():
            self.path.unlink()
        if not self.path.exists():
            return
        trash = self.path.with_name(f"{_TRASH}{self.name}-{secrets.token_hex(4)}")
        self.path.rename(trash)
        shutil.rmtree(trash, ignore_errors=True)  # another process may be sweeping it, too
        with suppress(FileNotFoundError):  # it has all of it
            shutil.rmtree(trash)

    def _sweep(self) -> None:
        """What killed removals and beginnings left; another process may be sweeping at the same time."""
        shutil.rmtree(self.path.with_name(f"{_NEW}{self.name}"), ignore_errors=True)
        sweep(self.home)


def _own(handle: int, name: str) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ProblemError(_busy(name, os.pread(handle, 32, 0).decode(errors="replace").strip())) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)


def _busy(name: str, pid: str) -> Problem:
    wait = say("wait until it has ended")
    if not pid:
        return Problem(code="busy", what=say("another process is at work on {name}", name=name), fix=(wait,))
    what = say("process {pid} is at work on {name}", pid=pid, name=name)
    return Problem(code="busy", what=what, fix=(wait, say("or end it: `kill {pid}`", pid=pid)))


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say a refusal of the file system as a problem with its place."""
    try:
        yield
    except OSError as error:
        raise ProblemError(unwritable(str(error.filename or path), error)) from error
