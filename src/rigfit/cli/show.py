"""The only printer: results to standard output, narration to standard error, as text or as JSON."""

from __future__ import annotations

import argparse
import json
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

from rigfit.core.command import at_home
from rigfit.core.problem import Problem, help_without_root
from rigfit.core.words import say
from rigfit.language import said

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text


_WIDTH = 100  # columns, where nobody says how many there are


def _columns_behind(stream: IO[str]) -> int:
    """Of the terminal where what is piped, as in `rigfit matrix | head`, comes out again, as far as can be told."""
    try:
        if stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode):
            terminal = next((each for each in (sys.stderr, sys.stdin) if each is not None and each.isatty()), None)
            return (os.get_terminal_size(terminal.fileno()).columns if terminal else 0) or _WIDTH
    except (OSError, ValueError):  # no stream of this process
        pass
    return _WIDTH


def forget(stream: IO[str]) -> None:
    """Whatever is still written there goes nowhere, also what Python writes when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


class Face:
    """How this command speaks. Text is drawn only when it is wanted, so that JSON costs no drawing library."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.verb: str = args.verb
        self.json: bool = getattr(args, "json", False)
        self.events: bool = getattr(args, "events", False)
        self.quiet: bool = getattr(args, "quiet", False)
        self._over = False  # whether all is done but to say so
        self.streamed = False  # whether a stream of events has told its own end
        self.verbose: bool = getattr(args, "verbose", False)
        self._color: str = getattr(args, "color", "auto")
        self._home: str | None = getattr(args, "home", None)
        self._runs = self.verb == "serve" or hasattr(args, "events")  # whether the command goes on for a while
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
        return Console(
            stderr=stderr,
            force_terminal=forced,
            no_color=True if forced is False else None,
            width=None if stream.isatty() else min(_WIDTH, _columns_behind(stream)),
            highlight=False,
            emoji=False,
            markup=False,
        )

    def result(self, value: Any, draw: Callable[[], RenderableType]) -> None:
        """The result of the command: one JSON object, or what `draw` makes of it."""
        self._over = True
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
        from rich.console import Group

        from rigfit.cli.rows import shown

        with console.capture() as captured:
            console.print(Group(shown(drawing) if isinstance(drawing, str) else drawing), crop=False)
        self._write("".join(line.rstrip() + "\n" for line in captured.get().splitlines()), console.file)

    def _write(self, text: str, stream: IO[str]) -> None:
        """A reader that has gone, as in `rigfit list | head`, ends a run that goes on, and nothing else.

        What a command answers by its exit code does not hang on how far its words were read.
        """
        try:
            stream.write(text)
            stream.flush()
        except BrokenPipeError:
            if self._runs and not self._over:
                raise
            forget(stream)

    def note(self, text: str) -> None:
        if not self.quiet:
            self._write(f"{said(text)}\n", sys.stderr)

    def prompt(self, text: str) -> None:
        self._write(text, sys.stderr)

    def blank(self) -> None:
        """Between parts of the narration."""
        if self.text:
            self.note("")

    def line(self, value: dict[str, Any]) -> None:
        self._write(json.dumps(value) + "\n", sys.stdout)

    def raw(self, text: str) -> None:
        """Output for other programs, such as a shell."""
        self._write(f"{text}\n", sys.stdout)

    def problem(self, problem: Problem, result: Any = None) -> None:
        """What, why, what to do; readable without colour. `result` is what there is of one in spite of it."""
        self._over = True
        if self.json:
            self._envelope(ok=False, problem=problem.to_json(), **({"result": result} if result else {}))
            return
        if self.events:
            from rigfit.core.event import RunFailed, event_to_json

            if not self.streamed:
                self.line(event_to_json(RunFailed(problem=problem)))
            return
        from rigfit.cli.rows import Shown, shown

        console = self.console(stderr=True)
        self._paragraph(console, Shown.assemble(shown(say("error: "), "bold red"), said(problem.what)), 0)
        for line in said(problem.detail).splitlines():
            self._paragraph(console, Shown(line.lstrip()), 2 + len(line) - len(line.lstrip()))
        here = problem.code != "machine_is_recorded"  # a home here says nothing of another machine
        self._steps(console, problem.fix, self._home if here else None)
        if problem.source:
            self._paragraph(console, shown(say("source: {source}", source=problem.source)), 2)

    def _steps(self, console: Console, steps: tuple[str, ...], home: str | None) -> None:
        from rich.cells import cell_len

        from rigfit.cli.rows import Shown
        from rigfit.core.words import Words

        mark = said(say("try: "))
        for number, step in enumerate(steps):
            before = " " * cell_len(mark) if number else mark
            line = Shown(f"{before}{at_home(said(step), home)}", no_wrap=not isinstance(step, Words), overflow="ignore")
            self._paragraph(console, line, 2)
        without_root = help_without_root(steps)
        if without_root:
            self._paragraph(console, Shown(" " * cell_len(mark) + said(without_root)), 2)

    def _paragraph(self, console: Console, text: Text, indent: int) -> None:
        """A terminal breaks between words, a file or pipe keeps it whole."""
        from rich.console import Group
        from rich.text import Text

        from rigfit.cli.rows import broken

        if console.is_terminal:
            margin = " " * indent
            lines = broken(console, text, max(console.width - indent, 1))
            self._print(
                console, Group(*(Text.assemble(margin, line, no_wrap=True, overflow="ignore") for line in lines))
            )
        else:
            with console.capture() as captured:
                console.print(" " * indent, text, sep="", soft_wrap=True)
            self._write(captured.get(), console.file)

    def refusal(self, problem: Problem) -> None:
        """The headline and the way out; the result that was printed has the reasons."""
        if self.text:
            self.problem(replace(problem, detail=""))

    def bug(self) -> None:
        """An exception that nobody foresaw: the traceback is kept in a file that a report can carry."""
        import tempfile
        import traceback

        with tempfile.NamedTemporaryFile("w", prefix="rigfit-bug-", suffix=".txt", delete=False) as file:
            file.write(f"rigfit {self.verb}\n{traceback.format_exc()}")
        last = traceback.format_exc().strip().splitlines()[-1]
        what = say("a bug in rigfit: {last}", last=last)
        fix = say("report it with what `rigfit report` gathers: the traceback in {file} is in it", file=file.name)
        self.problem(Problem(code="bug", what=what, fix=(fix,)))

    def _envelope(self, *, ok: bool, **content: Any) -> None:
        self.line({"schema": 1, "command": self.verb, "ok": ok, **content})
