"""How long `rigfit detect --json` takes beside plain `nvidia-smi`, on a machine with an NVIDIA GPU: paired runs, as a ratio."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

from tests.stand_ins.command import RIGFIT


def seconds(*words: str) -> float:
    started = time.perf_counter()
    subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=15)
    args = parser.parse_args()
    pairs = [(seconds(RIGFIT, "detect", "--json"), seconds("nvidia-smi")) for _ in range(args.pairs + 1)][1:]
    ours, theirs = (statistics.median(each) for each in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    print(f"rigfit detect {ours:.3f} s, nvidia-smi {theirs:.3f} s, ratio {ratio:.2f} (medians of {len(pairs)} pairs)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
