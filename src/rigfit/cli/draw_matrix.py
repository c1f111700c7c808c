"""The measured matrix, one line of it, or one pair, as people read it in a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from rigfit.cli.rows import in_rows, shown, step
from rigfit.core.fact import Bound
from rigfit.core.matrix import (
    ALL,
    LEVELS,
    REACH_WORDS,
    REACHES,
    SIGNS,
    Level,
    Matrix,
    Outcome,
    Reach,
    Run,
    newest_of_minors,
    span,
    spans,
    stretches,
)
from rigfit.core.words import Words, joined, say

_STYLES: dict[Reach, str] = {
    "adapter_roundtrip": "bold green",
    "causal": "bold cyan",
    "lora_step": "cyan",
    "numbers": "magenta",
    "quantized_load": "magenta",
    "needs_gpu": "yellow",
    "imports": "red",
    "resolves": "red",
    "nothing": "bold red",
}
_LEVELS: dict[Level, Words] = {
    "resolves": say("resolving"),
    "imports": say("importing"),
    "quantized_load": say("loading LLaMA and T5 in 8 bits"),
    "numbers": say("right 8-bit numbers"),
    "lora_step": say("a LoRA step that lowers the loss"),
    "adapter_roundtrip": say("saving and loading the adapter"),
}
_LABEL = "transformers"
_Columns = tuple[str, tuple[str, ...]]  # the minor version without its last digit, and the versions


def whole(matrix: Matrix, bitsandbytes: str) -> RenderableType:
    """PEFT down, transformers across: the newest patch of each minor version, a sign a pair."""
    best = matrix.best(bitsandbytes)
    pefts, columns = newest_of_minors(matrix.pefts), newest_of_minors(matrix.transformers)
    cells = {(peft, column): best[peft, column] for peft in pefts for column in columns}
    grid = Grid(pefts[::-1], columns, {pair: run.outcome.reach for pair, run in cells.items()})
    parts: list[RenderableType] = [in_rows(_measured(matrix, bitsandbytes)), Text(), grid, Text()]
    return Group(*parts, in_rows(_legend(cells.values())), Text(), *_notes(cells.values(), columns))


def _measured(matrix: Matrix, bitsandbytes: str) -> Iterator[tuple[str, str]]:
    yield say("measured"), say("{day}, on a CPU, with Python {python}", day=matrix.read, python=matrix.python)
    yield say("with"), f"bitsandbytes {bitsandbytes}, torch {matrix.torch}"


class Grid:
    """Columns under the last digit of their minor version, in blocks as wide as the terminal."""

    def __init__(self, rows: tuple[str, ...], columns: tuple[str, ...], reach: Mapping[tuple[str, str], Reach]) -> None:
        self.rows, self.reach = rows, reach
        self.groups = [(head, tuple(group)) for head, group in groupby(columns, key=lambda column: _minor(column)[:-1])]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for number, block in enumerate(self._blocks(options.max_width)):
            yield from [Text()] * bool(number)
            yield from self._lines(block)

    def _blocks(self, width: int) -> Iterator[list[_Columns]]:
        block: list[_Columns] = []
        for group in self.groups:
            if block and len(_LABEL) + sum(1 + _width(each) for each in (*block, group)) > width:
                yield block
                block = []
            block.append(group)
        yield block

    def _lines(self, block: list[_Columns]) -> Iterator[Text]:
        yield _line(
            Text(_LABEL, "bold"), (Text(head.ljust(_width((head, columns))), "bold") for head, columns in block)
        )
        yield _line(Text("PEFT", "bold"), (Text(_digits(group)) for group in block))
        for row in self.rows:
            yield _line(Text(row, "bold"), (self._cells(row, group) for group in block))

    def _cells(self, row: str, group: _Columns) -> Text:
        alike = groupby(self.reach[row, column] for column in group[1])
        made = Text.assemble(*((SIGNS[reach] * len([*cells]), _STYLES[reach]) for reach, cells in alike))
        made.align("left", _width(group))
        return made


def _width(group: _Columns) -> int:
    return max(len(group[0]), len(group[1]))


def _digits(group: _Columns) -> str:
    return "".join(_minor(column)[-1] for column in group[1]).ljust(_width(group))


def _line(label: Text, groups: Iterable[Text]) -> Text:
    label.align("left", len(_LABEL))
    made = Text(" ", no_wrap=True, overflow="ignore").join((label, *groups))
    made.rstrip()
    return made


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _sign(reach: Reach) -> Text:
    return Text(SIGNS[reach], _STYLES[reach])


def _legend(runs: Iterable[Run]) -> Iterator[tuple[str | Text, ...]]:
    counts = Counter(run.outcome.reach for run in runs)
    for reach in REACHES:
        if counts[reach]:
            yield _sign(reach), f"{counts[reach]:>4}", REACH_WORDS[reach]


def _notes(runs: Iterable[Run], columns: tuple[str, ...]) -> Iterator[Text]:
    older = {run.transformers for run in runs if run.older}
    if older:
        told = joined(", ", spans(older, columns))
        yield shown(say("transformers {versions}: with an accelerate older than the newest", versions=told))
    yield shown(say("Of each minor version the newest patch was measured. One pair, and what stops it:"))
    yield step("rigfit matrix --peft 0.14.0 --transformers 4.28.0")


def line(matrix: Matrix, bitsandbytes: str, runs: Mapping[str, Run], about: str) -> RenderableType:
    """All that was measured with one version; `runs` are by the other library's version, `about` names both."""
    head = [(say("pairs"), about), *_measured(matrix, bitsandbytes)]

    def same(version: str) -> tuple[Reach, str]:
        outcome = runs[version].outcome
        return outcome.reach, outcome.error

    rows: list[tuple[str | Text, ...]] = []
    for (reach, error), versions in stretches(runs, same):
        rows.append((shown(span(versions)), _sign(reach), shown(REACH_WORDS[reach], "bold")))
        rows += [("", "", error)] if error else []
    return Group(in_rows(head), Text(), in_rows(rows))


