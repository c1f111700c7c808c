"""The command `rigfit`: parses the words, dispatches, and turns every ending into an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version

from rigfit.cli.show import Face
from rigfit.core.problem import BUG, DONE, STOPPED, USAGE, Problem, ProblemError

VERBS = (
    "setup",
    "detect",
    "select",
    "plan",
    "verify",
    "list",
    "remove",
    "repair",
    "run",
    "shell-hook",
    "templates",
    "lock",
)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="rigfit",
        description="Fits a proven 8-bit LoRA environment to the NVIDIA workstation in front of you.",
        epilog="`rigfit setup` is the main job. `rigfit COMMAND --help` tells more. "
        "Exit codes: 0 done, 1 bug, 2 usage, 3 nothing fits this machine, 4 catalog or lock invalid, "
        "5 provisioning failed, 6 verification failed, 130 stopped.",
    )
    top.add_argument("-V", "--version", action="version", version=f"rigfit {version('rigfit')}")
    verbs = top.add_subparsers(dest="verb", metavar="COMMAND", title="commands")
    for verb in VERBS:
        module = importlib.import_module(f"rigfit.cli.commands.{verb.replace('-', '_')}")
        says = str(module.__doc__)
        command = verbs.add_parser(verb, help=_as_help(says.splitlines()[0].rstrip(".")), description=says)
        module.add(command)
        command.set_defaults(execute=module.execute)
    return top


def _as_help(summary: str) -> str:
    return (summary[0].lower() + summary[1:]).replace("%", "%%")


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    top = parser()
    if not words:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            top.print_help(sys.stderr)
            return USAGE
        words = ["setup"]
    words, after = _split(words)
    args = top.parse_args(words, argparse.Namespace(after=after))
    if args.verb is None:
        top.print_help(sys.stderr)
        return USAGE
    if after and args.verb != "run":
        top.error("only `rigfit run ENV` takes words after `--`")
    return _ended(args, Face(args))


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """Our words, and those after `--`, which belong to another program."""
    if "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def _ended(args: argparse.Namespace, face: Face) -> int:
    try:
        return _executed(args, face)
    except BrokenPipeError:  # the reader has gone, as in `rigfit list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return STOPPED if hasattr(args, "events") else DONE  # a run was cut off, a listing was read as far as wanted


def _executed(args: argparse.Namespace, face: Face) -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        code: int = args.execute(args, face)
    except ProblemError as error:
        face.problem(error.problem, error.result)
        return error.problem.exit_code
    except KeyboardInterrupt:
        face.problem(Problem(code="stopped", what="stopped", fix=("run the same command again",)))
        return STOPPED
    except BrokenPipeError:
        raise
    except Exception:  # noqa: BLE001 - whatever is left is a bug of ours, and is kept
        face.bug()
        return BUG
    return code


if __name__ == "__main__":
    sys.exit(main())
