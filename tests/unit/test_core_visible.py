"""CUDA_VISIBLE_DEVICES hides a GPU where CUDA would leave it out, and nothing is hidden on a guess."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rigfit.core.machine import Gpu, Slice
from rigfit.core.visible import hidden_by


def card(index: int, uuid: str | None, name: str | None = "NVIDIA A100-SXM4-80GB") -> Gpu:
    return Gpu(index=index, name=name, uuid=uuid)


A = card(0, "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6")
B = card(1, "GPU-8932ffff-0000-4106-c12f-20bd9faed9f6")
C = card(2, "GPU-77777777-0000-4106-c12f-20bd9faed9f6")
ALIKE = (A, B, C)
MIXED = (A, replace(B, name="NVIDIA GeForce RTX 3060"), C)
LOST = (A, card(1, None, None), C)
PARTS = tuple(f"MIG-{number}0000000-1111-2222-3333-444444444444" for number in (5, 6))
CUT = (replace(A, mig=True, slices=tuple(Slice(uuid=uuid) for uuid in PARTS)), B)
CUT_UNREAD = (replace(A, mig=True, slices=None), B)


def hidden(gpus: tuple[Gpu, ...], value: str | None, order: str | None = None) -> list[int]:
    return [gpu.index for gpu in gpus if hidden_by(gpu, gpus, value, order)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, []),
        ("", [0, 1, 2]),
        ("-1", [0, 1, 2]),
        ("NoDevFiles", [0, 1, 2]),
        ("none", [0, 1, 2]),
        ("0", [1, 2]),
        ("2,1", [0]),
        ("0,1,2", []),
        ("0,2,-1,1", [1]),
        ("0,7,1", [1, 2]),
        ("7", [0, 1, 2]),
        ("0,,1", [1, 2]),
        (" 1, 2", [0]),
        ("+1", [0, 2]),
        ("1gpu,2gpu", [0]),
        ("0,0", [0, 1, 2]),
        ("1,NoDevFiles,2", [0, 2]),
        (A.uuid, [1, 2]),
        ("GPU-7", [0, 1]),
        ("GPU-8932f9", [1, 2]),
        ("GPU-8932f", [0, 1, 2]),
        (f"{C.uuid},GPU-8932f,{A.uuid}", [0, 1]),
        (f"GPU-7,GPU-12345678,{A.uuid}", [0, 1]),
        (f"{A.uuid},{B.uuid}", [2]),
        (f"{A.uuid},GPU-8932f9", [0, 1, 2]),
        ("GPU-", [0, 1, 2]),
        ("GPU-8932F9", [1, 2]),
        (f"{A.uuid} ,{B.uuid}\t", [2]),
        (f"{A.uuid}, {B.uuid}", [1, 2]),
        (f"0,{B.uuid}", [1, 2]),
        (f"{B.uuid},0", [0, 2]),
        ("0:0", [1, 2]),
        ("MIG-GPU-8932f937-d72c-4106-c12f-20bd9faed9f6/1/2", [0, 1, 2]),
    ],
)
def test_gpus_of_one_model_are_hidden_as_cuda_hides_them(value: str | None, expected: list[int]) -> None:
    assert hidden(ALIKE, value) == expected


@pytest.mark.parametrize(
    ("value", "order", "expected"),
    [
        ("0", None, []),
        ("0", "FASTEST_FIRST", []),
        ("0", "PCI_BUS_ID", [1, 2]),
        ("1,0", "PCI_BUS_ID", [2]),
        ("", None, [0, 1, 2]),
        ("-1,0", None, [0, 1, 2]),
        ("3", None, [0, 1, 2]),
        (B.uuid, None, [0, 2]),
        (f"{B.uuid},0", None, [0, 2]),
    ],
)
def test_numbers_of_gpus_of_several_models_say_something_in_the_order_of_slots_alone(
    value: str, order: str | None, expected: list[int]
) -> None:
    assert hidden(MIXED, value, order) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0", []), ("", [0, 1, 2]), (A.uuid, [1, 2]), ("GPU-7", []), ("GPU-12345678", [])],
)
def test_beside_a_gpu_that_cannot_be_read_only_a_whole_uuid_says_something(value: str, expected: list[int]) -> None:
    assert hidden(LOST, value, "PCI_BUS_ID") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (PARTS[0], [1]),
        (PARTS[1], [0, 1]),
        (f"{PARTS[0]},{PARTS[1]}", [1]),
        (f"{PARTS[0]},{PARTS[0]}", [0, 1]),
        ("MIG-99999999", [0, 1]),
        (A.uuid, [1]),
        (B.uuid, [0]),
        ("0", []),
        ("", [0, 1]),
    ],
)
def test_a_gpu_cut_into_instances_is_seen_by_the_one_that_would_be_used(value: str, expected: list[int]) -> None:
    assert hidden(CUT, value, "PCI_BUS_ID") == expected


def test_an_instance_that_is_given_is_seen_where_it_is_the_one_that_is_asked_for() -> None:
    asked = replace(CUT[0], slices=(Slice(uuid=PARTS[1]),))
    assert not hidden_by(asked, CUT, PARTS[1], None)
    assert hidden_by(asked, CUT, PARTS[0], None)


def test_an_instance_of_a_gpu_that_does_not_tell_its_instances_may_be_any() -> None:
    assert hidden(CUT_UNREAD, PARTS[0]) == []
    assert hidden(CUT_UNREAD, B.uuid) == [0]
