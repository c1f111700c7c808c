"""A place that a person named, on a machine where they may not look everywhere."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Literal

from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import say

Kind = Literal["folder", "file", "nothing"]


def kind_of(place: Path) -> Kind:
    """What is there. Raises ProblemError `usage` where one may not look, for which pathlib raises what nobody foresees."""
    try:
        mode = place.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "nothing"
    except OSError as error:
        raise ProblemError(_shut(place, error)) from None
    return "folder" if stat.S_ISDIR(mode) else "file"


def is_folder(place: Path) -> bool:
    """Whether it is a folder whose files can be told. Raises ProblemError `usage` where one may not look."""
    if kind_of(place) != "folder":
        return False
    try:
        with os.scandir(place):
            return True
    except OSError as error:
        raise ProblemError(_shut(place, error)) from None


def _shut(place: Path, error: OSError) -> Problem:
    what = say("{place} may not be opened: {reason}", place=place, reason=error.strerror or str(error))
    return Problem(
        code="usage", what=what, fix=(say("name a place that you may read, or ask its owner for the right to"),)
    )
