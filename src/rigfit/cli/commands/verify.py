"""Prove an environment again by really loading a model in 8 bits and training a LoRA step.

Without ENV, the one that was set up last. Renews its receipt, or withdraws it when a check fails.
"""

from __future__ import annotations

import argparse

from rigfit.cli import options
from rigfit.cli.show import Face
from rigfit.core.problem import DONE, ProblemError


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("environment", nargs="?", metavar="ENV", help="its name, or the beginning of it")
    parser.add_argument("--all", action="store_true", help="every environment; the exit code is that of the worst")
    options.add_home(parser)
    options.add_output(parser, events=True)


def execute(args: argparse.Namespace, face: Face) -> int:
    from rigfit.engine.keeping import Keeping

    keeping = Keeping(options.settings(args))
    if not args.all:
        return _verified(args, face, keeping.find(args.environment).name)
    keeping.find(None)  # says so where there is none
    codes = [_attempt(args, face, each.name) for each in keeping.all() if each.receipt]
    return max(codes)


def _attempt(args: argparse.Namespace, face: Face, name: str) -> int:
    try:
        return _verified(args, face, name)
    except ProblemError as error:
        face.problem(error.problem, error.result)
        return error.problem.exit_code


def _verified(args: argparse.Namespace, face: Face, name: str) -> int:
    from rigfit.cli import draw
    from rigfit.cli.live import follow, stoppable
    from rigfit.core.receipt import Receipt
    from rigfit.engine.carrying import Carrying
    from rigfit.engine.keeping import Keeping
    from rigfit.engine.seeing import see

    settings = options.settings(args)
    with stoppable() as cancel:
        events = Carrying(settings).verify(Keeping(settings).find(name), see(settings), cancel)
        finished = follow(events, face)
    proof = Receipt.from_json(finished.result).verification
    if not face.events:
        face.result(proof.to_json(), lambda: draw.verification(proof))
    return DONE
