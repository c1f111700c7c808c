"""What the tests of the installer share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.driving import two_templates


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_templates(tmp_path_factory.mktemp("catalog") / "environments")
