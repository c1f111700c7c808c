"""Remove an environment and what is known of it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rigfit.cli import options
from rigfit.cli.ask import agreed
from rigfit.cli.show import Face
from rigfit.core.problem import DONE, STOPPED

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
    if not args.yes and not agreed(face, f"Remove {environment.prefix} with everything in it?", default=False):
        face.note("nothing was removed")
        return STOPPED
    keeping.remove(environment)

    def drawn() -> RenderableType:
        return f"removed {environment.name} ({environment.prefix})"

    face.result({"environment": environment.name, "prefix": environment.prefix}, drawn)
    return DONE
