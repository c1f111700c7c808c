"""The verb `setup`."""

from __future__ import annotations

import argparse

from rigfit.cli import options
from rigfit.cli.ask import agreed
from rigfit.cli.show import Face
from rigfit.core.problem import DONE, STOPPED, Problem, ProblemError
from rigfit.core.words import say

HELP = (
    say("Set up the environment that fits, and prove it: the main job."),
    say(
        "Asks the machine, chooses the variant that fits, shows the plan, and once you agree fetches, installs and "
        "verifies it. It can be stopped at any moment and run again. With --machine and --no-verify it prepares an "
        "environment for another machine that shares this disk, such as a GPU node of a cluster; there `rigfit verify` "
        "proves it."
    ),
)


def add(parser: argparse.ArgumentParser) -> None:
    options.add_fitting(parser)
    options.add_sources(parser)
    parser.add_argument(
        "--no-verify",
        action="store_true",
        help=say("prove nothing: the environment is unproven until `rigfit verify` ran"),
    )
    parser.add_argument("-y", "--yes", action="store_true", help=say("do not ask"))
    parser.add_argument("--dry-run", action="store_true", help=say("stop after the plan"))
    options.add_output(parser, events=True)


def execute(args: argparse.Namespace, face: Face) -> int:
    from rigfit.cli import draw, proofs
    from rigfit.cli.live import follow, stoppable
    from rigfit.engine.carrying import Carrying
    from rigfit.engine.fitting import Fitting

    settings = options.settings(args)
    fitting = Fitting(settings)
    face.tell(lambda: draw.machine(fitting.machine))
    judged = fitting.select(options.wish(args))
    if judged.chosen:
        face.tell(lambda: draw.choice(judged))
    plan = fitting.plan(judged, prove=not args.no_verify)
    if args.dry_run:
        face.result(plan.to_json(), lambda: draw.plan(plan))
        return DONE
    face.tell(lambda: draw.plan(plan))
    _refuse_a_recorded_machine(args)
    if not args.yes and not agreed(face, say("Set it up?"), default=True):
        face.note(say("nothing was changed"))
        return STOPPED
    with stoppable() as cancel:
        finished = follow(Carrying(settings).carry_out(plan, cancel), face)
    if not face.events:
        face.result(finished.result, lambda: proofs.outcome(finished.result, settings.named_home, verbose=face.verbose))
    return DONE


def _refuse_a_recorded_machine(args: argparse.Namespace) -> None:
    if args.machine is not None and not args.no_verify:
        what = say(
            "{file} is a recorded machine: it can be judged, but nothing can be proven on it from here",
            file=args.machine,
        )
        fix = (
            say("`--dry-run` shows the plan for it"),
            say("run `rigfit setup` on that machine"),
            say("or set it up from here, unproven, with `--no-verify`"),
        )
        raise ProblemError(Problem(code="machine_is_recorded", what=what, fix=fix))
