"""Opens the installer, which is a program of its own: nothing of Textual is imported until it is asked for."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from rigfit.cli import options, usage
from rigfit.cli.show import Face
from rigfit.core.words import say

_ENTRY = "rigfit_installer.entry"


def can_open() -> bool:
    """Whether there is a terminal on both sides that can be drawn on."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def is_meant(words: Sequence[str]) -> bool:
    """No command, and no option that speaks of `rigfit` itself."""
    return not words or (words[0].startswith("--") and words[0] not in ("--", "--help", "--version"))


def parse(words: Sequence[str]) -> argparse.Namespace:
    """What `rigfit setup` takes, but what it says about output."""
    parser = argparse.ArgumentParser(
        prog="rigfit",
        formatter_class=usage.Help,
        usage="rigfit [OPTION...] [TEMPLATE]",
        description=say("Opens the installer."),
    )
    options.add_fitting(parser)
    options.add_sources(parser)
    parser.set_defaults(verb="installer", execute=execute)
    return parser.parse_args(words)


def execute(args: argparse.Namespace, face: Face) -> int:
    """Until it is left; the exit code."""
    del face
    code: int = importlib.import_module(_ENTRY).main(lambda: (options.settings(args), options.wish(args)))
    return code
