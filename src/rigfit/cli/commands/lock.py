"""Write the lock files of a template, or check that they still follow from what people edit (for maintainers)."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rigfit.cli import options
from rigfit.cli.show import Face
from rigfit.core.problem import DONE, ProblemError

if TYPE_CHECKING:
    from rigfit.engine.settings import Settings


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("template", nargs="?", metavar="TEMPLATE", help="left out: every template")
    parser.add_argument("--check", action="store_true", help="change nothing; needs no network, but the extra `lock`")
    parser.add_argument("--variant", metavar="NAME", help="lock this variant only")
    parser.add_argument(
        "--channel",
        default="conda-forge",
        help="the conda channel to solve against: a name, an address or a folder; default: %(default)s",
    )
    options.add_catalog(parser)
    options.add_output(parser)


def execute(args: argparse.Namespace, face: Face) -> int:
    from rigfit.engine.locking import template_names

    settings = options.settings(args)
    names = (args.template,) if args.template else template_names(settings)
    return _checked(names, settings, face) if args.check else _written(names, settings, args, face)


def _checked(names: tuple[str, ...], settings: Settings, face: Face) -> int:
    from rigfit.engine.locking import as_one, check_locks

    wrong = check_locks(settings, names)
    if wrong:
        raise ProblemError(as_one(wrong))
    face.result({"checked": list(names)}, lambda: "the locks follow from what people edit: " + ", ".join(names))
    return DONE


def _written(names: tuple[str, ...], settings: Settings, args: argparse.Namespace, face: Face) -> int:
    from rigfit.engine.locking import write_locks

    for name in names:
        for line in write_locks(settings, name, args.variant, args.channel):
            face.note(line)
    face.result({"locked": list(names)}, lambda: "locked: " + ", ".join(names))
    return DONE
