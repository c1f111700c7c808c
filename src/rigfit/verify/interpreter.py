"""Any Python that a person names, as one that can be proven."""

from __future__ import annotations

import os
from pathlib import Path

from rigfit.core.cancel import Cancel
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import say
from rigfit.process.child import Command, output_of

# What 8-bit LoRA is made of, in the order of their import names.
STACK = ("torch", "transformers", "accelerate", "peft", "bitsandbytes")
_OLDEST = (3, 8)  # that the payloads are written for
_ASK = "import sys; print('%d.%d' % sys.version_info[:2])"
_LIMIT = 20.0  # seconds


def interpreter(named: Path, cancel: Cancel | None = None) -> Path:
    """The executable of `named`, an interpreter or the folder of an environment; a link is kept, since it says which environment.

    Raises ProblemError `python_invalid` for what is none, too old or too slow, `stopped` where `cancel` was requested.
    """
    place = Path(os.path.abspath(named.expanduser()))  # noqa: PTH100 - resolving would leave a virtual environment
    python = place / "bin" / "python" if place.is_dir() else place
    if not os.access(python, os.X_OK) or python.is_dir():
        found = say("nothing that can be run") if python.exists() else say("no such file")
        raise ProblemError(_invalid(python, found))
    out, err, ended = output_of(Command(argv=[str(python), "-I", "-c", _ASK], limit=_LIMIT), cancel)
    if ended.cancelled:
        raise ProblemError(Problem(code="stopped", what=say("stopped"), fix=(say("run the same command again"),)))
    if ended.timed_out:
        found = say("a program that does not answer within {seconds:.0f} s", seconds=_LIMIT)
        raise ProblemError(_invalid(python, found))
    try:
        version = tuple(int(part) for part in out.strip().split("."))
    except ValueError:
        version = ()
    if ended.code != 0 or len(version) != len(_OLDEST):
        last = err.strip().splitlines()[-1:] or [say("exit code {code}", code=ended.code)]
        raise ProblemError(_invalid(python, say("a program that is no Python 3: {last}", last=last[0])))
    if version < _OLDEST:
        raise ProblemError(_invalid(python, say("Python {version}", version=out.strip())))
    return python


def _invalid(python: Path, found: str) -> Problem:
    return Problem(
        code="python_invalid",
        what=say("{python} cannot be proven", python=python),
        fix=(say("name the interpreter of the environment: `--python ENV/bin/python`, or its folder"),),
        detail=say("needed: a Python {oldest} or later; found: {found}", oldest="3.8", found=found),
    )
