"""Opens the installer, which is a program of its own: nothing of Textual is imported until it is asked for."""

from __future__ import annotations

import argparse
import importlib
import os
import shlex
import sys
from collections.abc import Sequence

from rigfit.cli import options, usage
from rigfit.cli.show import Face
from rigfit.core.words import say
from rigfit.language import said

USAGE = "[OPTION...] [TEMPLATE]"
_ENTRY = "rigfit_installer.entry"
_HELP = ("-h", "--help")


def can_open() -> bool:
    """Whether there is a terminal on both sides that can be drawn on."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def is_meant(words: Sequence[str]) -> bool:
    """No command, and no option that speaks of `rigfit` itself."""
    first = words[0] if words else ""
    if first.startswith("-"):
        return first.startswith("--") and first not in ("--", "--help", "--version")
    return not first or _names_a_template(first)


def _names_a_template(word: str) -> bool:
    from rigfit.catalog.locate import catalog_dir, template_folders

    return any(folder.name == word for folder in template_folders(catalog_dir(None)))


def parser() -> argparse.ArgumentParser:
    """What `rigfit setup` takes, but what it says about output."""
    made = argparse.ArgumentParser(
        prog="rigfit",
        formatter_class=usage.Help,
        usage=f"rigfit {USAGE}",
        description=say("Opens the installer."),
    )
    options.add_fitting(made)
    options.add_sources(made)
    made.set_defaults(verb="installer", execute=execute)
    return made


def option_names() -> str:
    return ", ".join(name for action in parser()._actions for name in action.option_strings if name not in _HELP)  # noqa: SLF001 - argparse has no other list


def parse(words: Sequence[str], commands: Sequence[str]) -> argparse.Namespace:
    """`commands` are no templates: an option before one is a slip."""
    made = parser()
    args = made.parse_args(words)
    if args.template in commands:
        rest = [word for word in words if word != args.template]
        slip = say("a command comes first: `{line}`", line=shlex.join(["rigfit", args.template, *rest]))
        made.error(said(slip))
    return args


def execute(args: argparse.Namespace, face: Face) -> int:
    """Until it is left; the exit code."""
    del face
    code: int = importlib.import_module(_ENTRY).main(lambda: (options.settings(args), options.wish(args)))
    return code