def pair(
    matrix: Matrix, runs: tuple[Run, ...], foretold: Mapping[Run, tuple[Bound, ...]], *, every: bool
) -> RenderableType:
    """How far it gets, and what stops it; `foretold` why it would go no further on a GPU; `every` tells each package, too."""
    parts: list[RenderableType] = [in_rows([(say("pair"), _names(runs[0])), *_how(matrix)])]
    for bounds, alike in _alike(runs, foretold):
        parts += [Text(), in_rows(_result(alike, bounds, every=every))]
    return Group(*parts)


def _how(matrix: Matrix) -> Iterator[tuple[str, str]]:
    yield say("measured"), matrix.read
    yield say("source"), matrix.source


def _alike(
    runs: tuple[Run, ...], foretold: Mapping[Run, tuple[Bound, ...]]
) -> list[tuple[tuple[Bound, ...], list[Run]]]:
    """Those with the same outcome, the furthest first; each group with what is foretold of it."""
    found: dict[tuple[Outcome, tuple[Bound, ...]], list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.rank):
        found.setdefault((run.outcome, foretold.get(run, ())), []).append(run)
    return [(bounds, group) for (_, bounds), group in found.items()]


def _result(runs: list[Run], bounds: tuple[Bound, ...], *, every: bool) -> Iterator[tuple[str | Text, ...]]:
    outcome = runs[0].outcome
    told = say("imports, and cannot train in 8 bits, by the facts") if bounds else REACH_WORDS[outcome.reach]
    yield _sign(outcome.reach), shown(told, "bold")
    for bound in bounds:
        yield say("fact"), shown(because(bound, runs[0]))
    for older in (False, True):
        if near := [run for run in runs if run.older is older and (run.packages or not older)]:
            yield say("with"), _beside(near)
    yield from _levels(outcome)
    if outcome.error:
        yield say("error"), outcome.error
    if every and runs[0].packages:
        yield say("packages"), ", ".join(f"{name} {version}" for name, version in runs[0].packages.items())


def because(bound: Bound, run: Run) -> str:
    """Why that run cannot go further."""
    versions = {**run.packages, "peft": run.peft, "transformers": run.transformers, "bitsandbytes": run.bitsandbytes}
    return say(
        "{package} {version} needs {needed}: {why}",
        package=bound.package,
        version=versions[bound.package],
        needed=bound.needed,
        why=bound.why,
    )


def _levels(outcome: Outcome) -> Iterator[tuple[str, str]]:
    number = LEVELS.index(outcome.level)
    if number:
        yield say("passed"), joined(", ", (_LEVELS[level] for level in LEVELS[1 : number + 1]))
    if outcome.level != ALL:
        label = say("unknown") if outcome.needs_gpu else say("failed")
        yield label, _LEVELS[LEVELS[number + 1]]


def _beside(runs: list[Run]) -> str:
    bitsandbytes, accelerate = ", ".join(run.bitsandbytes for run in runs), runs[0].accelerate
    if not accelerate:
        return f"bitsandbytes {bitsandbytes}"
    words = say(
        "bitsandbytes {bitsandbytes}; accelerate {accelerate}", bitsandbytes=bitsandbytes, accelerate=accelerate
    )
    return say("{versions}, older than the newest", versions=words) if runs[0].older else words


def not_measured(matrix: Matrix, asked: Mapping[str, str], near: Mapping[str, tuple[str, ...]]) -> RenderableType:
    """`asked` has by name the versions that were not measured, `near` those that were, next to each."""
    rows: list[tuple[str | Text, ...]] = []
    for name, version in asked.items():
        told = say(
            "{name} {version} was not measured; beside it: {near}", name=name, version=version, near=_list(near[name])
        )
        rows.append((shown(say("unknown"), "bold yellow"), told))
    return Group(in_rows([*rows, *_how(matrix)]))


def neighbours(runs: Iterable[Run]) -> RenderableType:
    """Pairs that were measured beside one that was not."""
    cells = ((_names(run), _sign(run.outcome.reach), shown(REACH_WORDS[run.outcome.reach], "bold")) for run in runs)
    return Group(Text(), shown(say("measured beside it:")), in_rows(cells))


def _list(versions: Iterable[str]) -> str:
    return joined(", ", versions)


def _names(run: Run) -> str:
    return f"PEFT {run.peft}, transformers {run.transformers}"
