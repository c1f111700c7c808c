"""Every code that the doctor of Pythons gives stands in docs/doctor.md, and none that it does not give."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import get_args

from rigfit.core.fact import End
from rigfit.doctor.machine import judge as machine
from rigfit.doctor.python.diagnose import CODES

ROOT = Path(__file__).parents[2]


def documented() -> list[str]:
    text = (ROOT / "docs/doctor.md").read_text(encoding="utf-8")
    part = re.search(r"^## A Python\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert part is not None
    return re.findall(r"^\| `(\w+)` \|", part[1], re.MULTILINE)


def test_the_tables_have_every_code_once_and_no_other() -> None:
    assert sorted(documented()) == sorted(CODES)


def test_every_code_that_is_written_in_the_source_is_among_the_codes() -> None:
    files = sorted((ROOT / "src/rigfit/doctor/python").glob("*.py"))
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    keywords = [
        each for tree in trees for each in ast.walk(tree) if isinstance(each, ast.keyword) and each.arg == "code"
    ]
    literals = {each.value.value for each in keywords if isinstance(each.value, ast.Constant)}
    assert len(literals) > 15
    assert literals - {"python_invalid"} <= set(CODES)
    assert {f"incompatible_{end}" for end in get_args(End)} <= set(CODES)


def test_one_code_does_not_mean_two_things() -> None:
    assert not set(CODES) & set(machine.CODES)
