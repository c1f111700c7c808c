"""The verb `report`."""

from __future__ import annotations

import argparse
import os
import re
import shlex
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from rigfit.cli import options
from rigfit.cli.ask import agreed
from rigfit.cli.show import Face
from rigfit.core.problem import DONE, STOPPED, Problem, ProblemError
from rigfit.core.words import alternatives, say

if TYPE_CHECKING:
    from rich.console import RenderableType

HELP = (
    say("Write one archive for a bug report, without names and secrets; shows what it contains first."),
    say(
        "It holds the machine, the doctor's findings, settings, receipts and the last runs. User names, hosts, addresses, "
        "tokens, passwords and UUIDs are removed. Nothing is sent anywhere: look into it with --dry-run -v."
    ),
)


def add(parser: argparse.ArgumentParser) -> None:
    output = say("where to write it; default: rigfit-report-TIME.tar.gz in this folder")
    parser.add_argument("--output", metavar="FILE", type=options.place, help=output)
    python = say("what the doctor finds in this interpreter, or the environment in this folder, too")
    parser.add_argument("--python", metavar="PATH", type=options.place, help=python)
    parser.add_argument("-y", "--yes", action="store_true", help=say("do not ask"))
    parser.add_argument("--dry-run", action="store_true", help=say("show what it would contain, and write nothing"))
    parser.add_argument("--offline", action="store_true", help=say("ask no network"))
    options.add_home(parser)
    options.add_output(parser)


def execute(args: argparse.Namespace, face: Face) -> int:
    from rigfit.engine import reporting

    file = None if args.dry_run else _file(args.output)
    if file is not None:
        reporting.check(file)
    report = reporting.gather(options.settings(args), python=args.python, ordinary=_words_of_our_texts())

    def drawn() -> RenderableType:
        from rigfit.cli import draw_report

        return draw_report.contents(report, whole=face.verbose)

    if file is None:
        face.result(report.to_json(None), drawn)
        return DONE
    face.tell(drawn)
    if not args.yes and not agreed(face, say("Write it to {file}?", file=file), default=True):
        face.note(say("nothing was written"))
        return STOPPED
    reporting.write(report, file)
    face.result(report.to_json(str(file)), lambda: say("written: {file}", file=file))
    return DONE


def _file(named: Path | None) -> Path:
    """In a folder that is named, or in this one, by the time. Raises ProblemError for a name that would mislead."""
    from rigfit.engine.reporting import ENDINGS

    if named is not None and not os.path.isdir(named):  # noqa: PTH112 - Path.is_dir raises where we may not look
        if not named.name.endswith(ENDINGS):
            needed, other = alternatives(ENDINGS), f"--output {shlex.quote(f'{named}{ENDINGS[0]}')}"
            what = say(
                "{file}: a report is a file that ends in {needed}, or goes into a folder that is there",
                file=named,
                needed=needed,
            )
            raise ProblemError(Problem(code="usage", what=what, fix=(say("name it so: `{other}`", other=other),)))
        return named.absolute()
    now = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    return (named or Path.cwd()).absolute() / f"rigfit-report-{now}.tar.gz"


def _words_of_our_texts() -> frozenset[str]:
    """By what is translated: an account may be called as one of them."""
    from rigfit.language import CATALOGS
    from rigfit.language.recall import templates_of

    known = (text for path in CATALOGS.glob("*/LC_MESSAGES/rigfit.mo") for text in templates_of(path.read_bytes()))
    return frozenset(word for text in known for word in re.findall(r"[a-z]{3,}", text.lower()))
