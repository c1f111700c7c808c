"""The verb `list`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rigfit.cli import options
from rigfit.cli.show import Face
from rigfit.core.problem import DONE
from rigfit.core.words import say

if TYPE_CHECKING:
    from rich.console import RenderableType


HELP = (say("List the environments with their receipts."),)


def add(parser: argparse.ArgumentParser) -> None:
    options.add_home(parser)
    options.add_output(parser)


def execute(args: argparse.Namespace, face: Face) -> int:
    from rigfit.engine.keeping import Keeping

    found = Keeping(options.settings(args)).all()

    def drawn() -> RenderableType:
        from rigfit.cli import draw

        return draw.environments(found)

    face.result({"environments": [environment.to_json() for environment in found]}, drawn)
    for each in found if face.text else ():
        if each.since_proof:
            face.note(say("to prove {name} again: `{command}`", name=each.name, command=each.renewal))
    return DONE
