"""Kills `rigfit setup` with SIGKILL at random moments and runs it again: `python tests/functional/kills.py --times 20`.

After each kill: the earlier environment is listed as usable and runs, nothing unfinished is listed as usable, and no
process of the run is left. After each second run: a proven environment.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RIGFIT = str(Path(sys.executable).with_name("rigfit"))
ROOT = Path(__file__).resolve().parents[2]


class BrokenPromiseError(Exception):
    """A promise that was not kept."""


@dataclass(frozen=True)
class Rig:
    """A home with one earlier environment in it, made from a lock that differs by a comment."""

    home: Path
    catalog: Path
    earlier: str

    def command(self, verb: str, *words: str) -> list[str]:
        return [RIGFIT, verb, "--home", str(self.home), *words]

    def setup(self) -> list[str]:
        return [*self.command("setup", "current", "--variant", "cpu", "--yes"), "--catalog", str(self.catalog)]

    def listed(self) -> dict[str, dict[str, Any]]:
        answer = subprocess.run(self.command("list", "--json"), check=True, capture_output=True, text=True)
        return {each["environment"]: each for each in json.loads(answer.stdout)["result"]["environments"]}


def make_rig(folder: Path) -> Rig:
    home, catalog = folder / "home", folder / "catalog"
    shutil.copytree(ROOT / "environments", catalog)
    lock, sizes = catalog / "current" / "cpu.conda-lock.yml", catalog / "current" / "cpu.sizes.json"
    now = lock.read_text(), sizes.read_text()
    _comment(lock, sizes)
    rig = Rig(home=home, catalog=catalog, earlier="")
    subprocess.run(rig.setup(), check=True, capture_output=True)
    (earlier,) = rig.listed()
    lock.write_text(now[0])
    sizes.write_text(now[1])
    return Rig(home=home, catalog=catalog, earlier=earlier)


def _comment(lock: Path, sizes: Path) -> None:
    """Another lock with the same packages."""
    import hashlib

    lock.write_text(lock.read_text() + "# the same packages under another hash\n")
    known = json.loads(sizes.read_text())
    known["lock_sha256"] = hashlib.sha256(lock.read_bytes()).hexdigest()
    sizes.write_text(json.dumps(known))


def kill_once(rig: Rig, moment: float, environ: dict[str, str]) -> str:
    """Kill a setup after `moment` seconds, look, run it again; returns what was on at that moment."""
    run = subprocess.Popen(
        [*rig.setup(), "--events"],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    time.sleep(moment)
    os.killpg(run.pid, signal.SIGKILL)
    said, _ = run.communicate()
    state = _state(said)
    _nothing_stray(rig)
    _earlier_usable(rig, finished=state == "finished")
    again = subprocess.run(rig.setup(), env=environ, capture_output=True, text=True, check=False)
    if again.returncode:
        raise BrokenPromiseError(f"the second run ended with {again.returncode}:\n{again.stderr}")
    _proven(rig)
    return state


def _state(said: str) -> str:
    """The last step or check that the killed run spoke of."""
    state = "before the first event"
    for line in said.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        state = event.get("step") or event.get("id") or state
        if event["event"] == "run_finished":
            return "finished"
    return str(state)


def _nothing_stray(rig: Rig, patience: float = 5) -> None:
    deadline = time.monotonic() + patience
    while stray := _processes_naming(str(rig.home)):
        if time.monotonic() > deadline:
            raise BrokenPromiseError(f"left running: {stray}")
        time.sleep(0.05)


def _processes_naming(text: str) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line and int(folder.name) != os.getpid():
            found.append(f"{folder.name} {line}")
    return found


def _earlier_usable(rig: Rig, *, finished: bool) -> None:
    listed = rig.listed()
    usable = {name for name, each in listed.items() if each["usable"]}
    if rig.earlier not in usable:
        raise BrokenPromiseError(f"the earlier environment is gone: {listed}")
    if usable != {rig.earlier} and not finished:
        proven = [listed[name]["receipt"]["checks"] for name in usable - {rig.earlier}]
        if not all(len(checks) == 8 for checks in proven):
            raise BrokenPromiseError(f"listed as usable without proof: {usable}")
    ran = subprocess.run(rig.command("run", rig.earlier, "--", "python", "-c", "import numpy"), check=False)
    if ran.returncode:
        raise BrokenPromiseError("the earlier environment does not run")


def _proven(rig: Rig) -> None:
    others = [each for name, each in rig.listed().items() if name != rig.earlier]
    if len(others) != 1 or not others[0]["usable"] or others[0]["receipt"]["level"] != "full":
        raise BrokenPromiseError(f"no proven environment after the second run: {others}")
    subprocess.run(rig.command("remove", others[0]["environment"], "--yes"), check=True, capture_output=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--cold", type=int, default=0, help="how many of them with an empty wheel cache")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    args = parser.parse_args()
    dice = random.Random(args.seed)  # noqa: S311 - moments, not secrets
    print(f"seed {args.seed}")
    with tempfile.TemporaryDirectory(prefix="rigfit-kills-") as name:
        rig = make_rig(Path(name))
        started = time.monotonic()
        subprocess.run(rig.setup(), check=True, capture_output=True)
        whole = time.monotonic() - started
        _proven(rig)
        print(f"a whole run takes {whole:.1f} s")
        for number in range(args.times):
            environ = dict(os.environ)
            if number < args.cold:
                environ["UV_CACHE_DIR"] = str(Path(name) / f"cache-{number}")
            moment = dice.uniform(0, whole)
            state = kill_once(rig, moment, environ)
            print(f"{number + 1:3} killed after {moment:5.2f} s, at {state}: run again, proven", flush=True)
            shutil.rmtree(Path(name) / f"cache-{number}", ignore_errors=True)
    print(f"{args.times} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
