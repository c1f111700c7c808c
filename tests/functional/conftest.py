"""The stand-in for NVIDIA's library, compiled once."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.stand_ins.nvml import StandIn, compile_library


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_library(tmp_path_factory.mktemp("nvml") / "lib")


@pytest.fixture
def standin(library: Path, tmp_path: Path) -> StandIn:
    (tmp_path / "root").mkdir()
    return StandIn(library=library, root=tmp_path / "root", place=tmp_path)
