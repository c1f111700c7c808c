"""The verb `shell-hook`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from rigfit.cli import options
from rigfit.cli.show import Face
from rigfit.core.problem import DONE
from rigfit.core.words import say

HELP = (say('Print the shell code that activates an environment: `eval "$(rigfit shell-hook ENV)"`.'),)


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("environment", nargs="?", metavar="ENV", help=say("left out: the one that was set up last"))
    shell = Path(os.environ.get("SHELL", "sh")).name
    default = shell if shell == "fish" else "sh"
    parser.add_argument("--shell", choices=("sh", "fish"), default=default, help=say("sh is for bash and zsh, too"))
    options.add_home(parser)


def execute(args: argparse.Namespace, face: Face) -> int:
    from rigfit.engine.keeping import Keeping
    from rigfit.engine.using import hook, warning

    environment = Keeping(options.settings(args)).usable(args.environment)
    told = warning(environment)
    if told:
        face.note(told)
    face.raw(hook(environment, args.shell, os.environ))
    return DONE
