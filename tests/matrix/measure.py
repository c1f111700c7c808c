"""Measures how far pairs of peft and transformers get in 8-bit LoRA, with wheels from PyPI, on a CPU.

    python -m tests.matrix.measure                         # every pair, newest bitsandbytes
    python -m tests.matrix.measure --bitsandbytes 0.47.0   # once more with another
    python -m tests.matrix.measure --accelerate 1.10.1 --transformers 4.27.4

A pair that is recorded is not measured again, so a run that was stopped goes on where it ended.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import Version
from tests.matrix.rows import LEVELS, Book, Row
from tests.matrix.stacks import TORCH, Resolved, Shelf, newest_patches, normal

ROOT = Path(__file__).parents[2]
PAYLOADS = ROOT / "src/rigfit/verify/payloads"
PROBE = Path(__file__).with_name("probe.py")
ROWS = ROOT / "tests/matrix/matrix.jsonl"
STACKS = Path(__file__).with_name("stacks.jsonl")
ONE_STACK = 1800  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    transformers: str
    bitsandbytes: str
    accelerate: str
    pefts: tuple[str, ...]

    def key(self, peft: str) -> tuple[str, ...]:
        return self.transformers, peft, self.bitsandbytes, self.accelerate


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    shelf: Shelf
    book: Book
    log: Path
    payloads: Path

    def measure(self, task: Task) -> str:
        """All pairs of one transformers that are not recorded yet; those that resolve to the same packages share a process."""
        started = time.monotonic()
        todo = [peft for peft in task.pefts if task.key(peft) not in self.book.rows]
        groups: dict[Resolved, list[str]] = {}
        resolved = self.shelf.resolve(task.transformers, todo[::-1], task.bitsandbytes, task.accelerate)
        for peft in todo:
            groups.setdefault(resolved[peft], []).append(peft)
        rows = []
        for stack, pefts in groups.items():
            made = self.of_group(task, stack, pefts)
            self.book.add(made, {stack.name: list(stack.packages)} if stack.packages else {})
            rows += made
        reached = " ".join(f"{row.peft}:{LEVELS.index(row.level)}" for row in rows)
        return f"{task.transformers} bitsandbytes {task.bitsandbytes}, {time.monotonic() - started:.0f} s: {reached}"

    def of_group(self, task: Task, stack: Resolved, pefts: list[str]) -> list[Row]:
        if not stack.packages:
            line = {"failed": {"resolves": stack.error}, "seconds": 0.0}
            return [row_of(task, stack, peft, {"seconds": 0.0, "python": ""}, line) for peft in pefts]
        path = [str(self.shelf.folder(pin)) for pin in stack.packages]
        folders = {peft: str(self.shelf.folder(f"peft=={peft}")) for peft in sorted(pefts, key=Version)}
        lines = self.probe(path, folders)
        if any(line["event"] == "unshared" for line in lines):
            lines = [line for peft, folder in folders.items() for line in self.probe(path, {peft: folder})]
        for folder in (*path, *folders.values(), str(self.shelf.python)):  # or it would be put down to the pair
            if not Path(folder).exists():
                raise FileNotFoundError(folder)
        return rows_of(task, stack, lines)

    def probe(self, path: list[str], pefts: dict[str, str]) -> list[dict[str, Any]]:
        with tempfile.TemporaryDirectory(prefix="matrix-") as scratch, self.log.open("a", encoding="utf-8") as log:
            job = {"path": path, "pefts": pefts, "payloads": str(self.payloads), "scratch": scratch}
            child = subprocess.run(
                [self.shelf.python, "-I", "-u", PROBE],
                input=json.dumps(job),
                env={"HOME": scratch, "PATH": os.environ["PATH"], "TMPDIR": scratch},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                timeout=ONE_STACK,
                check=False,
            )
        lines = [json.loads(line) for line in child.stdout.splitlines()]
        told = {line.get("version") for line in lines} | (set(pefts) if {"event": "unshared"} in lines else set())
        before = [] if lines else [{"event": "before", "failed": {}, "seconds": 0.0, "python": ""}]
        ended = {"event": "peft", "failed": {"crash": f"the process ended with {child.returncode}"}, "seconds": 0.0}
        return lines + before + [{**ended, "version": peft} for peft in pefts if peft not in told]


def rows_of(task: Task, stack: Resolved, lines: list[dict[str, Any]]) -> list[Row]:
    rows: list[Row] = []
    before: dict[str, Any] = {}
    gpu = False
    for line in lines:
        if line["event"] == "before":
            before, gpu = line, False
        if line["event"] == "as_if_with_cuda":
            gpu = normal(line["failed"].get("quantized_load", "")) != normal(before["failed"]["quantized_load"])
        if line["event"] == "peft":
            rows.append(
                row_of(task, stack, line["version"], before, line, gpu=gpu and "quantized_load" in line["failed"])
            )
    return rows


def row_of(
    task: Task, stack: Resolved, peft: str, before: dict[str, Any], line: dict[str, Any], *, gpu: bool = False
) -> Row:
    error = next(iter(line["failed"].values()), "")
    return Row(
        transformers=task.transformers,
        peft=peft,
        bitsandbytes=task.bitsandbytes,
        accelerate=stack.version("accelerate") or ("" if task.accelerate == "newest" else task.accelerate),
        rule="newest" if task.accelerate == "newest" else "pinned",
        torch=TORCH,
        python=before["python"],
        stack=stack.name,
        level=level_below(line["failed"]),
        causal=level_below(line.get("causal", line["failed"])),
        needs_gpu=gpu,
        error=normal(error),
        seconds=round(line["seconds"] + before["seconds"], 1),
        date=dt.datetime.now(tz=dt.timezone.utc).date().isoformat(),
    )


def level_below(failed: dict[str, str]) -> str:
    """The last level that passed; a process that ended by itself counts as one that did not import."""
    if not failed:
        return LEVELS[-1]
    where = next(iter(failed))
    return LEVELS[LEVELS.index(where) - 1] if where in LEVELS else "resolves"


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transformers", nargs="+", help="default: the newest patch of each minor, 4.27 to 5.23")
    parser.add_argument("--peft", nargs="+", help="default: the newest patch of each minor, 0.2 to 0.21")
    parser.add_argument("--bitsandbytes", nargs="+", help="default: the newest of all")
    parser.add_argument("--accelerate", default="newest", help="default: the newest that the resolver takes")
    parser.add_argument("--work", type=Path, default=ROOT / "build/matrix", help="where wheels are unpacked")
    parser.add_argument(
        "--payloads", type=Path, default=PAYLOADS, help="what proves an environment; default: rigfit's own"
    )
    parser.add_argument("--at-once", type=int, default=2, help="processes")
    return parser.parse_args()


def main() -> None:
    told = asked()
    transformers = told.transformers or newest_patches("transformers", "4.27", "5.23")
    pefts = tuple(told.peft or newest_patches("peft", "0.2", "0.21"))
    libraries = told.bitsandbytes or newest_patches("bitsandbytes", "0.47", "0.50")[-1:]
    told.work.mkdir(parents=True, exist_ok=True)
    bench = Bench(
        shelf=Shelf(told.work),
        book=Book.opened(ROWS, STACKS),
        log=told.work / "probe.log",
        payloads=told.payloads,
    )
    tasks = [
        Task(transformers=version, bitsandbytes=library, accelerate=told.accelerate, pefts=pefts)
        for library in libraries
        for version in transformers
    ]
    todo = [task for task in tasks if any(task.key(peft) not in bench.book.rows for peft in pefts)]
    with ThreadPoolExecutor(told.at_once) as pool:
        for number, line in enumerate(pool.map(bench.measure, todo), 1):
            print(f"{number}/{len(todo)}  {line}", flush=True)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
