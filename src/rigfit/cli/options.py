"""Options that several commands share, and what they mean to the engine."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from rigfit.core.words import say
from rigfit.language import said

if TYPE_CHECKING:
    from rigfit.core.selection import Wish
    from rigfit.engine.settings import Settings

Parser = argparse.ArgumentParser


def add_output(parser: Parser, *, events: bool = False) -> None:
    group = parser.add_argument_group(say("output"))
    machine = group.add_mutually_exclusive_group()
    machine.add_argument("--json", action="store_true", help=say("print one JSON object instead of text"))
    if events:
        machine.add_argument("--events", action="store_true", help=say("print a JSON line for each event of the run"))
        group.add_argument("--no-progress", action="store_true", help=say("one line for each step, nothing that moves"))
    volume = group.add_mutually_exclusive_group()
    volume.add_argument("-q", "--quiet", action="store_true", help=say("only results and problems"))
    volume.add_argument(
        "-v", "--verbose", action="store_true", help=say("every verdict with its source; what the tools underneath say")
    )
    group.add_argument("--color", choices=("auto", "always", "never"), default="auto", help=say("default: %(default)s"))


def place(text: str) -> Path:
    """A file or folder that somebody has named; nothing is none, and not the folder that one happens to be in."""
    if not text.strip():
        raise argparse.ArgumentTypeError(said(say("name a file or a folder; nothing stands there")))
    return Path(text)


def add_home(parser: Parser) -> None:
    parser.add_argument("--home", metavar="DIR", help=say("where environments and receipts are kept (or RIGFIT_HOME)"))


def add_machine(parser: Parser) -> None:
    parser.add_argument("--machine", metavar="FILE", type=Path, help=say("take a recorded machine instead of this one"))


def add_catalog(parser: Parser) -> None:
    parser.add_argument("--catalog", metavar="DIR", type=Path, help=say("take the templates from this folder"))


def add_fitting(parser: Parser) -> None:
    """What to fit, and to what."""
    parser.add_argument(
        "template", nargs="?", metavar="TEMPLATE", help=say("the template; left out: the best that fits")
    )
    add_machine(parser)
    parser.add_argument("--gpu", metavar="INDEX|UUID|all", help=say("the GPU it has to work on; default: all"))
    parser.add_argument("--variant", metavar="NAME", help=say("this variant and no other, such as `cpu`"))
    add_catalog(parser)
    add_home(parser)


def add_sources(parser: Parser) -> None:
    parser.add_argument(
        "--base",
        choices=("conda", "local"),
        help=say(
            "the interpreter: from the conda channel, or one of this machine; default: conda where it can be reached"
        ),
    )
    parser.add_argument("--offline", action="store_true", help=say("ask no network; take what caches and folders hold"))


def add_level(parser: Parser) -> None:
    parser.add_argument(
        "--level",
        choices=("full", "imports", "stress"),
        default="full",
        help=say(
            "imports: only see whether every module imports, which needs no GPU and proves nothing; stress: train at a "
            "size that fills the GPU; default: full"
        ),
    )


def settings(args: argparse.Namespace) -> Settings:
    """The engine's settings; an option that the command does not take is as if it were not given."""
    from rigfit.engine.settings import Settings
    from rigfit.store.paths import find_home

    return Settings(
        home=find_home(getattr(args, "home", None), os.environ),
        environ=os.environ,
        catalog=getattr(args, "catalog", None),
        machine=getattr(args, "machine", None),
        base=getattr(args, "base", None),
        offline=getattr(args, "offline", False),
        root=_root(getattr(args, "root", None)),
    )


def _root(named: Path | None) -> Path:
    """What is looked for in no folder at all is not there, which would be told of the machine."""
    if named is None:
        return Path("/")
    from rigfit.core.problem import Problem, ProblemError
    from rigfit.process.place import is_folder

    if not is_folder(named):
        what = say("`--root`: {place} is no folder", place=named)
        fix = (say("name the folder that holds its `etc` and `proc`"),)
        raise ProblemError(Problem(code="usage", what=what, fix=fix))
    return named


def wish(args: argparse.Namespace) -> Wish:
    from rigfit.core.selection import Wish

    return Wish(template=args.template, variant=args.variant, gpu=args.gpu)
