"""The stand-in for NVIDIA's library, compiled once; an environment for a GPU that is to be made; real stacks for the CPU."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.stand_ins.nvml import StandIn, compile_library
from tests.stand_ins.prepared import Rig, rig_in
from uv import find_uv_bin

TORCH = "torch-2.13.0+cpu-cp311-"


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_library(tmp_path_factory.mktemp("nvml") / "lib")


@pytest.fixture
def standin(library: Path, tmp_path: Path) -> StandIn:
    (tmp_path / "root").mkdir()
    return StandIn(library=library, root=tmp_path / "root", place=tmp_path)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with rig_in(tmp_path) as made:
        yield made


def find_links() -> list[str]:
    """The folders that pip is told of; uv does not read pip's configuration."""
    told = os.environ.get("PIP_FIND_LINKS")
    if told is None:
        pip = [sys.executable, "-m", "pip", "config", "get", "global.find-links"]
        told = subprocess.run(pip, capture_output=True, text=True, check=False).stdout
    return told.split()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes an environment with the CPU build of torch and the pins given, once for each set of pins."""
    folders = find_links()
    if not any(list(Path(folder).glob(f"{TORCH}*.whl")) for folder in folders):
        pytest.skip(f"{TORCH}*.whl is in no folder that pip is told of")
    made: dict[tuple[str, ...], Path] = {}

    def make(*pins: str) -> Path:
        if pins not in made:
            folder = tmp_path_factory.mktemp("stack")
            links = [f"--find-links={links}" for links in folders]
            uv = [find_uv_bin(), "--quiet", "--no-python-downloads"]
            subprocess.run([*uv, "venv", "--python=3.11", str(folder)], check=True)
            made[pins] = folder / "bin/python"
            install = [*uv, "pip", "install", f"--python={made[pins]}", *links, "torch==2.13.0+cpu", *pins]
            subprocess.run(install, check=True)
        return made[pins]

    return make
