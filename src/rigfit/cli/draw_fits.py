"""What training takes and whether it fits, as people read it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rigfit.cli.rows import in_rows, shown, table
from rigfit.core.capacity import Memory
from rigfit.core.fit import Answer, Fit, targets
from rigfit.core.footprint import Part, Training
from rigfit.core.size import human
from rigfit.core.words import Words, joined, say
from rigfit.engine.estimating import Subject

_ANSWERS: dict[Answer, tuple[Words, str]] = {
    "fits": (say("fits"), "bold green"),
    "does_not_fit": (say("does not fit"), "bold red"),
    "unknown": (say("unknown"), "bold yellow"),
}


def answer(subject: Subject, found: Fit, *, every: bool) -> RenderableType:
    """`every` tells sources, too."""
    parts: list[RenderableType] = [in_rows(_asked(subject, found, every=every)), Text(), _parts(found), Text()]
    return Group(*parts, in_rows(_judged(found)))


def models(subjects: Sequence[Subject], found: Sequence[Fit]) -> RenderableType:
    """One line for each model."""
    first = found[0]
    made = table(say("model"), say("parameters"), say("needed"), say("verdict"), say("largest batch"), kept=("model",))
    for subject, each in zip(subjects, found, strict=True):
        batch = "-" if each.largest_batch is None else f"{each.largest_batch:,}"
        cells = (subject.name, shown(_billions(subject)), human(each.footprint.needed))
        made.add_row(*cells, shown(*_ANSWERS[each.answer]), batch)
    head = [(say("training"), _training(first.training)), (say("GPU"), _gpu(first.memory))]
    return Group(in_rows(head), Text(), made)


def _asked(subject: Subject, found: Fit, *, every: bool) -> Iterator[tuple[str, str]]:
    shape = subject.shape
    about = say("{count} parameters, {layers} layers", count=_billions(subject), layers=shape.layers)
    yield say("model"), say("{name}: {about}", name=subject.name, about=about)
    yield from ((say("note"), note) for note in subject.notes)
    if every and subject.source:
        yield say("source"), subject.source
    names = joined(", ", targets(found))
    training = _training(found.training)
    yield say("training"), say("{training}, on {targets}", training=training, targets=names)
    yield say("GPU"), _gpu(found.memory)


def _training(training: Training) -> str:
    words = say(
        "{bits} LoRA of rank {rank}, batch {batch}, sequences of {tokens} tokens",
        bits=say("8-bit") if training.quantization == "int8" else say("4-bit (NF4)"),
        rank=training.rank,
        batch=training.batch,
        tokens=training.sequence,
    )
    return words if training.checkpointing else say("{training}, without gradient checkpointing", training=words)


def _gpu(memory: Memory | None) -> str:
    if memory is None:
        return say("none that answers")
    sizes = [say("memory unknown") if memory.total is None else human(memory.total)]
    if memory.reserved:
        sizes.append(say("{size} for the driver", size=human(memory.reserved)))
    if memory.free is not None:
        sizes.append(say("{size} free now", size=human(memory.free)))
    return say("{gpu}: {sizes}", gpu=memory.label, sizes=joined(say(", "), sizes))


def _parts(found: Fit) -> Table:
    """What is there at the worst moment, then what other moments take instead."""
    footprint = found.footprint
    made = Table.grid(padding=(0, 2))
    made.add_column(overflow="fold")
    made.add_column(justify="right", no_wrap=True)
    counted = [part for part in footprint.every if footprint.counts(part)]
    for part in counted:
        made.add_row(shown(part.what), human(part.size))
    made.add_row(shown(say("needed at the peak"), "bold"), Text(human(footprint.needed), "bold"))
    for part in footprint.every:
        if not footprint.counts(part) and part.code in _TOLD:
            made.add_row(shown(_at_another_time(part), "dim"), Text(human(part.size), "dim"))
    return made


_TOLD = ("logits", "layer", "gradients")


def _at_another_time(part: Part) -> str:
    return say("at another time instead: {what}", what=part.what)


def _judged(found: Fit) -> Iterator[tuple[str | Text, ...]]:
    memory, needed = found.memory, human(found.footprint.needed)
    size = memory.usable if memory else None
    there = say("unknown") if size is None else human(size)
    yield shown(*_ANSWERS[found.answer]), say("needs {needed}; found {found}", needed=needed, found=there)
    if found.answer == "fits" and found.fits_now is False and memory and memory.free is not None:
        busy = say("not now: other programs leave {free} free", free=human(memory.free))
        yield shown(say("note"), "yellow"), busy
    if found.largest_batch:
        at = say("at most {count:,} with these sequences", count=found.largest_batch)
        yield say("batch"), at
    if found.longest_sequence:
        yield say("sequence"), say("at most {count:,} tokens in batch 1", count=found.longest_sequence)
    for number, each in enumerate(found.helps):
        needs = say("{what}: needs {needed}", what=each.what, needed=human(each.needed or 0))
        yield (say("would help") if number == 0 else ""), each.what if each.code == "larger_gpu" else needs


def _billions(subject: Subject) -> str:
    count = subject.shape.parameters
    if count < 10**9:
        return say("{count:.0f} million", count=count / 10**6)
    return say("{count:.2f} billion", count=count / 10**9)
