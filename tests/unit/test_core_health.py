"""What is wrong with a GPU is said beside a proof on it, and what keeps the proof from running is a problem."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rigfit.core.health import hindrance, notes_on
from rigfit.core.machine import Gpu, Slice
from rigfit.core.problem import VERIFICATION_FAILED, Problem
from rigfit.core.use import Holder, Part, Use

GIB = 1 << 30
GPU = Gpu(index=0, name="NVIDIA H100", uuid="GPU-1", memory_total=80 * GIB, memory_free=70 * GIB, mig=False)
ALICE = Holder(pid=4711, user="alice", name="python", memory=61 * GIB + GIB // 5)
BOB = Holder(pid=4712, user="bob", name="vllm", memory=10 * GIB)
NOBODY = Holder(pid=4713)
XORG = Holder(pid=4714, user="root", name="Xorg", memory=GIB // 4, graphics=True)
FIREFOX = Holder(pid=4715, user="alice", name="firefox", memory=GIB // 4, graphics=True)
MPS = Holder(pid=4716, user="alice", name="nvidia-cuda-mps-server", memory=GIB // 32)


def use(**values: Any) -> Use:
    return Use(index=0, **values)


def gpu(**values: Any) -> Gpu:
    return replace(GPU, **values)


def found(problem: Problem | None) -> Problem:
    assert problem is not None
    assert (problem.code, problem.exit_code) == ("gpu_unavailable", VERIFICATION_FAILED)
    return problem


@pytest.mark.parametrize(
    ("state", "seen", "note"),
    [
        (gpu(compute_mode="prohibited"), None, "compute mode prohibited: no program may compute on it"),
        (gpu(compute_mode="exclusive_process"), None, "compute mode exclusive_process: one program at a time"),
        (gpu(compute_mode="exclusive_thread"), None, "compute mode exclusive_thread: one program at a time"),
        (gpu(mig=True, slices=(Slice(uuid="MIG-1", name="H100 1g.10gb"),)), None, "on one instance, H100 1g.10gb"),
        (gpu(mig=True), None, "which instances there are is not known"),
        (GPU, use(ecc_uncorrected=3), "since the driver was loaded: 3; `nvidia-smi -i 0 -q -d ECC` tells more"),
        (GPU, use(celsius=88, slowdown=("thermal_hardware",)), "slowed down by heat, at 88 °C"),
        (GPU, use(slowdown=("thermal_software",)), "slowed down by heat"),
        (GPU, use(slowdown=("power_brake",)), "slowed down because the power supply asks for it"),
        (GPU, use(celsius=87, celsius_max=87), "hot enough to be slowed down, at 87 °C"),
        (GPU, use(processes=(ALICE,)), "process 4711 of alice (python) holds 61.2 GiB"),
        (GPU, use(processes=(NOBODY,)), "process 4713 of an unknown user (name unknown) holds an unknown amount of"),
        (GPU, use(processes=(XORG, FIREFOX)), "processes that draw (2) hold 512.0 MiB"),
    ],
)
def test_what_is_wrong_is_a_note_that_names_the_gpu(state: Gpu, seen: Use | None, note: str) -> None:
    (said,) = notes_on(state, seen)
    assert said.startswith("GPU 0: ")
    assert note in said


@pytest.mark.parametrize(
    "seen",
    [
        None,
        use(),
        use(busy=0, celsius=86, celsius_max=87, clock=345, clock_max=1980, slowdown=(), ecc_uncorrected=0),
        use(celsius=95),
        use(slowdown=("power_cap", "hardware")),
    ],
)
def test_of_a_gpu_with_nothing_wrong_nothing_is_said(seen: Use | None) -> None:
    assert notes_on(gpu(compute_mode="default"), seen) == ()


def test_only_who_is_on_the_instance_of_the_proof_is_named() -> None:
    cut = gpu(mig=True, slices=(Slice(uuid="MIG-1", memory_total=GIB), Slice(uuid="MIG-2", memory_total=2 * GIB)))
    parts = (Part(uuid="MIG-1", processes=(ALICE,)), Part(uuid="MIG-2", processes=(BOB,), memory_free=GIB))
    seen = use(memory_free=70 * GIB, processes=(ALICE, BOB), parts=parts)
    assert [note for note in notes_on(cut, seen) if "process" in note] == [
        "GPU 0: process 4712 of bob (vllm) holds 10.0 GiB"
    ]
    assert hindrance(cut, seen, GIB) is None
    assert "needs 1.1 GiB, found 1.0 GiB" in found(hindrance(cut, seen, GIB + GIB // 10)).what
    assert hindrance(cut, replace(seen, parts=()), 9 * GIB) is None


def test_a_gpu_that_is_shut_to_programs_is_unavailable() -> None:
    problem = found(hindrance(gpu(compute_mode="prohibited"), None, GIB))
    assert "needs compute mode default, found prohibited" in problem.what
    assert "`sudo nvidia-smi -i 0 -c DEFAULT`" in problem.fix[-1]


def test_a_gpu_for_one_process_is_unavailable_while_somebody_else_is_on_it() -> None:
    exclusive = gpu(compute_mode="exclusive_process")
    problem = found(hindrance(exclusive, use(processes=(BOB,)), GIB))
    assert "compute mode exclusive_process" in problem.what
    assert "found 1" in problem.what
    assert problem.detail == "process 4712 of bob (vllm) holds 10.0 GiB"
    assert any("bob" in step for step in problem.fix)
    for others in ((), (XORG,), (MPS,), (NOBODY,)):
        assert hindrance(exclusive, use(processes=others), GIB) is None
    assert hindrance(exclusive, None, GIB) is None
    assert hindrance(gpu(compute_mode="default"), use(processes=(BOB,)), GIB) is None


def test_too_little_free_memory_is_told_with_whoever_holds_it_the_largest_first() -> None:
    seen = use(memory_free=GIB, processes=(BOB, NOBODY, ALICE, XORG))
    problem = found(hindrance(GPU, seen, 4 * GIB))
    assert problem.what == "too little free memory on GPU 0, NVIDIA H100: needs 4.0 GiB, found 1.0 GiB"
    assert [line.split()[1] for line in problem.detail.splitlines()] == ["4711", "4712", "4714", "4713"]
    assert problem.fix == (
        "take another GPU with `--gpu`",
        "or try again when it is free",
        "or ask alice, bob when that will be",
    )
    assert not any("kill" in step for step in problem.fix)


def test_who_holds_memory_may_be_unknown() -> None:
    problem = found(hindrance(GPU, use(memory_free=GIB), 4 * GIB))
    assert problem.detail == "the driver does not say here which processes hold the rest"
    assert problem.fix[-1] == "or try again when it is free"


def test_nobody_is_told_to_wait_for_memory_that_a_gpu_does_not_have() -> None:
    problem = found(hindrance(gpu(memory_total=2 * GIB), use(memory_free=GIB), 4 * GIB))
    assert (problem.fix, problem.detail) == (("take another GPU with `--gpu`",), "")


def test_free_memory_is_that_of_now_else_that_of_detection_and_none_is_no_reason() -> None:
    assert hindrance(gpu(memory_free=GIB), use(memory_free=4 * GIB), 4 * GIB) is None
    found(hindrance(gpu(memory_free=GIB), use(), 4 * GIB))
    found(hindrance(gpu(memory_free=GIB), None, 4 * GIB))
    assert hindrance(gpu(memory_free=None), use(), 4 * GIB) is None
