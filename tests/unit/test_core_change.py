"""What counts as changed since a proof, what does not, and what cannot be told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.stand_ins.receipts import make_making, make_receipt

from rigfit.core.change import since
from rigfit.core.environment import Environment
from rigfit.core.glance import Glance
from rigfit.core.receipt import Other, Receipt
from rigfit.core.version import Version
from rigfit.probe.recorded import read_machine

MACHINES = Path(__file__).resolve().parents[1] / "machines"
HERE = Glance(driver=Version("580.159.04"), gpus=("GPU-aaaaaaaa-1", "GPU-bbbbbbbb-2"), glibc=Version("2.39"))
GPU: dict[str, Any] = {"index": 0, "uuid": "GPU-aaaaaaaa-1", "name": "NVIDIA L4", "slices": [{"uuid": "MIG-1"}]}
MACHINE: dict[str, Any] = {
    "platform": {"glibc": "2.39", "kernel": "6.8.0"},
    "driver": {"version": "580.159.04", "cuda": "13.0"},
    "gpus": [GPU],
}
OTHER_DRIVER: dict[str, Any] = {"driver": {"version": "550.54.14", "cuda": "12.4"}}


def receipt(*, gpu: str | None = "GPU-aaaaaaaa-1", cpu: bool = False, **machine: Any) -> Receipt:
    name = "current-cpu-00000000" if cpu else "current-cu128-00000000"
    return replace(make_receipt(make_making(name, gpu=gpu)), machine={**MACHINE, **machine})


def told(given: Receipt, now: Glance = HERE) -> list[str] | None:
    changes = since(given, now)
    return None if changes is None else [change.words for change in changes]


def test_on_the_machine_of_the_proof_nothing_has_changed() -> None:
    assert told(receipt()) == []


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (OTHER_DRIVER, ["on driver 550.54.14; now 580.159.04"]),
        ({"platform": {"glibc": "2.35"}}, ["on glibc 2.35; now 2.39"]),
        ({"platform": {"glibc": "2.39", "kernel": "5.15.0"}}, []),
        (
            {**OTHER_DRIVER, "platform": {"glibc": "2.35"}},
            ["on driver 550.54.14; now 580.159.04", "on glibc 2.35; now 2.39"],
        ),
    ],
)
def test_another_driver_and_another_glibc_are_changes_and_another_kernel_is_none(
    machine: dict[str, Any], words: list[str]
) -> None:
    assert told(receipt(**machine)) == words


def test_a_change_tells_programs_what_was_and_what_is() -> None:
    (change,) = since(receipt(**OTHER_DRIVER), HERE) or ()
    assert change.to_json() == {"what": "driver", "then": "550.54.14", "now": "580.159.04"}


@pytest.mark.parametrize("now", [replace(HERE, driver=None), replace(HERE, gpus=None), replace(HERE, glibc=None)])
def test_what_cannot_be_read_now_is_neither_changed_nor_the_same(now: Glance) -> None:
    assert told(receipt(), now) is None


@pytest.mark.parametrize(
    "machine",
    [
        {"driver": {"fault": "unknown", "what": "it said nothing"}},
        {"driver": "580.159.04"},
        {"driver": {"version": 580}},
        {"platform": {"glibc": None}},
        {"platform": None},
    ],
)
def test_what_the_receipt_does_not_say_is_neither_changed_nor_the_same(machine: dict[str, Any]) -> None:
    assert told(receipt(**machine)) is None
    assert told(replace(receipt(), machine={})) is None


def test_a_change_that_is_seen_is_told_whatever_else_is_unknown() -> None:
    assert told(receipt(**OTHER_DRIVER), replace(HERE, gpus=None, glibc=None)) == [
        "on driver 550.54.14; now 580.159.04"
    ]


def test_a_proof_on_the_cpu_does_not_care_for_driver_and_gpu() -> None:
    assert told(receipt(cpu=True, gpu=None, **OTHER_DRIVER)) == []
    assert told(receipt(cpu=True, gpu=None), replace(HERE, driver=None, gpus=None)) == []
    assert told(receipt(cpu=True, gpu=None, platform={"glibc": "2.35"})) == ["on glibc 2.35; now 2.39"]


@pytest.mark.parametrize(
    ("gpu", "now", "words"),
    [
        ("GPU-aaaaaaaa-1", ("GPU-bbbbbbbb-2", "GPU-aaaaaaaa-1"), []),
        ("GPU-aaaaaaaa-1", ("GPU-bbbbbbbb-2",), ["on NVIDIA L4 (GPU-aaaaaaaa), which is not in this machine now"]),
        ("GPU-aaaaaaaa-1", (), ["on NVIDIA L4 (GPU-aaaaaaaa), which is not in this machine now"]),
        ("GPU-cccccccc-3", ("GPU-bbbbbbbb-2",), ["on GPU-cccccccc-3, which is not in this machine now"]),
        (None, ("GPU-aaaaaaaa-1",), None),
        ("MIG-1", ("GPU-aaaaaaaa-1",), None),  # it may have been cut otherwise
        ("MIG-1", ("GPU-aaaaaaaa-1", "MIG-1"), []),
        ("MIG-1", ("GPU-bbbbbbbb-2",), ["on NVIDIA L4 (MIG-1), which is not in this machine now"]),
        ("MIG-9", ("GPU-bbbbbbbb-2",), None),  # of a GPU that the receipt does not know
    ],
)
def test_the_gpu_of_the_proof_is_there_gone_or_not_to_be_told(
    gpu: str | None, now: tuple[str, ...], words: list[str] | None
) -> None:
    assert told(receipt(gpu=gpu), replace(HERE, gpus=now)) == words


def test_of_several_gpus_that_passed_one_that_is_still_there_is_enough() -> None:
    first = receipt()
    second = replace(first.verification, gpu_used={"index": 1, "name": "NVIDIA L4", "uuid": "GPU-bbbbbbbb-2"})
    given = replace(
        first,
        verification=replace(first.verification, gpu_used={"index": 0, "name": "NVIDIA L4", "uuid": "GPU-aaaaaaaa-1"}),
        others=(Other(proven=first.proven, verification=second),),
    )
    assert told(given, replace(HERE, gpus=("GPU-bbbbbbbb-2",))) == []
    gone = told(given, replace(HERE, gpus=("GPU-cccccccc-3",)))
    assert gone == ["on NVIDIA L4 (GPU-aaaaaaaa), which is not in this machine now"]


def test_a_recorded_machine_is_glanced_at_like_this_one() -> None:
    slices = read_machine(MACHINES / "a100-mig-slices-535.json").glance
    assert slices.driver is not None
    assert slices.gpus is not None
    assert {uuid[:4] for uuid in slices.gpus} == {"GPU-", "MIG-"}
    assert read_machine(MACHINES / "no-permission.json").glance.driver is None
    assert read_machine(MACHINES / "lost-gpu.json").glance.gpus is None


def test_only_a_gpu_that_is_gone_needs_more_than_a_verification() -> None:
    for given, command in (
        (receipt(**OTHER_DRIVER), "rigfit verify current-cu128-00000000"),
        (receipt(gpu="GPU-cccccccc-3"), "rigfit setup current"),
    ):
        changes = since(given, HERE)
        kept = Environment(
            name=given.making.environment, prefix="", standing="proven", record=given, since_proof=changes
        )
        assert kept.renewal == command
