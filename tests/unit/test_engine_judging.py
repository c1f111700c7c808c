"""The next step after a proof that failed is one that mends what failed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.stand_ins.receipts import make_making, make_receipt

from rigfit.core.environment import Environment
from rigfit.core.event import Check
from rigfit.core.proof import NEXT
from rigfit.core.receipt import Verification
from rigfit.engine import watching
from rigfit.engine.judging import not_passed, python_not_passed
from rigfit.verify import run

RECEIPT = make_receipt(make_making())
NAME = RECEIPT.making.environment
PROVEN = Environment(name=NAME, prefix="/nowhere", standing="proven", record=RECEIPT)
MEMORY = Check(id="gpu_health", status="failed", why="3 uncorrected memory errors while it ran", code="gpu_memory")
NUMBERS = Check(id="stress_numbers", status="failed", why="they changed", code="wrong_numbers")


def burnt_in(*checks: Check) -> Verification:
    return replace(RECEIPT.verification, level="stress", checks=checks)


def test_every_failed_check_that_has_a_code_has_a_next_step() -> None:
    files = [*Path(run.PAYLOAD).parent.glob("*.py"), Path(watching.__file__)]
    codes = {code for file in files for code in re.findall(r'\bcode="(\w+)"', file.read_text())}
    assert {"gpu_memory", "wrong_numbers", "not_installed"} <= codes
    assert codes <= NEXT.keys()


@pytest.mark.parametrize("fix", [not_passed(burnt_in(MEMORY), PROVEN).fix, python_not_passed(burnt_in(MEMORY)).fix])
def test_memory_errors_of_a_gpu_are_not_mended_by_other_libraries(fix: tuple[str, ...]) -> None:
    assert "have the GPU replaced" in fix[0]
    assert "rigfit repair" not in " ".join(fix)
    assert "rigfit setup" not in " ".join(fix)


def test_where_numbers_are_wrong_too_both_are_told_the_gpu_first() -> None:
    ours = not_passed(burnt_in(NUMBERS, MEMORY), PROVEN, " --level stress --minutes 30")
    assert "have the GPU replaced" in ours.fix[0]
    assert ours.fix[1:] == (f"rigfit repair {NAME}", f"rigfit verify {NAME} --level stress --minutes 30 -v")
    theirs = python_not_passed(burnt_in(NUMBERS, MEMORY)).fix
    assert [NEXT["wrong_numbers"] in theirs, NEXT["gpu_memory"] in theirs, "rigfit setup" in theirs[-1]] == [True] * 3
