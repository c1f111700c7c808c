"""Makes a package of this folder in a Python that has no rigfit, so that what the payloads share is written once."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

NAME = "rigfit_payload"  # that nothing in the environment under test has


def loaded(payload: str) -> Any:
    """The module of that name, whose relative imports find what lies beside it."""
    package = sys.modules[NAME] = ModuleType(NAME)
    package.__path__ = [str(Path(__file__).parent)]
    sys.dont_write_bytecode = True  # here, since this is not the folder of the Python that runs it
    try:
        return importlib.import_module(f"{NAME}.{payload}")
    finally:
        sys.dont_write_bytecode = False
