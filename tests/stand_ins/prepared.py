"""An environment that was made for a machine with a GPU, on a machine that is said to have one, and a Python that says what it is told.

The libraries are stand-ins of a few bytes, NVIDIA's library is the one compiled from C, and where a proof is to pass, the
environment's Python says what the payload would say. tests/functional/test_setup.py has a real one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stand_ins.catalogs import make_catalog
from tests.stand_ins.command import Ran, rigfit
from tests.stand_ins.nvml import StandIn, as_said
from tests.stand_ins.plans import bare_environ
from tests.stand_ins.web import serve
from tests.stand_ins.wheels import make_wheel, put_on_index

MACHINES = Path(__file__).resolve().parents[1] / "machines"
TORCH, BNB = make_wheel("torch", "2.10.0"), make_wheel("bitsandbytes", "0.50.2")
FOR_A_GPU = {
    'name = "cpu"': 'name = "cu128"\ncuda = "12.8"',
    'pins = ["torch ==2.13.0"]': 'pins = ["torch ==2.10.0"]',
    'quantization = ["int8"]': 'quantization = ["int8", "nf4"]',
}
SPEAKER = """
import json, os, sys
job = json.load(sys.stdin)
kept = {"imports", "library"} if job["level"] == "imports" else None
names = ["imports", "library", "quantized_load", job["quantization"] + "_weights"]
names += ["memory_ratio", "numeric_error", "lora_step", "adapter_roundtrip"]
if job["level"] == "stress":
    names = ["imports", "library", "stress_load", "stress_steps", "stress_numbers"]
    print(json.dumps({"event": "progress", "done": 1, "total": 2, "tokens_per_second": 3}))
else:
    names += ["nf4_load"] if job["device"] != "cpu" and job["quantization"] == "int8" else []
print(json.dumps({"event": "versions", "versions": {"python": "3.11.0"}}))
for name in names:
    status = "failed" if FAILING in (name, f"{name} on {os.environ['CUDA_VISIBLE_DEVICES']}") else "passed" if kept is None or name in kept else "skipped"
    line = {"id": name, "status": status, "measured": job["device"], "expected": "", "seconds": 0.0, "why": "said so"}
    print(json.dumps({"event": "check", **line}))
print(json.dumps({"event": "done"}), flush=True)
"""


@dataclass(frozen=True, kw_only=True)
class Rig:
    """A home with a catalog of one variant for a GPU, and an index that has its wheels."""

    folder: Path
    environ: Mapping[str, str]

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def ask(self, verb: str, *words: str | Path, on: Mapping[str, str] | None = None) -> Ran:
        """`on` are variables by which the machine has GPUs."""
        return rigfit(verb, "--home", self.home, *words, environ={**self.environ, **(on or {})})

    def setup(self, *words: str | Path, on: Mapping[str, str] | None = None) -> Ran:
        asked = ("sample", "--yes", "--base", "local", "--catalog", self.folder / "catalog")
        return self.ask("setup", *asked, *words, on=on)

    def verify(self, *words: str | Path, on: Mapping[str, str] | None = None) -> Ran:
        return self.ask("verify", *words, "--catalog", self.folder / "catalog", on=on)

    def prepare(self) -> str:
        """Make it for a T4; its name."""
        ran = self.setup("--machine", MACHINES / "t4-535.json", "--no-verify", "--json")
        assert ran.code == 0, ran.out + ran.err
        return str(ran.result["environment"])

    def listed(self) -> dict[str, Any]:
        (environment,) = self.ask("list", "--json").result["environments"]
        assert isinstance(environment, dict)
        return environment

    def oblige(self, failing: str = "") -> None:
        """From now on its Python says that everything passes but `failing`, a check, or a check `on` a UUID."""
        folder = Path(self.listed()["prefix"]) / "bin"
        (folder / "speaker.py").write_text(f"FAILING = {failing!r}\n{SPEAKER}")
        (folder / "python").unlink()
        (folder / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{folder}/speaker.py"\n')
        (folder / "python").chmod(0o755)


def having(standin: StandIn, machine: str) -> dict[str, str]:
    """Variables by which this machine has the GPUs of a recorded one."""
    return standin.environ(*as_said(json.loads((MACHINES / f"{machine}.json").read_text())))


def gpu_of(machine: str) -> str:
    return str(json.loads((MACHINES / f"{machine}.json").read_text())["gpus"][0]["uuid"])


@contextmanager
def rig_in(folder: Path) -> Iterator[Rig]:
    place = make_catalog(folder / "catalog", TORCH, BNB) / "sample"
    template = (place / "template.toml").read_text()
    for old, new in FOR_A_GPU.items():
        assert old in template
        template = template.replace(old, new)
    (place / "template.toml").write_text(template)
    for file in place.glob("cpu.*"):
        file.rename(file.with_name(file.name.replace("cpu.", "cu128.")))
    with serve() as site:
        index = put_on_index(site, TORCH, BNB)
        yield Rig(folder=folder, environ=bare_environ(folder, UV_DEFAULT_INDEX=index))
