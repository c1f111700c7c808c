"""Where rigfit keeps things."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import Words, say

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


@dataclass(frozen=True, slots=True)
class Home:
    """The folder that holds everything but caches: `envs`, `receipts`, `runs`, `locks`."""

    path: Path

    @property
    def environments(self) -> Path:
        return self.path / "envs"

    @property
    def receipts(self) -> Path:
        return self.path / "receipts"

    @property
    def runs(self) -> Path:
        return self.path / "runs"

    def prefix(self, environment: str) -> Path:
        return self.environments / environment


def find_home(asked: str | None, environ: Mapping[str, str]) -> Home:
    """`--home`, else RIGFIT_HOME, else the platform's folder for user data. Raises ProblemError for what cannot be one."""
    named = asked or environ.get("RIGFIT_HOME")
    if named:
        return Home(meant(named, environ))
    from platformdirs import user_data_path

    return Home(user_data_path("rigfit"))


def meant(text: str, environ: Mapping[str, str]) -> Path:
    """The absolute folder that a person means by `text`, with `~` and variables. Raises ProblemError(home_invalid)."""
    try:
        place = Path(_VARIABLE.sub(lambda found: environ[found[1] or found[2]], text)).expanduser().absolute()
    except KeyError as unset:
        raise _invalid(text, say("the variable {name} is not set", name=unset.args[0])) from None
    except RuntimeError:  # `~somebody`
        raise _invalid(text, say("there is no such user")) from None
    why_not = _why_not(place)
    if why_not is not None:
        raise _invalid(str(place), why_not)
    return place


def _why_not(place: Path) -> Words | None:
    """Why no folder can ever be there; what may not be looked at is left to whoever writes."""
    for there in (place, *place.parents):
        try:
            mode = there.stat().st_mode
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return say("the name is too long for this disk")
            continue
        if not stat.S_ISDIR(mode):
            return say("{place} is a file, and not a folder", place=there)
        if there != place and os.statvfs(there).f_blocks == 0:
            return say("{place} is no disk: the system shows things there, and keeps no files", place=there)
        return None
    return None


def _invalid(place: str, why: Words) -> ProblemError:
    what = say("`{place}` cannot be a home for environments: {why}", place=place, why=why)
    fix = (say("name another folder, with `--home DIR` or RIGFIT_HOME"),)
    return ProblemError(Problem(code="home_invalid", what=what, fix=fix))
