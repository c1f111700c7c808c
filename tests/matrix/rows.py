"""The matrix as data: one line of JSON a measured pair, sorted, so that a diff shows what changed."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from packaging.version import Version

# How far a pair got. Each level has passed all those before it; `nothing` is a pair that no resolver accepts.
LEVELS = ("nothing", "resolves", "imports", "quantized_load", "numbers", "lora_step", "adapter_roundtrip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    transformers: str
    peft: str
    bitsandbytes: str
    accelerate: str
    rule: str  # how accelerate was chosen: `newest` that the resolver takes, or `pinned`
    torch: str
    python: str
    stack: str  # names the line of stacks.jsonl with every other package
    level: str
    causal: str  # the level without the encoder-decoder model, with the causal one alone
    needs_gpu: bool  # the next level cannot be tried on a CPU: transformers refuses 8 bits there, and takes another way with a GPU
    error: str  # the first failure, without places; empty where nothing failed
    seconds: float
    date: str

    @property
    def key(self) -> tuple[str, ...]:
        return self.transformers, self.peft, self.bitsandbytes, self.accelerate if self.rule == "pinned" else self.rule

    def reaches(self, level: str, *, causal: bool = False) -> bool:
        return LEVELS.index(self.causal if causal else self.level) >= LEVELS.index(level)

    @property
    def order(self) -> tuple[object, ...]:
        versions = (Version(self.transformers), Version(self.peft), Version(self.bitsandbytes))
        return *versions, self.rule, Version(self.accelerate or "0")


@dataclass(slots=True, kw_only=True)
class Book:
    """The rows and the stacks, written anew after each group, so that a stop loses no more than the group under way."""

    rows_file: Path
    stacks_file: Path
    rows: dict[tuple[str, ...], Row] = field(default_factory=dict)
    stacks: dict[str, list[str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def opened(cls, rows_file: Path, stacks_file: Path) -> Book:
        book = cls(rows_file=rows_file, stacks_file=stacks_file)
        book.rows = {row.key: row for row in read(rows_file)}
        book.stacks = {line["stack"]: line["packages"] for line in lines_of(stacks_file)}
        return book

    def add(self, rows: list[Row], stacks: dict[str, list[str]]) -> None:
        with self.lock:
            self.rows |= {row.key: row for row in rows}
            self.stacks |= stacks
            write(self.rows_file, [asdict(row) for row in sorted(self.rows.values(), key=lambda row: row.order)])
            write(self.stacks_file, [{"stack": name, "packages": self.stacks[name]} for name in sorted(self.stacks)])


def read(file: Path) -> list[Row]:
    return [Row(**line) for line in lines_of(file)]


def lines_of(file: Path) -> list[dict[str, Any]]:
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


def write(file: Path, lines: list[dict[str, Any]]) -> None:
    part = file.with_suffix(".part")
    part.write_text(
        "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines), encoding="utf-8"
    )
    part.replace(file)
