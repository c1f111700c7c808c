"""The verb `select`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rigfit.cli import options
from rigfit.cli.show import Face
from rigfit.core.problem import DONE, NOTHING_FITS
from rigfit.core.words import say

if TYPE_CHECKING:
    from rich.console import RenderableType


HELP = (
    say("Judge every variant and say which one is chosen, and why."),
    say("Every candidate is shown with what it needs and what was found; the chosen one comes first."),
)


def add(parser: argparse.ArgumentParser) -> None:
    options.add_fitting(parser)
    options.add_output(parser)


def execute(args: argparse.Namespace, face: Face) -> int:
    from rigfit.engine.fitting import Fitting

    fitting = Fitting(options.settings(args))
    judged = fitting.select(options.wish(args))

    def drawn() -> RenderableType:
        from rigfit.cli import draw

        return draw.selection(judged, every=face.verbose)

    face.result(judged.to_json(), drawn)
    if judged.chosen is None:
        face.refusal(fitting.refusal(judged))
        return NOTHING_FITS
    return DONE
