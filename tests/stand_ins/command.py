"""The real command `rigfit`, run as a person runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RIGFIT = str(Path(sys.executable).with_name("rigfit"))


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def answer(self) -> dict[str, Any]:
        """The JSON envelope."""
        value: dict[str, Any] = json.loads(self.out)
        return value

    @property
    def result(self) -> Any:
        assert self.answer["ok"], self.answer
        return self.answer["result"]

    @property
    def problem(self) -> dict[str, Any]:
        problem: dict[str, Any] = self.answer["problem"]
        return problem


def rigfit(*words: str | Path, environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Ran:
    """Run to the end; standard input is no terminal."""
    ran = subprocess.run(
        [RIGFIT, *map(str, words)],
        env=dict(os.environ if environ is None else environ),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)
