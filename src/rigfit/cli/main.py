"""The command `rigfit`: parses the words, dispatches, and turns every ending into an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence

from rigfit.cli import installer, usage
from rigfit.cli.show import Face, forget
from rigfit.core.problem import BUG, STOPPED, USAGE, Problem, ProblemError
from rigfit.core.words import joined, say
from rigfit.language import said

VERBS = (
    "setup",
    "serve",
    "detect",
    "select",
    "plan",
    "fits",
    "verify",
    "doctor",
    "report",
    "list",
    "remove",
    "repair",
    "run",
    "shell-hook",
    "templates",
    "matrix",
    "lock",
)
_MORE = say("`rigfit setup` is the main job. `rigfit COMMAND --help` tells more.")
_EXIT_CODES = say(
    "Exit codes: 0 done, 1 bug, 2 usage, 3 nothing fits this machine, 4 catalog or lock invalid, "
    "5 provisioning failed, 6 verification failed, 7 doctor found problems, 130 stopped."
)


class _Version(argparse.Action):
    """Looks the version up only when it is asked for: importlib.metadata costs as much as all of our own imports."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        sys.stdout.write(f"rigfit {version('rigfit')}\n")
        parser.exit()


def parser() -> argparse.ArgumentParser:
    opens = say(
        "Without a command it opens the installer, on a terminal, for TEMPLATE if one is named, with any of {options}: "
        "`rigfit setup --help` says what they do.",
        options=installer.option_names(),
    )
    top = argparse.ArgumentParser(
        prog="rigfit",
        usage=f"rigfit {installer.USAGE}\nrigfit COMMAND ...",
        formatter_class=usage.Help,
        description=say("Fits a proven 8-bit LoRA environment to the NVIDIA workstation in front of you."),
        epilog=joined(" ", (opens, _MORE, _EXIT_CODES)),
    )
    top.add_argument("-V", "--version", action=_Version, nargs=0, help=say("show program's version number and exit"))
    verbs = top.add_subparsers(dest="verb", metavar="COMMAND", title=say("commands"), prog="rigfit")
    for verb in VERBS:
        module = importlib.import_module(f"rigfit.cli.commands.{verb.replace('-', '_')}")
        says: tuple[str, ...] = module.HELP
        command = verbs.add_parser(
            verb, formatter_class=usage.Help, help=_as_item(said(says[0])), description=joined(" ", says)
        )
        module.add(command)
        command.set_defaults(execute=module.execute)
    return top


def _as_item(summary: str) -> str:
    return (summary[0].lower() + summary[1:]).rstrip(".。").replace("%", "%%")


def _keep_to_english_where_nothing_else_can_be_written() -> None:
    """A stream in latin-1, say, has no Chinese letters."""
    try:
        "中文".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        os.environ["RIGFIT_LANG"] = "en"


def main(argv: Sequence[str] | None = None) -> int:
    _keep_to_english_where_nothing_else_can_be_written()
    usage.speak()
    words = list(sys.argv[1:] if argv is None else argv)
    meant = installer.is_meant(words)
    if meant and (installer.can_open() or {"-h", "--help"} & {*words}):
        args = installer.parse(words, VERBS)
        return _ended(args, Face(args))
    top = parser()
    if meant and words:
        top.error(said(say("the installer needs a terminal; `rigfit setup` takes the same options without one")))
    if meant:
        top.print_help(sys.stderr)
        return USAGE
    words, after = _split(words)
    args = top.parse_args(words, argparse.Namespace(after=after))
    if args.verb is None:
        top.print_help(sys.stderr)
        return USAGE
    if after and args.verb != "run":
        top.error(said(say("only `rigfit run ENV` takes words after `--`")))
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
    except BrokenPipeError:  # the reader of a run has gone, as in `rigfit setup --events | head`
        for stream in (sys.stdout, sys.stderr):
            forget(stream)
        return STOPPED


def _executed(args: argparse.Namespace, face: Face) -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        code: int = args.execute(args, face)
    except ProblemError as error:
        face.problem(error.problem, error.result)
        return error.problem.exit_code
    except KeyboardInterrupt:
        face.problem(Problem(code="stopped", what=say("stopped"), fix=(say("run the same command again"),)))
        return STOPPED
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever is left is a bug of ours, and is kept
        if isinstance(error, FileNotFoundError) and _is_nowhere():
            face.problem(_nowhere())
            return USAGE
        face.bug()
        return BUG
    return code


def _is_nowhere() -> bool:
    """Whether the folder that we were started in is gone."""
    try:
        os.getcwd()  # noqa: PTH109 - what fails here is all that Path.cwd() calls
    except FileNotFoundError:
        return True
    return False


def _nowhere() -> Problem:
    fix = (say("`cd` to a folder that is there, and run the same command again"),)
    return Problem(code="usage", what=say("the folder that you are in is gone"), fix=fix)


if __name__ == "__main__":
    sys.exit(main())
