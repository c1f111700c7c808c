"""Texts for the tests of the error rules: what the software says, and what other software says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parent / "data" / "errors"


def texts(file: str) -> list[dict[str, Any]]:
    """Of known.toml or others.toml, in the order of the file."""
    found: list[dict[str, Any]] = tomllib.loads(FOLDER.joinpath(file).read_text(encoding="utf-8"))["text"]
    return found
