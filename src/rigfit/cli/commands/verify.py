"""The verb `verify`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rigfit.cli import options
from rigfit.cli.show import Face
from rigfit.core.problem import DONE, Problem, ProblemError
from rigfit.core.words import joined, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rigfit.core.event import Event
    from rigfit.engine.verifying import Asked, Verifying

HELP = (
    say("Prove an environment by really loading a quantized model and training a LoRA step."),
    say(
        "Without ENV, the one that was set up last. Gives or renews its receipt, or withdraws it when a check fails. An "
        "environment that was set up with --no-verify is judged on this machine first."
    ),
    say(
        "--python proves any interpreter in the same way, and keeps nothing of it. --level stress trains for --minutes at "
        "a size that fills the GPU, and looks for wrong numbers: for a new workstation."
    ),
)
_MINUTES, _LONGEST = 10.0, 7 * 24 * 60.0


def add(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("environment", nargs="?", metavar="ENV", help=say("its name, or the beginning of it"))
    which.add_argument(
        "--all", action="store_true", help=say("every one that was ever proven; exits as the worst of them")
    )
    which.add_argument(
        "--python", metavar="PATH", type=options.place, help=say("this interpreter, or the environment in this folder")
    )
    parser.add_argument(
        "--gpu",
        metavar="INDEX|UUID|all|none",
        help=say("the GPU to prove it on, each in turn, or the CPU; default: that of the receipt, or the first"),
    )
    options.add_level(parser)
    parser.add_argument("--minutes", metavar="N", type=_minutes, help=say("how long level stress trains; default: 10"))
    options.add_catalog(parser)
    options.add_home(parser)
    options.add_output(parser, events=True)


def _minutes(text: str) -> float:
    value = float(text)
    if not 0 < value <= _LONGEST:
        raise ValueError(text)
    return value


_minutes.__name__ = "minutes"  # which argparse names in its complaint


def execute(args: argparse.Namespace, face: Face) -> int:
    from rigfit.engine.keeping import Keeping

    if args.minutes is not None and args.level != "stress":
        what = say("`--minutes` is how long level stress trains, and this is level {level}", level=args.level)
        raise ProblemError(Problem(code="usage", what=what, fix=("rigfit verify --level stress --minutes 10",)))
    if args.python is not None:
        return _shown(_tried(args, face, lambda verifying, asked: verifying.python(args.python, asked)), face)
    keeping = Keeping(options.settings(args))
    if args.all:
        names = [each.name for each in keeping.all() if each.receipt]
        if not names:
            what = say("no environment was ever proven, so there is nothing to prove again")
            raise ProblemError(Problem(code="no_environment", what=what, fix=("rigfit verify", "rigfit setup")))
        return _all(args, face, names)
    return _shown(_environment(args, face, keeping.find(args.environment).name), face)


def _shown(result: dict[str, Any], face: Face) -> int:
    from rigfit.cli import proofs
    from rigfit.core.receipt import Verification

    if face.events:
        return DONE
    if "gpus" in result:
        every = [Verification.from_json(each) for each in result["gpus"]]
        face.result(result, lambda: proofs.verifications(every, verbose=face.verbose))
    else:
        done = Verification.from_json(result)
        face.result(done.to_json(), lambda: proofs.verification(done, verbose=face.verbose))
    return DONE


def _as_verified(result: dict[str, Any]) -> dict[str, Any]:
    """A receipt as the verification that it rests on; what is one already, or several, as it is."""
    from rigfit.core.receipt import Verification

    return result if "gpus" in result else Verification.from_json(result).to_json()


def _all(args: argparse.Namespace, face: Face, names: list[str]) -> int:
    """One after the other; a stop ends them all."""
    problems: list[Problem] = []
    results: list[dict[str, Any]] = []
    words = say("proven") if args.level == "full" else say("passed at level {level}", level=args.level)
    for name in names:
        try:
            results.append(_as_verified(_environment(args, face, name)))
            face.note(say("{words}: {name}", words=words, name=name))
        except ProblemError as error:  # noqa: PERF203 - each takes seconds
            if error.problem.code == "stopped":
                raise
            problems.append(error.problem)
            results.append({"environment": name, "passed": False, **error.result, "problem": error.problem.to_json()})
    if problems:
        worst = max(problems, key=lambda problem: problem.exit_code)
        detail = joined("\n", (problem.what for problem in problems))
        what = say(
            "{count} of {all} environments did not pass, or could not be tried", count=len(problems), all=len(names)
        )
        raise ProblemError(replace(worst, what=what, detail=detail), {"environments": results})
    if not face.events:
        told = say("{words}: every environment ({count})", words=words, count=len(names))
        face.result({"environments": results}, lambda: told)
    return DONE


def _environment(args: argparse.Namespace, face: Face, name: str) -> dict[str, Any]:
    return _tried(args, face, lambda verifying, asked: verifying.environment(name, asked))


def _tried(args: argparse.Namespace, face: Face, work: Callable[[Verifying, Asked], Iterator[Event]]) -> dict[str, Any]:
    """The receipt, the verification or those of several GPUs, as JSON; raises ProblemError for what did not pass."""
    from rigfit.cli.live import follow, stoppable
    from rigfit.engine.fitting import Fitting
    from rigfit.engine.verifying import Asked, Verifying

    settings = options.settings(args)
    asked = Asked(level=args.level, gpu=args.gpu, seconds=60 * (args.minutes or _MINUTES))
    with stoppable() as cancel:
        return follow(work(Verifying(settings, Fitting(settings), cancel), asked), face).result
