"""Prints how long `rigfit setup` takes beside uv and pip on the same wheels, as ratios of paired runs.

`python tests/bench/provision.py [--rounds N]`. For the CPU stack on this machine:

- cold: empty caches. `rigfit setup` without its verify step, against `uv venv` + `uv pip sync`.
- warm: full caches, a new home. Likewise.
- time to proof, warm: all of `rigfit setup`, against `uv venv` + `uv pip sync` + the payload alone, and against
  `python -m venv` + `pip install` + the payload alone.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rigfit.catalog.load import load_templates
from rigfit.catalog.locks import read_lock
from rigfit.core.template import Lock
from rigfit.provision.local import find
from rigfit.sources.index import sources
from rigfit.sources.names import minor
from rigfit.sources.uv import requirements, uv_binary
from rigfit.verify.run import PAYLOAD

ROOT = Path(__file__).resolve().parents[2]
RIGFIT = str(Path(sys.executable).with_name("rigfit"))


@dataclass(frozen=True)
class Bench:
    """A folder that holds the wheel list and one cache that stays warm."""

    folder: Path
    python: str
    wheels: Path
    imports: tuple[str, ...]
    folders: tuple[str, ...]

    def environ(self, cache: Path) -> dict[str, str]:
        return {**os.environ, "UV_CACHE_DIR": str(cache), "UV_FIND_LINKS": ",".join(self.folders)}

    def uv(self, cache: Path) -> Path:
        prefix = self.fresh("uv")
        run([uv_binary(), "venv", "-q", "--python", self.python, str(prefix)], self.environ(cache))
        words = ["pip", "sync", "-q", "--require-hashes", "--only-binary", ":all:", "--python", str(prefix)]
        run([uv_binary(), *words, str(self.wheels)], self.environ(cache))
        return prefix

    def pip(self) -> Path:
        prefix = self.fresh("pip")
        run([self.python, "-m", "venv", str(prefix)], dict(os.environ))
        words = ["-m", "pip", "install", "-q", "--no-deps", "--require-hashes", "-r", str(self.wheels)]
        run([str(prefix / "bin" / "python"), *words], dict(os.environ))
        return prefix

    def payload(self, prefix: Path) -> None:
        scratch = self.fresh("scratch")
        scratch.mkdir()
        asked = {"level": "full", "device": "cpu", "quantization": "int8"}
        job = {**asked, "imports": self.imports, "scratch": str(scratch)}
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        run([str(prefix / "bin" / "python"), "-I", "-u", str(PAYLOAD)], kept, json.dumps(job))

    def setup(self, cache: Path) -> tuple[float, float]:
        """Seconds of all of it, and of its verify step."""
        home = self.fresh("home")
        words = ["setup", "current", "--variant", "cpu", "--yes", "--base", "local", "--events", "--home", str(home)]
        started = time.perf_counter()
        said = run([RIGFIT, *words], {**os.environ, "UV_CACHE_DIR": str(cache)})
        whole = time.perf_counter() - started
        events = [json.loads(line) for line in said.splitlines()]
        verify = next(e["seconds"] for e in events if e["event"] == "step_finished" and e["step"] == "verify")
        return whole, verify

    def fresh(self, name: str) -> Path:
        place = self.folder / name
        shutil.rmtree(place, ignore_errors=True)
        return place


def run(command: list[str], environ: dict[str, str], stdin: str = "") -> str:
    done = subprocess.run(command, env=environ, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:4])} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def make_bench(folder: Path) -> Bench:
    template = next(t for t in load_templates(ROOT / "environments") if t.name == "current")
    variant = next(v for v in template.variants if v.name == "cpu")
    lock: Lock = read_lock(variant, "linux-64")
    where = sources(os.environ)
    wheels = folder / "wheels.txt"
    local = {
        a.sha256: str(path) for a in lock.pip for place in where.folders if (path := Path(place, a.filename)).exists()
    }
    wheels.write_text(requirements(lock.pip, local))
    found = find(minor(variant.stack(lock.platform).python))
    if found is None:
        raise SystemExit(f"needs a Python {minor(variant.stack(lock.platform).python)} on this machine")
    return Bench(folder, found.python, wheels, template.imports, tuple(str(place) for place in where.folders))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4)
    rounds = parser.parse_args().rounds
    ratios: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="rigfit-bench-") as name:
        bench = make_bench(Path(name))
        warm = bench.folder / "cache"
        bench.uv(warm)
        for number in range(rounds):
            one_round(bench, warm, ratios, number=number)
    for title, values in ratios.items():
        spread = f"{min(values):.2f} to {max(values):.2f}"
        print(f"{title:<58} ratio {statistics.median(values):.2f}  ({spread}, {len(values)} rounds)")


def one_round(bench: Bench, warm: Path, ratios: dict[str, list[float]], *, number: int) -> None:
    """Whoever comes second finds the files in memory, so every other round begins with the other one."""

    def note(title: str, ours: float, theirs: float) -> None:
        ratios.setdefault(title, []).append(ours / theirs)
        print(f"  {title:<58} {ours:6.2f} s / {theirs:6.2f} s", flush=True)

    def uv_alone() -> tuple[float, float]:
        installed = seconds(lambda: bench.uv(warm))
        return installed, installed + seconds(lambda: bench.payload(bench.folder / "uv"))

    cold = seconds(lambda: bench.uv(bench.fresh("cold")))
    whole, verify = bench.setup(bench.fresh("cold"))
    note("cold, verify not counted, to uv venv + uv pip sync", whole - verify, cold)
    uv_first = number % 2 == 0
    installed, proven = uv_alone() if uv_first else (0.0, 0.0)
    whole, verify = bench.setup(warm)
    if not uv_first:
        installed, proven = uv_alone()
    note("warm, verify not counted, to uv venv + uv pip sync", whole - verify, installed)
    note("time to proof, warm, to the same + payload", whole, proven)
    if number == 0:
        theirs = seconds(lambda: bench.payload(bench.pip()))
        note("time to proof, warm, to pip install + payload", whole, theirs)


if __name__ == "__main__":
    main()
