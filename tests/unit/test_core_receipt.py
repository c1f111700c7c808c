"""What a receipt keeps when one GPU after another is tried."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.stand_ins.receipts import make_making, make_receipt

from rigfit.core.event import Check
from rigfit.core.receipt import Other, Receipt, Verification, renewed


def proof(
    uuid: str, *, driver: str = "580", glibc: str = "2.36", passed: bool = True, here: tuple[str, ...] = ("A", "B")
) -> Receipt:
    made = make_receipt(make_making(gpu=uuid))
    machine: dict[str, Any] = {
        "driver": {"version": driver},
        "platform": {"glibc": glibc},
        "gpus": [{"uuid": each} for each in here],
    }
    checks = made.verification.checks if passed else (Check(id="numeric_error", status="failed"),)
    done = replace(made.verification, gpu_used={"index": 0, "name": None, "uuid": uuid}, checks=checks)
    return replace(made, machine=machine, verification=done)


def gpus(kept: Receipt | None) -> list[str | None]:
    return [each.making.gpu for each in kept.alone] if kept else []


A, B = proof("A"), proof("B")
BOTH = replace(A, others=(Other(proven="2026-02-02T00:00:00+00:00", verification=B.verification),))


@pytest.mark.parametrize(
    ("before", "tried", "left"),
    [
        (None, A, ["A"]),
        (None, proof("A", passed=False), []),
        (A, B, ["A", "B"]),
        (BOTH, A, ["A", "B"]),
        (BOTH, proof("A", passed=False), ["B"]),
        (BOTH, proof("B", passed=False), ["A"]),
        (A, proof("A", passed=False), []),
        (BOTH, proof("A", driver="590"), ["A"]),
        (BOTH, proof("B", driver="590"), ["B"]),
        (BOTH, proof("B", here=("B", "C")), ["B"]),
        (BOTH, proof("B", driver="590", passed=False), ["A"]),
        (BOTH, proof("B", glibc="2.99"), ["B"]),
    ],
)
def test_what_is_left_after_a_gpu_was_tried(before: Receipt | None, tried: Receipt, left: list[str]) -> None:
    assert gpus(renewed(before, tried)) == left


def test_each_gpu_keeps_the_time_of_its_own_proof() -> None:
    kept = renewed(BOTH, replace(A, proven="2026-03-03T00:00:00+00:00"))
    assert kept is not None
    assert {each.making.gpu: each.proven[:7] for each in kept.alone} == {"A": "2026-03", "B": "2026-02"}


def test_gpus_without_a_uuid_are_told_apart_by_their_index() -> None:
    first, second = (
        replace(
            proof("A"),
            making=make_making(gpu=None),
            verification=replace(A.verification, gpu_used={"index": index, "name": None, "uuid": None}),
            machine={"driver": {"version": "580"}, "platform": {"glibc": "2.36"}, "gpus": [{"uuid": None}]},
        )
        for index in (0, 1)
    )
    kept = renewed(first, second)
    assert kept is not None
    assert [each.gpu_key for each in kept.alone] == [0, 1]


def test_a_receipt_of_several_gpus_is_read_as_it_was_written() -> None:
    assert Receipt.from_json(BOTH.to_json()) == BOTH


def test_a_receipt_that_names_no_gpu_in_its_proof_is_that_of_its_making() -> None:
    old = {**A.to_json()}
    for key in ("gpu_used", "notes", "peak_memory", "others"):
        del old[key]
    assert gpus(Receipt.from_json(old)) == ["A"]


@pytest.mark.parametrize(
    ("level", "skipped", "passed"),
    [
        ("full", "nf4_load", True),
        ("full", "lora_step", False),
        ("imports", "lora_step", True),
        ("stress", "gpu_health", True),
    ],
)
def test_an_extra_may_be_skipped_and_a_proof_may_not(level: Any, skipped: str, *, passed: bool) -> None:
    checks = (Check(id="imports", status="passed"), Check(id=skipped, status="skipped"))
    done: Verification = replace(A.verification, level=level, checks=checks)
    assert done.passed is passed
