"""The verb `verify`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from rigfit.cli import options
from rigfit.cli.show import Face
from rigfit.core.problem import DONE, Problem, ProblemError
from rigfit.core.words import joined, say

HELP = (
    say("Prove an environment by really loading a quantized model and training a LoRA step."),
    say(
        "Without ENV, the one that was set up last. Gives or renews its receipt, or withdraws it when a check fails. An "
        "environment that was set up with --no-verify is judged on this machine first."
    ),
)


def add(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("environment", nargs="?", metavar="ENV", help=say("its name, or the beginning of it"))
    which.add_argument(
        "--all", action="store_true", help=say("every one that was ever proven; exits as the worst of them")
    )
    options.add_level(parser)
    options.add_catalog(parser)
    options.add_home(parser)
    options.add_output(parser, events=True)


def execute(args: argparse.Namespace, face: Face) -> int:
    from rigfit.cli import draw
    from rigfit.core.receipt import Verification
    from rigfit.engine.keeping import Keeping

    keeping = Keeping(options.settings(args))
    if args.all:
        keeping.find(None)  # says so where there is none
        return _all(args, face, [each.name for each in keeping.all() if each.receipt])
    done = Verification.from_json(_tried(args, face, keeping.find(args.environment).name))
    if not face.events:
        face.result(done.to_json(), lambda: draw.verification(done))
    return DONE


def _all(args: argparse.Namespace, face: Face, names: list[str]) -> int:
    """One after the other; a stop ends them all."""
    problems: list[Problem] = []
    results: list[dict[str, Any]] = []
    words = say("proven") if args.level == "full" else say("passed at level {level}", level=args.level)
    for name in names:
        try:
            results.append(_tried(args, face, name))
            face.note(say("{words}: {name}", words=words, name=name))
        except ProblemError as error:  # noqa: PERF203 - each takes seconds
            if error.problem.code == "stopped":
                raise
            problems.append(error.problem)
            results.append({"environment": name, "passed": False, **error.result, "problem": error.problem.to_json()})
    if problems:
        worst = max(problems, key=lambda problem: problem.exit_code)
        detail = joined("\n", (problem.what for problem in problems))
        what = say("{count} of {all} environments are not {words}", count=len(problems), all=len(names), words=words)
        raise ProblemError(replace(worst, what=what, detail=detail), {"environments": results})
    if not face.events:
        told = say("{words}: all {count} environments", words=words, count=len(names))
        face.result({"environments": results}, lambda: told)
    return DONE


def _tried(args: argparse.Namespace, face: Face, name: str) -> dict[str, Any]:
    """The receipt or, below level full, the verification, as JSON; raises ProblemError for what did not pass."""
    from rigfit.cli.live import follow, stoppable
    from rigfit.engine.carrying import Carrying
    from rigfit.engine.fitting import Fitting

    settings = options.settings(args)
    carrying, fitting = Carrying(settings), Fitting(settings)
    work = carrying.verify if args.level == "full" else carrying.import_all
    with stoppable() as cancel:
        return follow(work(name, fitting, cancel), face).result
