"""The verb `lock`."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rigfit.cli import options
from rigfit.cli.show import Face
from rigfit.core.problem import DONE, ProblemError
from rigfit.core.words import say

if TYPE_CHECKING:
    from rigfit.engine.settings import Settings


HELP = (
    say("Write the lock files of a template, or check that they still follow from what people edit (for maintainers)."),
)


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("template", nargs="?", metavar="TEMPLATE", help=say("left out: every template"))
    parser.add_argument(
        "--check", action="store_true", help=say("change nothing; needs no network, but the extra `lock`")
    )
    parser.add_argument("--variant", metavar="NAME", help=say("lock this variant only"))
    parser.add_argument(
        "--channel",
        default="conda-forge",
        help=say(
            "the conda channel to solve against: a name, an address (`https://...`, `file:///...`) or a folder (with a "
            "slash: `./copy`); default: %(default)s"
        ),
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
    face.result(
        {"checked": list(names)}, lambda: say("the locks follow from what people edit: {names}", names=", ".join(names))
    )
    return DONE


def _written(names: tuple[str, ...], settings: Settings, args: argparse.Namespace, face: Face) -> int:
    from rigfit.engine.locking import write_locks

    for name in names:
        for line in write_locks(settings, name, args.variant, args.channel):
            face.note(line)
    face.result({"locked": list(names)}, lambda: say("locked: {names}", names=", ".join(names)))
    for line in _next(args):
        face.note(line)
    return DONE


def _next(args: argparse.Namespace) -> Iterator[str]:
    """What to do now; the matrix is that of the checkout's own catalog."""
    words = [*([args.template] if args.template else []), *(["--catalog", args.catalog] if args.catalog else [])]
    yield say("next: `{command}`", command=shlex.join(["rigfit", "templates", "--check", *map(str, words)]))
    if not args.catalog:
        yield say("then: `python tests/selection_matrix.py` with the Python of `.venv`, and read the difference")
