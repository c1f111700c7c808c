"""Remove an environment and its receipt."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from rigfit.cli import options
from rigfit.cli.show import Face
from rigfit.core.problem import DONE, STOPPED, Problem, ProblemError

if TYPE_CHECKING:
    from rich.console import RenderableType


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("environment", metavar="ENV", help="its name, or the beginning of it")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    options.add_home(parser)
    options.add_output(parser)


def execute(args: argparse.Namespace, face: Face) -> int:
    from rigfit.engine.keeping import Keeping

    keeping = Keeping(options.settings(args))
    environment = keeping.find(args.environment)
    if not args.yes and not _agreed(face, environment.prefix):
        face.note("nothing was removed")
        return STOPPED
    keeping.remove(environment)

    def drawn() -> RenderableType:
        return f"removed {environment.name} ({environment.prefix})"

    face.result({"environment": environment.name, "prefix": environment.prefix}, drawn)
    return DONE


def _agreed(face: Face, prefix: str) -> bool:
    if not (sys.stdin.isatty() and face.text):
        what = "nobody can be asked here: standard input is not a terminal"
        raise ProblemError(Problem(code="not_confirmed", what=what, fix=("add `--yes`",)))
    face.note(f"Remove {prefix} with everything in it? [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")
