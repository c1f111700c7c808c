"""Prove an environment again by really loading a model in 8 bits and training a LoRA step.

Without ENV, the one that was set up last. Renews its receipt, or withdraws it when a check fails.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from rigfit.cli import options
from rigfit.cli.show import Face
from rigfit.core.problem import DONE, Problem, ProblemError


def add(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("environment", nargs="?", metavar="ENV", help="its name, or the beginning of it")
    which.add_argument("--all", action="store_true", help="every one that was ever proven; exits as the worst of them")
    options.add_home(parser)
    options.add_output(parser, events=True)


def execute(args: argparse.Namespace, face: Face) -> int:
    from rigfit.cli import draw
    from rigfit.core.receipt import Receipt
    from rigfit.engine.keeping import Keeping

    keeping = Keeping(options.settings(args))
    if args.all:
        keeping.find(None)  # says so where there is none
        return _all(args, face, [each.name for each in keeping.all() if each.receipt])
    proof = Receipt.from_json(_proven(args, face, keeping.find(args.environment).name)).verification
    if not face.events:
        face.result(proof.to_json(), lambda: draw.verification(proof))
    return DONE


def _all(args: argparse.Namespace, face: Face, names: list[str]) -> int:
    """One after the other; a stop ends them all."""
    problems: list[Problem] = []
    results: list[dict[str, Any]] = []
    for name in names:
        try:
            results.append(_proven(args, face, name))
            face.note(f"proven: {name}")
        except ProblemError as error:  # noqa: PERF203 - each takes seconds
            if error.problem.code == "stopped":
                raise
            problems.append(error.problem)
            results.append({"environment": name, "passed": False, **error.result, "problem": error.problem.to_json()})
    if problems:
        worst = max(problems, key=lambda problem: problem.exit_code)
        detail = "\n".join(problem.what for problem in problems)
        what = f"{len(problems)} of {len(names)} environments are not proven"
        raise ProblemError(replace(worst, what=what, detail=detail), {"environments": results})
    if not face.events:
        face.result({"environments": results}, lambda: f"all {len(names)} environments are proven")
    return DONE


def _proven(args: argparse.Namespace, face: Face, name: str) -> dict[str, Any]:
    """The renewed receipt as JSON; raises ProblemError if it is not proven."""
    from rigfit.cli.live import follow, stoppable
    from rigfit.engine.carrying import Carrying
    from rigfit.engine.keeping import Keeping
    from rigfit.engine.seeing import see

    settings = options.settings(args)
    with stoppable() as cancel:
        events = Carrying(settings).verify(Keeping(settings).find(name), see(settings), cancel)
        return follow(events, face).result
