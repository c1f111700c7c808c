"""The verb `run`."""

from __future__ import annotations

import argparse
import os

from rigfit.cli import options
from rigfit.cli.show import Face
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import say

HELP = (say("Run a command in an environment: `rigfit run ENV -- CMD...`."),)


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("environment", metavar="ENV", help=say("its name, or the beginning of it"))
    parser.add_argument("unmarked", nargs="*", help=argparse.SUPPRESS)
    parser.usage = "rigfit run [--home DIR] ENV -- CMD [ARGUMENT...]"
    options.add_home(parser)


def execute(args: argparse.Namespace, face: Face) -> int:
    from rigfit.engine.keeping import Keeping
    from rigfit.engine.using import activated, warning

    environment = Keeping(options.settings(args)).usable(args.environment)
    words: list[str] = args.after
    if not words:
        fix = (f"rigfit run {args.environment} -- {' '.join(args.unmarked) or 'python'}",)
        raise ProblemError(Problem(code="usage", what=say("no command was given: it goes after `--`"), fix=fix))
    told = warning(environment)
    if told:
        face.note(told)
    env = activated(environment, os.environ)
    try:
        os.execvpe(words[0], words, env)  # noqa: S606 - becoming that program is the point
    except OSError as error:
        what = say(
            "cannot run `{program}` in {name}: {reason}", program=words[0], name=environment.name, reason=error.strerror
        )
        raise ProblemError(Problem(code="usage", what=what)) from error
