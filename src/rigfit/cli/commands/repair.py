"""The verb `repair`."""

from __future__ import annotations

import argparse

from rigfit.cli import options
from rigfit.cli.show import Face
from rigfit.core.problem import DONE
from rigfit.core.words import say

HELP = (
    say("Make an environment afresh from its lock, and prove it."),
    say("Its receipt is withdrawn first; files that you added to the environment are lost."),
)


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("environment", metavar="ENV", help=say("its name, or the beginning of it"))
    options.add_catalog(parser)
    options.add_home(parser)
    options.add_sources(parser)
    options.add_output(parser, events=True)


def execute(args: argparse.Namespace, face: Face) -> int:
    from rigfit.cli import draw, proofs
    from rigfit.cli.live import follow, stoppable
    from rigfit.engine.carrying import Carrying
    from rigfit.engine.fitting import Fitting
    from rigfit.engine.keeping import Keeping

    settings = options.settings(args)
    environment = Keeping(settings).find(args.environment)
    plan = Fitting(settings).plan_repair(environment)
    face.tell(lambda: draw.plan(plan))
    with stoppable() as cancel:
        finished = follow(Carrying(settings).carry_out(plan, cancel), face)
    if not face.events:
        face.result(finished.result, lambda: proofs.outcome(finished.result, settings.named_home, verbose=face.verbose))
    return DONE
