"""A proof is renewed on the GPU that it was given on, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.stand_ins.receipts import make_making

from rigfit.core.machine import DriverFault, Machine
from rigfit.core.problem import ProblemError
from rigfit.engine.proving import same_ground
from rigfit.probe.machine import read_machine

MACHINES = Path(__file__).resolve().parents[1] / "machines"
MIXED = read_machine(MACHINES / "rtx3090-gtx1060-560.json")


@pytest.mark.parametrize("index", [0, 1])
def test_thesame_ground_is_asked_again(index: int) -> None:
    assert same_ground(make_making(gpu=MIXED.gpus[index].uuid), MIXED).gpu == MIXED.gpus[index]


def test_a_gpu_that_has_left_the_machine_is_not_replaced_by_another() -> None:
    with pytest.raises(ProblemError, match="GPU-gone"):
        same_ground(make_making(gpu="GPU-gone"), MIXED)


def test_a_driver_that_does_not_answer_is_the_problem() -> None:
    silent = Machine(
        platform=MIXED.platform, driver=DriverFault(fault="not_loaded", what="not loaded", fix=("load it",))
    )
    with pytest.raises(ProblemError) as caught:
        same_ground(make_making(gpu="GPU-1"), silent)
    assert (caught.value.problem.code, caught.value.problem.fix) == ("driver_fault", ("load it",))
