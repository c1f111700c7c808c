"""Which Python is to be proven: any that a person names."""

from __future__ import annotations

from pathlib import Path

from rigfit.core.cancel import Cancel
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import say
from rigfit.process.child import Command
from rigfit.process.interpreter import NoPythonError, answer_of, meant, not_python, place_of

# What 8-bit LoRA is made of, in the order of their import names.
STACK = ("torch", "transformers", "accelerate", "peft", "bitsandbytes")
_OLDEST = (3, 8)  # that the payloads are written for
_ASK = "import sys; print('%d.%d' % sys.version_info[:2])"
_LIMIT = 20.0  # seconds


def interpreter(named: Path, cancel: Cancel | None = None) -> Path:
    """The executable of `named`, an interpreter or the folder of an environment; a link is kept, since it says which environment.

    Raises ProblemError `python_invalid` for what is none, too old or too slow, `stopped` where `cancel` was requested.
    """
    python = place_of(named)
    try:
        _refuse_an_old_one(python, cancel)
    except NoPythonError as error:
        raise ProblemError(_invalid(python, error)) from None
    return python


def _refuse_an_old_one(python: Path, cancel: Cancel | None) -> None:
    said = answer_of(python, Command(argv=[str(python), "-I", "-c", _ASK], limit=_LIMIT), cancel).strip()
    try:
        version = tuple(int(part) for part in said.split("."))
    except ValueError:
        version = ()
    if len(version) != len(_OLDEST):
        raise not_python("", 0)
    if version < _OLDEST:
        raise NoPythonError(say("Python {version}", version=said))


def _invalid(python: Path, error: NoPythonError) -> Problem:
    another = say("name the interpreter of the environment: `--python ENV/bin/python`, or its folder")
    return Problem(
        code="python_invalid",
        what=say("{python} cannot be proven", python=python),
        fix=error.fix or meant(python) or (another,),
        detail=say("needed: a Python {oldest} or later; found: {found}", oldest="3.8", found=error.found),
    )
