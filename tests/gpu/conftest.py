"""These tests want a machine with an NVIDIA GPU, and a Python that has the newest stack: see CONTRIBUTING.md."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_HOLDER = """
import sys, torch
free, _ = torch.cuda.mem_get_info()
held = torch.empty(free - int(sys.argv[1]), dtype=torch.uint8, device="cuda")
print(torch.cuda.mem_get_info()[0], flush=True)
sys.stdin.read()
"""


def query(fields: str) -> list[dict[str, str]]:
    """What `nvidia-smi` says of each GPU."""
    asked = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    return [
        dict(zip(fields.split(","), row, strict=True)) for row in csv.reader(said.splitlines(), skipinitialspace=True)
    ]


@pytest.fixture(scope="session", autouse=True)
def gpus() -> list[dict[str, str]]:
    if shutil.which("nvidia-smi") is None:
        pytest.skip("there is no NVIDIA GPU here: no nvidia-smi")
    ran = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    if ran.returncode != 0 or "GPU 0" not in ran.stdout:
        pytest.skip(f"there is no NVIDIA GPU here: {(ran.stdout + ran.stderr).strip()}")
    return query("index,name,uuid")


@pytest.fixture(scope="session")
def python(gpus: list[dict[str, str]]) -> Path:
    """The interpreter to be proven: RIGFIT_GPU_PYTHON, or this one."""
    path = Path(os.environ.get("RIGFIT_GPU_PYTHON", sys.executable))
    asked = "import torch, transformers, accelerate, peft, bitsandbytes; assert torch.version.cuda"
    ran = subprocess.run([path, "-I", "-c", asked], capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        pytest.skip(
            f"{path} has no 8-bit stack for CUDA (RIGFIT_GPU_PYTHON names another): {ran.stderr.strip()[-200:]}"
        )
    return path


@pytest.fixture
def leaving(python: Path) -> Iterator[object]:
    """Call it with a number of bytes: another process holds all memory of the GPU but these. Gives that process."""
    held: list[subprocess.Popen[str]] = []

    def hold(left: int) -> subprocess.Popen[str]:
        words = [str(python), "-c", _HOLDER, str(left)]
        child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        held.append(child)
        assert child.stdout is not None
        assert child.stdout.readline(), "it could not hold the memory"
        return child

    yield hold
    for child in held:
        child.communicate()
