"""Which Python a person means, and what it answers to a question."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

from rigfit.core.cancel import Cancel
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import say
from rigfit.process.child import Command, output_of
from rigfit.process.place import kind_of

_LONGEST = 300  # letters of a program's last words


class NoPythonError(Exception):
    """What is there instead of a Python that answers, in words for people; `fix` is what to do, where that is known."""

    def __init__(self, found: str, fix: tuple[str, ...] = ()) -> None:
        super().__init__(found)
        self.found = found
        self.fix = fix


def place_of(named: Path, search: str | None = None) -> Path:
    """The executable of `named`: an interpreter, the folder of an environment or its bin, or the name of a program.

    `search` are the folders of such a program, as in PATH, which is taken where it is None. A link is kept, since it says which environment.
    """
    place = Path(os.path.abspath(named.expanduser()))  # noqa: PTH100 - resolving would leave a virtual environment
    if os.path.isdir(place):  # noqa: PTH112 - Path.is_dir raises where we may not look
        within = (place / "bin/python", place / "bin/python3", place / "python")
        return next(filter(os.path.lexists, within), within[0])
    program = None if os.path.lexists(place) or len(named.parts) != 1 else shutil.which(named.name, path=search)
    return place if program is None else Path(os.path.abspath(program))  # noqa: PTH100


def meant(python: Path) -> tuple[str, ...]:
    """What to name instead of another file of an environment, such as `bin/activate` or `bin/pip`."""
    folder = python.parent
    if folder.name != "bin" or python.name == "python" or not os.path.lexists(folder / "python"):
        return ()
    return (say("name the environment: `--python {folder}`", folder=shlex.quote(str(folder.parent))),)


def answer_of(python: Path, command: Command, cancel: Cancel | None = None) -> str:
    """What `python` says to `command`, which is run with it, within a limit.

    Raises NoPythonError for what cannot be run, fails or is too slow, ProblemError `stopped` where `cancel` was requested.
    """
    if not os.access(python, os.X_OK) or kind_of(python) == "folder":
        raise _instead(python)
    out, err, ended = output_of(command, cancel)
    if ended.cancelled:
        raise ProblemError(Problem(code="stopped", what=say("stopped"), fix=(say("run the same command again"),)))
    if ended.timed_out:
        raise NoPythonError(say("a program that does not answer within {seconds:.0f} s", seconds=command.limit))
    if ended.code != 0:
        raise not_python(err, ended.code)
    return out


def _instead(python: Path) -> NoPythonError:
    try:
        if kind_of(python) == "nothing":
            return _gone(python)
        return NoPythonError(say("nothing that can be run"))
    except ProblemError as error:
        return NoPythonError(error.problem.what)


def _gone(python: Path) -> NoPythonError:
    """A link outlives what it leads to: a virtual environment the Python that it was made with."""
    link = next((each for each in (python, *python.parents) if os.path.islink(each) and not os.path.exists(each)), None)  # noqa: PTH110, PTH114
    if link is None:
        return NoPythonError(say("no such file"))
    found = say("a link to {target}, which is gone", target=os.path.realpath(link))
    if (python.parent.parent / "pyvenv.cfg").is_file():
        anew = say("make the environment anew, with a Python that is there: the one that it was made with is gone")
        return NoPythonError(found, (anew,))
    return NoPythonError(found, (say("name a Python that is there, or let {link} lead to one", link=link),))


def not_python(err: str, code: int) -> NoPythonError:
    """Of a program that answered something else; its last words tell most, unless they are our own question again."""
    last = (err.strip().splitlines()[-1:] or [say("exit code {code}", code=code)])[0]
    if len(last) > _LONGEST:
        return NoPythonError(say("a program that is no Python 3"))
    return NoPythonError(say("a program that is no Python 3: {last}", last=last))
