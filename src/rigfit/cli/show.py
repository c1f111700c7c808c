"""The only printer: results to standard output, narration to standard error, as text or as JSON."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rigfit.core.event import RunFailed, event_to_json
from rigfit.core.problem import Problem
from rigfit.core.words import say
from rigfit.language import said

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


class Face:
    """How this command speaks. Text is drawn only when it is wanted, so that JSON costs no drawing library."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.verb: str = args.verb
        self.json: bool = getattr(args, "json", False)
        self.events: bool = getattr(args, "events", False)
        self.quiet: bool = getattr(args, "quiet", False)
        self.streamed = False  # whether a stream of events has told its own end
        self.verbose: bool = getattr(args, "verbose", False)
        self._color: str = getattr(args, "color", "auto")
        self._no_progress: bool = getattr(args, "no_progress", False)

    @property
    def text(self) -> bool:
        return not (self.json or self.events)

    @property
    def moving(self) -> bool:
        """Whether progress may be drawn over itself."""
        plain = self._no_progress or self.quiet or os.environ.get("TERM") == "dumb"
        return self.text and sys.stderr.isatty() and not plain

    def console(self, *, stderr: bool = False) -> Console:
        from rich.console import Console

        forced = {"always": True, "never": False}.get(self._color)
        stream = sys.stderr if stderr else sys.stdout
        width = None if stream.isatty() else 100
        return Console(
            stderr=stderr,
            force_terminal=forced,
            no_color=True if forced is False else None,
            width=width,
            highlight=False,
            emoji=False,
            markup=False,
        )

    def result(self, value: Any, draw: Callable[[], RenderableType]) -> None:
        """The result of the command: one JSON object, or what `draw` makes of it."""
        if self.json or self.events:
            self._envelope(ok=True, result=value)
        else:
            self._print(self.console(), draw())

    def tell(self, draw: Callable[[], RenderableType]) -> None:
        """Narration, for people only."""
        if self.text and not self.quiet:
            self._print(self.console(stderr=True), draw())
            self.blank()

    def _print(self, console: Console, drawing: RenderableType) -> None:
        """Without the spaces that fill a table's last column: people copy lines."""
        with console.capture() as captured:
            console.print(said(drawing) if isinstance(drawing, str) else drawing)
        for line in captured.get().splitlines():
            console.file.write(line.rstrip() + "\n")
        console.file.flush()

    def note(self, text: str) -> None:
        if not self.quiet:
            print(said(text), file=sys.stderr, flush=True)

    def prompt(self, text: str) -> None:
        print(text, end="", file=sys.stderr, flush=True)

    def blank(self) -> None:
        """Between parts of the narration."""
        if self.text:
            self.note("")

    def line(self, value: dict[str, Any]) -> None:
        print(json.dumps(value), flush=True)

    def raw(self, text: str) -> None:
        """Output for other programs, such as a shell."""
        print(text, flush=True)

    def problem(self, problem: Problem, result: Any = None) -> None:
        """What, why, what to do; readable without colour. `result` is what there is of one in spite of it."""
        if self.json:
            self._envelope(ok=False, problem=problem.to_json(), **({"result": result} if result else {}))
            return
        if self.events:
            if not self.streamed:
                self.line(event_to_json(RunFailed(problem=problem)))
            return
        console = self.console(stderr=True)
        whole = not console.is_terminal  # a terminal breaks between words, a file or pipe keeps each line whole
        console.print(said(say("error: ")), style="bold red", end="")
        console.print(said(problem.what), soft_wrap=whole)
        for line in said(problem.detail).splitlines():
            self._indented(console, line.lstrip(), 2 + len(line) - len(line.lstrip()), whole=whole)
        self._steps(console, problem.fix, whole=whole)
        if problem.source:
            self._indented(console, said(say("source: {source}", source=problem.source)), 2, whole=whole)

    def _steps(self, console: Console, steps: tuple[str, ...], *, whole: bool) -> None:
        from rich.cells import cell_len

        mark = said(say("try:"))
        for number, step in enumerate(steps):
            before = " " * cell_len(mark) if number else mark
            self._indented(console, f"{before} {said(step)}", 2, whole=whole)

    def _indented(self, console: Console, text: str, indent: int, *, whole: bool) -> None:
        from rich.padding import Padding

        if whole:
            console.print(" " * indent + text, soft_wrap=True)
        else:
            console.print(Padding(text, (0, 0, 0, indent), expand=False))

    def refusal(self, problem: Problem) -> None:
        """The headline and the way out; the result that was printed has the reasons."""
        if self.text:
            self.problem(replace(problem, detail=""))

    def bug(self) -> None:
        """An exception that nobody foresaw: the traceback is kept in a file that a report can carry."""
        with tempfile.NamedTemporaryFile("w", prefix="rigfit-bug-", suffix=".txt", delete=False) as file:
            file.write(f"rigfit {self.verb}\n{traceback.format_exc()}")
        last = traceback.format_exc().strip().splitlines()[-1]
        what = say("a bug in rigfit: {last}", last=last)
        fix = say("report it with the traceback in {file}", file=file.name)
        self.problem(Problem(code="bug", what=what, fix=(fix,)))

    def _envelope(self, *, ok: bool, **content: Any) -> None:
        self.line({"schema": 1, "command": self.verb, "ok": ok, **content})
