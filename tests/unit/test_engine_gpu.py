"""A proof is renewed on the GPU that it was given on, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigfit.core.event import CHECK_IDS, Check
from rigfit.core.machine import DriverFault, Machine
from rigfit.core.problem import ProblemError
from rigfit.core.receipt import Receipt, Verification
from rigfit.engine.carrying import _same_gpu
from rigfit.probe.machine import read_machine

MACHINES = Path(__file__).resolve().parents[1] / "machines"
MIXED = read_machine(MACHINES / "rtx3090-gtx1060-560.json")


def proven_on(gpu: str | None) -> Receipt:
    checks = tuple(Check(id=name, status="passed") for name in CHECK_IDS)
    return Receipt(
        environment="current-cu128-00000000",
        template="current",
        variant="cu128",
        lock_sha256="0" * 64,
        base="local",
        base_python="",
        prefix="",
        made="",
        proven="",
        rigfit="0",
        imports=[],
        gpu=gpu,
        machine={},
        verification=Verification(environment="", device="cuda:0", level="full", versions={}, checks=checks),
    )


@pytest.mark.parametrize("index", [0, 1])
def test_the_same_gpu_is_asked_again(index: int) -> None:
    assert _same_gpu(proven_on(MIXED.gpus[index].uuid), MIXED) == MIXED.gpus[index].uuid


def test_a_gpu_that_has_left_the_machine_is_not_replaced_by_another() -> None:
    with pytest.raises(ProblemError, match="GPU-gone"):
        _same_gpu(proven_on("GPU-gone"), MIXED)


def test_a_driver_that_does_not_answer_is_the_problem() -> None:
    silent = Machine(
        platform=MIXED.platform, driver=DriverFault(fault="not_loaded", what="not loaded", fix=("load it",))
    )
    with pytest.raises(ProblemError) as caught:
        _same_gpu(proven_on("GPU-1"), silent)
    assert (caught.value.problem.code, caught.value.problem.fix) == ("driver_fault", ("load it",))
