"""How long the doctor takes, in paired rounds beside a bare Python: `python tests/bench/doctor.py [PATH]`.

PATH is the Python to look at, or the folder of its environment; without it, the one that runs this.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 11
FINE = (0, 7)  # nothing found, and something found
RIGFIT = str(Path(sys.executable).with_name("rigfit"))
ERROR = """Traceback (most recent call last):
  File "train.py", line 3, in <module>
    from peft import LoraConfig
ImportError: cannot import name 'EncoderDecoderCache' from 'transformers' (lib/transformers/__init__.py)
"""


def seconds(command: list[str], text: str = "") -> float:
    started = time.perf_counter()
    ran = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    taken = time.perf_counter() - started
    assert ran.returncode in FINE, ran.stderr
    return taken


def main() -> None:
    python = sys.argv[1] if len(sys.argv) > 1 else sys.executable
    with tempfile.TemporaryDirectory() as home:
        doctor = [RIGFIT, "doctor", "--json", "--home", home]
        commands = {
            "python -c pass": ([sys.executable, "-c", "pass"], ""),
            "rigfit doctor --error -": ([*doctor, "--error", "-"], ERROR),
            "rigfit doctor --python": ([*doctor, "--python", python], ""),
        }
        for command, text in commands.values():
            seconds(command, text)
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, (command, text) in commands.items():
                taken[name].append(seconds(command, text))
    base = statistics.median(taken["python -c pass"])
    print(f"{ROUNDS} paired rounds; looked at {python}")
    for name, times in taken.items():
        median = statistics.median(times)
        print(f"{name:<24} {median:6.3f} s  {median / base:5.1f} x python  ({min(times):.3f} to {max(times):.3f} s)")


if __name__ == "__main__":
    main()
