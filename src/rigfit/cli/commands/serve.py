"""The verb `serve`."""

from __future__ import annotations

import argparse
import getpass
import importlib
import os
import shlex
import sys
from collections.abc import Mapping
from urllib.parse import urlsplit

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
        tunnel = _tunnel(link, os.environ)
        if tunnel and not address.is_exposed:
            face.note(say("The browser is on another machine? Run there first: `{command}`", command=tunnel))
        face.raw(link)

    itself = (sys.executable, *sys.orig_argv[1:], "--page")
    importlib.import_module(_SERVER).serve(address, args.port, itself, opened)
    face.note(say("closed"))
    return STOPPED


def _tunnel(link: str, environ: Mapping[str, str]) -> str:
    """What leads to the link from the machine that somebody has come from by ssh; empty where nobody has."""
    came = environ.get("SSH_CONNECTION", "").split()  # their address and port, then ours: ssh(1)
    if len(came) != 4:
        return ""
    port, host = urlsplit(link).port, f"{getpass.getuser()}@{came[2]}"
    other_port = [] if came[3] == "22" else ["-p", came[3]]
    return shlex.join(["ssh", *other_port, "-L", f"{port}:127.0.0.1:{port}", host])


def _may_be_exposed(args: argparse.Namespace, face: Face) -> bool:
    exposes = say(
        "{host} is not only this machine. Whoever reaches that address and has the link can set up and remove\n"
        "environments here as you, and whoever reads the network in between can take the link: it is plain http.",
        host=args.host,
    )
    face.note(exposes)
    return args.yes or agreed(face, say("Open it there?"), default=False)
