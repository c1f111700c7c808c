"""The verb `remove`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rigfit.cli import options
from rigfit.cli.ask import agreed
from rigfit.cli.show import Face
from rigfit.core.problem import DONE, STOPPED
from rigfit.core.words import say

if TYPE_CHECKING:
    from rich.console import RenderableType


HELP = (say("Remove an environment and what is known of it."),)


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("environment", metavar="ENV", help=say("its name, or the beginning of it"))
    parser.add_argument("-y", "--yes", action="store_true", help=say("do not ask"))
    options.add_home(parser)
    options.add_output(parser)


def execute(args: argparse.Namespace, face: Face) -> int:
    from rigfit.engine.keeping import Keeping

    keeping = Keeping(options.settings(args))
    keeping.clear_leftovers()  # also of the one that is asked for, which has no name any more
    environment = keeping.find(args.environment)
    question = say("Remove {prefix} with everything in it?", prefix=environment.prefix)
    if not args.yes and not agreed(face, question, default=False):
        face.note(say("nothing was removed"))
        return STOPPED
    keeping.remove(environment)

    def drawn() -> RenderableType:
        return say("removed {name} ({prefix})", name=environment.name, prefix=environment.prefix)

    face.result({"environment": environment.name, "prefix": environment.prefix}, drawn)
    return DONE
