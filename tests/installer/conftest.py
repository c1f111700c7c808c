"""The fixtures of bare_machine.py."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.installer.bare_machine import BareMachine, Index, base_python, make_machine, serve


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with serve(tmp_path) as index:
        yield index


@pytest.fixture
def machine(tmp_path: Path, index: Index) -> BareMachine:
    """Python with pip, and no uv."""
    machine = make_machine(tmp_path / "a machine", index.url)
    machine.add_program("python3", f'exec {base_python()} "$@"')
    return machine


@pytest.fixture
def machine_with_uv(machine: BareMachine) -> BareMachine:
    uv = Path(sysconfig.get_path("scripts"), "uv")
    if not uv.exists():
        pytest.skip("no uv beside this Python")
    machine.tools.joinpath("uv").symlink_to(uv)
    return machine
