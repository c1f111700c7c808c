"""Files that are whole or not there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from rigfit.core.problem import Problem, ProblemError


def write_whole(path: Path, text: str) -> None:
    """Replace `path` in one step and make it last; raises ProblemError where the folder cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ProblemError(cannot_write(path, error)) from error


def cannot_write(path: Path, error: OSError) -> Problem:
    """The problem with a place that refuses to be written."""
    return Problem(
        code="disk_full" if error.errno == 28 else "home_not_writable",
        what=f"cannot write {path}: {error.strerror}",
        fix=("make that folder writable, with some space left", "or keep everything elsewhere with `--home DIR`"),
    )
