"""Measures some recorded pairs once more, each in a virtual environment of its own and in a process that nothing shares.

    python -m tests.matrix.recheck            # 12 pairs, spread over all that are recorded
    python -m tests.matrix.recheck --pairs 40

It ends with 1 where a level differs from the recorded one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.functional.conftest import find_links
from tests.matrix.measure import PAYLOADS, ROWS, STACKS
from tests.matrix.rows import LEVELS, Book, Row
from tests.matrix.stacks import PYTHON
from uv import find_uv_bin

CHECKS = {
    "imports": ("imports",),
    "quantized_load": ("quantized_load",),
    "numbers": ("int8_weights", "memory_ratio", "numeric_error"),
    "lora_step": ("lora_step",),
    "adapter_roundtrip": ("adapter_roundtrip",),
}
MODULES = ["torch", "bitsandbytes", "transformers", "accelerate", "peft"]


def level_in(folder: Path, pins: list[str], payloads: Path) -> tuple[str, str]:
    """The level reached, and why the next was not."""
    uv = [find_uv_bin(), "--quiet", "--no-python-downloads"]
    python = folder / "env/bin/python"
    subprocess.run([*uv, "venv", f"--python={PYTHON}", str(folder / "env")], check=True)
    links = [f"--find-links={links}" for links in find_links()]
    subprocess.run([*uv, "pip", "install", f"--python={python}", "--no-deps", *links, *pins], check=True)
    job = {"level": "full", "device": "cpu", "quantization": "int8", "imports": MODULES, "scratch": str(folder)}
    child = subprocess.run(
        [python, "-I", "-u", payloads / "quantized.py"],
        input=json.dumps(job),
        env={"HOME": str(folder), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    told = {line["id"]: line for line in map(json.loads, child.stdout.splitlines()) if line["event"] == "check"}
    level = LEVELS[1]
    for name, checks in CHECKS.items():
        failed = [told[check]["why"] for check in checks if told[check]["status"] != "passed"]
        if failed:
            return level, failed[0]
        level = name
    return level, ""


def spread_over(rows: list[Row], number: int) -> list[Row]:
    step = max(1, len(rows) // number)
    return rows[step // 2 :: step][:number]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument(
        "--payloads", type=Path, default=PAYLOADS, help="what proves an environment; default: rigfit's own"
    )
    told = parser.parse_args()
    book = Book.opened(ROWS, STACKS)
    differ = 0
    resolved = sorted((row for row in book.rows.values() if row.stack), key=lambda row: row.order)
    for row in spread_over(resolved, told.pairs):
        pins = [*book.stacks[row.stack], f"peft=={row.peft}"]
        with tempfile.TemporaryDirectory(prefix="recheck-") as folder:
            level, why = level_in(Path(folder), pins, told.payloads)
        word = "same" if level == row.level else f"DIFFERS: {why}"
        differ += level != row.level
        pair = f"transformers {row.transformers}, peft {row.peft}, bitsandbytes {row.bitsandbytes}, accelerate {row.accelerate}"
        print(f"{pair}: recorded {row.level}, now {level}: {word}", flush=True)
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
