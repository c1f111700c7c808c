"""The one question that commands ask."""

from __future__ import annotations

import sys

from rigfit.cli.show import Face
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import say
from rigfit.language import said


def agreed(face: Face, question: str, *, default: bool) -> bool:
    """Ask until it is answered; the end of input is a no. Raises ProblemError where nobody can be asked."""
    if not (sys.stdin.isatty() and face.text):
        what = say("nobody can be asked here: standard input is not a terminal")
        raise ProblemError(Problem(code="not_confirmed", what=what, fix=(say("add `--yes`"),)))
    while True:
        face.prompt(f"{said(question)} {'[Y/n]' if default else '[y/N]'} ")
        line = sys.stdin.readline()
        match line.strip().lower():
            case "" if not line:
                face.blank()
                return False
            case "":
                return default
            case "y" | "yes":
                return True
            case "n" | "no":
                return False
