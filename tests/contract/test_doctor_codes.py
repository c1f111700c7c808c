"""Every code that the doctor of machines gives stands in docs/doctor.md, and none that it does not give."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from rigfit.doctor.machine.judge import CODES

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "src/rigfit/doctor/machine"


def documented() -> list[str]:
    text = (ROOT / "docs/doctor.md").read_text(encoding="utf-8")
    part = re.search(r"^## The machine\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert part is not None
    return [
        code for row in re.findall(r"^\| (`[^|]*) \|", part[1], re.MULTILINE) for code in re.findall(r"`(\w+)`", row)
    ]


def test_the_table_has_every_code_once_and_no_other() -> None:
    found = documented()
    assert sorted(found) == sorted(CODES)


def test_every_code_that_is_written_in_the_source_is_among_the_codes() -> None:
    files = sorted(MODULES.glob("*.py"))
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    keywords = [
        node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "code"
    ]
    literals = {node.value.value for node in keywords if isinstance(node.value, ast.Constant)}
    assert len(literals) > 20
    assert literals <= set(CODES)
