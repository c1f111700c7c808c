"""The verb `serve`."""

from __future__ import annotations

import argparse
import importlib
import sys

from rigfit.cli import options
from rigfit.cli.ask import agreed
from rigfit.cli.show import Face
from rigfit.core.problem import STOPPED
from rigfit.core.words import say

HELP = (
    say("Open the installer in a browser."),
    say(
        "Prints a link that opens one browser, one time. Ctrl-C ends it, and so does closing a page for what runs in it."
    ),
)
_ADDRESS = "rigfit_installer.serving.address"
_SERVER = "rigfit_installer.serving.server"
_PAGE = "rigfit_installer.serving.entry"


def add(parser: argparse.ArgumentParser) -> None:
    options.add_fitting(parser)
    options.add_sources(parser)
    group = parser.add_argument_group(say("where"))
    group.add_argument("--port", type=int, default=0, metavar="NUMBER", help=say("default: a free one"))
    group.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help=say("open it to other machines; asks first; default: %(default)s"),
    )
    group.add_argument("-y", "--yes", action="store_true", help=say("do not ask"))
    parser.add_argument("--page", action="store_true", help=argparse.SUPPRESS)  # what the server starts for each page


def execute(args: argparse.Namespace, face: Face) -> int:
    return _page(args) if args.page else _served(args, face)


def _page(args: argparse.Namespace) -> int:
    code: int = importlib.import_module(_PAGE).main(lambda: (options.settings(args), options.wish(args)))
    return code


def _served(args: argparse.Namespace, face: Face) -> int:
    options.settings(args)  # what is wrong with them is told here, not in a page
    address = importlib.import_module(_ADDRESS).find(args.host)
    if address.is_exposed and not _may_be_exposed(args, face):
        face.note(say("nothing was opened"))
        return STOPPED

    def opened(link: str) -> None:
        face.note(say("Open this link in a browser. It works one time. Ctrl-C ends it."))
        face.raw(link)

    itself = (sys.executable, *sys.orig_argv[1:], "--page")
    importlib.import_module(_SERVER).serve(address, args.port, itself, opened)
    face.note(say("closed"))
    return STOPPED


def _may_be_exposed(args: argparse.Namespace, face: Face) -> bool:
    exposes = say(
        "{host} is not only this machine. Whoever reaches that address and has the link can set up and remove\n"
        "environments here as you, and whoever reads the network in between can take the link: it is plain http.",
        host=args.host,
    )
    face.note(exposes)
    return args.yes or agreed(face, say("Open it there?"), default=False)
