"""Prints how long short commands take beside `python -c pass`, from paired runs: `python tests/bench/startup.py`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 15
RIGFIT = str(Path(sys.executable).with_name("rigfit"))
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "rigfit --help": [RIGFIT, "--help"],
    "rigfit --version": [RIGFIT, "--version"],
    "rigfit detect --json": [RIGFIT, "detect", "--json"],
    "rigfit select --json": [RIGFIT, "select", "--json"],
    "rigfit list --json": [RIGFIT, "list", "--json"],
}


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            taken[name].append(seconds(command))
    base = statistics.median(taken["python -c pass"])
    print(f"median of {ROUNDS} paired rounds")
    for name, times in taken.items():
        median = statistics.median(times)
        print(f"{name:<24} {median:6.3f} s  {median / base:5.1f} x python  (worst {max(times):.3f} s)")


if __name__ == "__main__":
    main()
