"""An archive that is whole or not there, and that nobody else may read."""

from __future__ import annotations

import errno
import gzip
import io
import os
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

from rigfit.core.problem import FULL, Problem, ProblemError
from rigfit.core.words import say

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}  # as on FAT


def check_place(file: Path) -> None:
    """Raises ProblemError where no new file can be made, so that it is told before any work is done."""
    if os.path.lexists(file):
        raise ProblemError(_there_already(file))
    if not os.path.isdir(file.parent):  # noqa: PTH112 - Path.is_dir raises where we may not look
        raise ProblemError(_unwritable(file, OSError(errno.ENOENT, os.strerror(errno.ENOENT))))
    if not os.access(file.parent, os.W_OK | os.X_OK):
        raise ProblemError(_unwritable(file, OSError(errno.EACCES, os.strerror(errno.EACCES))))


def write_archive(file: Path, members: Iterable[tuple[str, bytes]], *, made: int) -> None:
    """Write `.tar.gz` in one step, and over nothing; `made` is the time of each member, in seconds since 1970.

    Raises ProblemError `file_exists`, `file_not_writable` or `disk_full`.
    """
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # with mode 0600
        try:
            with os.fdopen(handle, "wb") as stream:
                _fill(stream, members, made)
                stream.flush()
                os.fsync(stream.fileno())
            _give_name(name, file)
        finally:
            Path(name).unlink(missing_ok=True)
    except FileExistsError:
        raise ProblemError(_there_already(file)) from None
    except OSError as error:
        raise ProblemError(_unwritable(file, error)) from error


def _fill(stream: io.BufferedIOBase, members: Iterable[tuple[str, bytes]], made: int) -> None:
    """Neither names of files here nor of their owner get in."""
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=made) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(content), made, 0o600
            archive.addfile(entry, io.BytesIO(content))


def _give_name(name: str, file: Path) -> None:
    """A link fails where there is a file already, a renaming would replace it."""
    try:
        os.link(name, file)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(file):
            raise FileExistsError(file) from None
        Path(name).rename(file)


def _there_already(file: Path) -> Problem:
    what = say("{file} is there already, and is not written over", file=file)
    return Problem(code="file_exists", what=what, fix=(say("name another file with `--output FILE`"),))


def _unwritable(file: Path, error: OSError) -> Problem:
    return Problem(
        code="disk_full" if error.errno in FULL else "file_not_writable",
        what=say("cannot write {place}: {reason}", place=file, reason=error.strerror),
        fix=(say("name a file in a folder that can be written, with `--output FILE`"),),
    )
