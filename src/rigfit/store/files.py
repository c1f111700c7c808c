"""Files that are whole or not there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from rigfit.core.problem import ProblemError, unwritable


def write_whole(path: Path, text: str) -> None:
    """Replace `path` in one step; raises ProblemError where the folder cannot be written."""
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
        raise ProblemError(unwritable(str(path), error)) from error
