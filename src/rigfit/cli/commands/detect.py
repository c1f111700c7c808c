"""The verb `detect`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rigfit.cli import options
from rigfit.cli.show import Face
from rigfit.core.problem import DONE
from rigfit.core.words import say

if TYPE_CHECKING:
    from rich.console import RenderableType


HELP = (say("Show the machine as seen: platform, driver or its fault, GPUs."),)


def add(parser: argparse.ArgumentParser) -> None:
    options.add_machine(parser)
    options.add_home(parser)
    options.add_output(parser)


def execute(args: argparse.Namespace, face: Face) -> int:
    from rigfit.engine.seeing import see

    seen = see(options.settings(args))

    def drawn() -> RenderableType:
        from rigfit.cli import draw

        return draw.machine(seen)

    face.result(seen.to_json(), drawn)
    return DONE
