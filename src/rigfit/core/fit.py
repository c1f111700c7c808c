"""Whether a training fits a GPU, how much larger it could be, and what would help where it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from rigfit.core.capacity import Memory, large_enough
from rigfit.core.estimate import estimate
from rigfit.core.footprint import Footprint, Training
from rigfit.core.shape import Shape
from rigfit.core.size import human
from rigfit.core.template import Quantization
from rigfit.core.words import joined, say

Answer = Literal["fits", "does_not_fit", "unknown"]
_MOST = 1 << 20
_TOKENS = 64  # sequences are told in steps of so many


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    """A change with which it would fit, and what it would need then; None where that is not known."""

    code: str
    what: str
    needed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The answer. `largest_batch` and `longest_sequence` are None where there is nothing to compare with."""

    shape: Shape
    training: Training
    footprint: Footprint
    memory: Memory | None
    largest_batch: int | None
    longest_sequence: int | None

    @property
    def answer(self) -> Answer:
        usable = self.memory.usable if self.memory else None
        if usable is None:
            return "unknown"
        return "fits" if self.footprint.needed <= usable else "does_not_fit"

    @property
    def fits_now(self) -> bool | None:
        """Beside what other programs hold at this moment."""
        free = self.memory.free if self.memory else None
        return None if free is None else self.footprint.needed <= free

    @property
    def helps(self) -> tuple[Help, ...]:
        """The changes that suffice, the cheapest first; none where it fits, or where that is not known."""
        return tuple(_helps(self)) if self.answer == "does_not_fit" else ()

    def to_json(self) -> dict[str, Any]:
        return {
            "verdict": self.answer,
            "fits_now": self.fits_now,
            **self.footprint.to_json(),
            "gpu": asdict(self.memory) if self.memory else None,
            "training": asdict(self.training) | {"targets": list(targets(self))},
            "largest_batch": self.largest_batch,
            "longest_sequence": self.longest_sequence,
            "helps": [asdict(each) for each in self.helps],
        }


def targets(fit: Fit) -> tuple[str, ...]:
    return fit.training.targets or fit.shape.of.targets


def fit(shape: Shape, training: Training, memory: Memory | None) -> Fit:
    usable = memory.usable if memory else None
    return Fit(
        shape=shape,
        training=training,
        footprint=estimate(shape, training),
        memory=memory,
        largest_batch=None if usable is None else largest_batch(shape, training, usable),
        longest_sequence=None if usable is None else longest_sequence(shape, training, usable),
    )


def largest_batch(shape: Shape, training: Training, usable: int) -> int:
    """At the sequence that is asked for; 0 where not even one fits."""
    return _largest(lambda batch: estimate(shape, replace(training, batch=batch)).needed <= usable)


def longest_sequence(shape: Shape, training: Training, usable: int) -> int:
    """At batch 1, in steps of 64 tokens; 0 where not even 64 tokens fit."""

    def fits(steps: int) -> bool:
        return estimate(shape, replace(training, batch=1, sequence=steps * _TOKENS)).needed <= usable

    return _largest(fits) * _TOKENS


def _largest(fits: Callable[[int], bool]) -> int:
    """The largest number, up to a million, for which it holds; it holds for none above one for which it does not."""
    low, high = 0, 1
    while high < _MOST and fits(high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _helps(found: Fit) -> Iterator[Help]:
    """In 8 bits and in 4, as asked and with checkpointing: whole, or with as many and as long sequences as fit."""
    asked = found.training
    usable = (found.memory.usable if found.memory else None) or 0
    ways: tuple[Quantization, ...] = (asked.quantization, "nf4")
    for quantization in dict.fromkeys(ways):
        for checkpointing in dict.fromkeys((asked.checkpointing, True)):
            changed = replace(asked, quantization=quantization, checkpointing=checkpointing)
            smaller = _reduced(found.shape, changed, usable)
            if smaller is not None:
                needed = estimate(found.shape, smaller).needed
                words = joined(say(", "), _changes(asked, smaller))
                yield Help(code=_code(asked, smaller), what=words, needed=needed)
    words = say("a GPU with {size} or more", size=human(large_enough(found.footprint.needed)))
    yield Help(code="larger_gpu", what=words, needed=found.footprint.needed)


def _reduced(shape: Shape, training: Training, usable: int) -> Training | None:
    """The same, or in a smaller batch, or with a shorter sequence alone; None where nothing of it fits."""
    batch = min(training.batch, largest_batch(shape, training, usable))
    if batch:
        return replace(training, batch=batch)
    tokens = min(training.sequence, longest_sequence(shape, training, usable))
    return replace(training, batch=1, sequence=tokens) if tokens else None


def _code(asked: Training, changed: Training) -> str:
    """Stable words: `nf4`, `checkpointing`, `smaller_batch`, `shorter_sequence`, joined by `+`."""
    return "+".join(code for code, _words in _differences(asked, changed))


def _changes(asked: Training, changed: Training) -> list[str]:
    return [words for _code, words in _differences(asked, changed)]


def _differences(asked: Training, changed: Training) -> Iterator[tuple[str, str]]:
    if changed.quantization != asked.quantization:
        yield "nf4", say("4-bit weights (`--quantization nf4`)")
    if changed.checkpointing != asked.checkpointing:
        yield "checkpointing", say("gradient checkpointing")
    if changed.sequence < asked.sequence:
        yield "shorter_sequence", say("a sequence of {tokens} tokens alone", tokens=changed.sequence)
    elif changed.batch < asked.batch:
        yield "smaller_batch", say("batch {batch}", batch=changed.batch)
