"""The verb `plan`."""

from __future__ import annotations

import argparse

from rigfit.cli import options
from rigfit.cli.show import Face
from rigfit.core.problem import DONE
from rigfit.core.words import say

HELP = (say("Show what setup would do: steps, bytes to fetch, bytes on disk, where from."),)


def add(parser: argparse.ArgumentParser) -> None:
    options.add_fitting(parser)
    options.add_sources(parser)
    options.add_output(parser)


def execute(args: argparse.Namespace, face: Face) -> int:
    from rigfit.cli import draw
    from rigfit.engine.fitting import Fitting

    fitting = Fitting(options.settings(args))
    made = fitting.plan(fitting.select(options.wish(args)))
    face.result(made.to_json(), lambda: draw.plan(made))
    return DONE
