"""Dotted versions (of drivers, CUDA, glibc) and compute capabilities, ordered as numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import total_ordering


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A version made of whole numbers and dots, such as `580.159.04`; keeps the text that it was read from.

    Raises ValueError for any other text. `13` and `13.0` are equal.
    """

    text: str
    parts: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        numbers = [int(part) for part in self.text.split(".")]
        while numbers and numbers[-1] == 0:
            numbers.pop()
        object.__setattr__(self, "parts", tuple(numbers))

    @property
    def major(self) -> int:
        return self.parts[0] if self.parts else 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)

    def __lt__(self, other: Version) -> bool:
        return self.parts < other.parts

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, order=True)
class Capability:
    """A compute capability: major and minor, `9.0` for Hopper."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Capability:
        """Read `8.6`; raises ValueError for any other form."""
        major, _, minor = text.partition(".")
        return cls(int(major), int(minor))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"
