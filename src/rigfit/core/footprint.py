"""What training takes of a GPU's memory, part by part; how it is estimated is in estimate.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from rigfit.core.template import Quantization
from rigfit.core.words import say

Moment = Literal["load", "loss", "layer", "step"]
_MOMENTS: tuple[Moment, ...] = get_args(Moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How it is trained. `targets` are names of linear layers; empty: those that are usual for the family."""

    batch: int = 1
    sequence: int = 512
    rank: int = 8
    targets: tuple[str, ...] = ()
    checkpointing: bool = True
    quantization: Quantization = "int8"

    @property
    def tokens(self) -> int:
        return self.batch * self.sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """`size` in bytes; `moment` is when it is needed, None: all the time. Of the moments only the worst one counts."""

    code: str
    what: str
    size: int
    moment: Moment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """`context` is what CUDA takes before the first tensor, `room` what the allocator loses to gaps."""

    parts: tuple[Part, ...]
    context: int
    room: int

    @property
    def worst(self) -> Moment:
        return worst_moment(self.parts)

    def counts(self, part: Part) -> bool:
        return part.moment in (None, self.worst)

    @property
    def peak(self) -> int:
        """CUDA's context and the most that torch has allocated at one time."""
        return self.context + allocated(self.parts)

    @property
    def needed(self) -> int:
        return self.peak + self.room

    @property
    def every(self) -> tuple[Part, ...]:
        """With context and room, which stand beside what torch allocates."""
        context = Part(code="context", what=say("CUDA itself, its libraries on the GPU"), size=self.context)
        room = Part(code="room", what=say("room for gaps between tensors"), size=self.room)
        return (*self.parts, context, room)

    def to_json(self) -> dict[str, Any]:
        return {
            "needed": self.needed,
            "peak": self.peak,
            "peak_at": self.worst,
            "parts": [
                {"part": part.code, "what": part.what, "bytes": part.size, "at_peak": self.counts(part)}
                for part in self.every
            ],
        }


def worst_moment(parts: tuple[Part, ...]) -> Moment:
    return max(_MOMENTS, key=lambda moment: sum(part.size for part in parts if part.moment == moment))


def allocated(parts: tuple[Part, ...]) -> int:
    """All that is there at the worst moment."""
    return sum(part.size for part in parts if part.moment in (None, worst_moment(parts)))
