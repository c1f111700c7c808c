"""Which GPUs, or parts of them, a proof is tried on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rigfit.core.ground import CPU, ground_of, grounds
from rigfit.core.problem import ProblemError
from rigfit.probe.machine import read_machine

MACHINES = Path(__file__).resolve().parents[1] / "machines"
PAIR = read_machine(MACHINES / "rtx4090-rtx5090-570.json")
MIG = read_machine(MACHINES / "a100-mig-slices-535.json")


def test_all_is_every_gpu_in_the_order_of_the_machine() -> None:
    assert [ground.uuid for ground in grounds(PAIR, "all")] == [gpu.uuid for gpu in PAIR.gpus]
    assert {ground.device for ground in grounds(PAIR, "all")} == {"cuda:0"}


def test_all_is_every_instance_of_a_gpu_that_is_cut_beside_those_that_are_not() -> None:
    cut, *whole = MIG.gpus
    uuids = [*(part.uuid for part in cut.slices or ()), *(gpu.uuid for gpu in whole)]
    assert len(uuids) == 7
    assert [ground.uuid for ground in grounds(MIG, "all")] == uuids
    assert [ground.gpu.target for ground in grounds(MIG, "all") if ground.gpu] == uuids


def test_the_index_of_a_gpu_that_is_cut_is_its_largest_instance() -> None:
    cut = MIG.gpus[0]
    first, second, *others = cut.slices or ()
    second = replace(second, memory_total=2 * (first.memory_total or 0))
    machine = replace(MIG, gpus=(replace(cut, slices=(first, second, *others)), *MIG.gpus[1:]))
    assert [ground.uuid for ground in grounds(machine, "0")] == [second.uuid]


def test_one_gpu_is_named_by_index_or_uuid() -> None:
    second = PAIR.gpus[1]
    assert grounds(PAIR, "1") == grounds(PAIR, str(second.uuid)) == (ground_of(PAIR, second.uuid),)
    assert grounds(PAIR, "1")[0].label == "GPU 1 (NVIDIA GeForce RTX 5090)"


def test_none_is_the_cpu_whatever_the_driver_says() -> None:
    broken = read_machine(MACHINES / "driver-updated-not-rebooted.json")
    assert grounds(broken, "none") == grounds(PAIR, "none") == (CPU,)
    assert (CPU.device, CPU.used) == ("cpu", None)


@pytest.mark.parametrize(
    ("machine", "wish", "code"),
    [
        ("driver-updated-not-rebooted", "all", "driver_fault"),
        ("cpu-only", "0", "driver_fault"),
        ("rtx4090-rtx5090-570", "2", "unknown_gpu"),
        ("rtx4090-rtx5090-570", "GPU-gone", "unknown_gpu"),
    ],
)
def test_a_gpu_that_cannot_be_had_is_a_problem_and_never_the_cpu(machine: str, wish: str, code: str) -> None:
    with pytest.raises(ProblemError) as caught:
        grounds(read_machine(MACHINES / f"{machine}.json"), wish)
    assert caught.value.problem.code == code
