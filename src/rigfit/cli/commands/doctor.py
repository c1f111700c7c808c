"""The verb `doctor`."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from rigfit.cli import options
from rigfit.cli.show import Face
from rigfit.core.problem import DOCTOR_FOUND, DONE, Problem, ProblemError
from rigfit.core.size import human
from rigfit.core.words import say

if TYPE_CHECKING:
    from rich.console import RenderableType

    from rigfit.core.finding import Diagnosis

HELP = (
    say("Say what is wrong with this machine, with any Python, or what an error text means."),
    say(
        "Nothing is changed, and of the Python nothing is imported. With both --python and --error: what that error means "
        "there. Exits with 7 if something is wrong, or the error is known, else with 0."
    ),
)
_MOST = 1 << 20  # bytes of an error text: its end is what counts
_BOUND = 2 << 30  # bytes that are read to find it where they cannot be skipped: seconds


def add(parser: argparse.ArgumentParser) -> None:
    python = say("look at this interpreter, or the environment in this folder, instead of the machine")
    parser.add_argument("--python", metavar="PATH", type=options.place, help=python)
    error = say("explain the error text in this file; - reads standard input")
    parser.add_argument("--error", metavar="FILE|-", type=options.place, help=error)
    parser.add_argument("--offline", action="store_true", help=say("ask no network"))
    root = say("look for /proc, /sys and /etc in this folder: a container's or another disk's")
    parser.add_argument("--root", metavar="DIR", type=options.place, help=root)
    options.add_machine(parser)
    options.add_catalog(parser)
    options.add_home(parser)
    options.add_output(parser)


def execute(args: argparse.Namespace, face: Face) -> int:
    found = _diagnosis(args, face)

    def drawn() -> RenderableType:
        from rigfit.cli import draw_findings

        return draw_findings.diagnosis(found, sources=face.verbose)

    face.result(found.to_json(), drawn)
    return DOCTOR_FOUND if found.is_ill else DONE


def _diagnosis(args: argparse.Namespace, face: Face) -> Diagnosis:
    from rigfit.engine import diagnosing

    settings = options.settings(args)
    if args.error is not None and args.machine is not None and args.python is None:
        what = say("with --error, `--machine` says nothing without `--python`")
        fix = say("name the Python that said it, too, or leave `--machine` out")
        raise ProblemError(Problem(code="usage", what=what, fix=(fix,)))
    if args.error is not None:
        return diagnosing.explain(settings, _text(args.error, face), args.python)
    if args.python is not None:
        return diagnosing.examine_python(settings, args.python, folder=Path.cwd())
    return diagnosing.examine_machine(settings)


def _text(file: Path, face: Face) -> str:
    """Its end, or all of it. Letters that are no UTF-8 are kept as signs: a log may hold anything."""
    try:
        if str(file) == "-":
            if sys.stdin.isatty():
                face.note(say("paste the text, then press ctrl-d on a line of its own"))
            data = _end_of(sys.stdin.buffer)
        else:
            with file.open("rb") as stream:
                data = _end_of(stream)
    except OSError as error:
        raise _unread(say("{file} cannot be read: {reason}", file=file, reason=error.strerror or str(error))) from None
    if data is None:
        raise _unread(say("{file} does not end within {size}", file=file, size=human(_BOUND)))
    return data.decode("utf-8", "replace")


def _end_of(stream: BinaryIO) -> bytes | None:
    """Without keeping what comes before it; None for what seems to have no end, as /dev/zero."""
    if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        start = stream.tell()
        stream.seek(max(start, stream.seek(0, os.SEEK_END) - _MOST))
    end, taken = b"", 0
    while taken <= _BOUND:
        part = stream.read(_MOST)
        end, taken = (end + part)[-_MOST:], taken + len(part)
        if len(part) < _MOST:  # a terminal would be asked for another end
            return end
    return None


def _unread(what: str) -> ProblemError:
    fix = (say("name a file with the error text, or - for standard input"),)
    return ProblemError(Problem(code="usage", what=what, fix=fix))
