"""`rigfit verify` on machines with several GPUs, or with one that cannot be had: which is tried, what is kept, what is said.

NVIDIA's library is the one compiled from C, and the environment's Python says what the payload would say of the GPU that
CUDA_VISIBLE_DEVICES names. tests/gpu has real ones.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

import pytest
from tests.stand_ins.nvml import StandIn, as_said
from tests.stand_ins.prepared import MACHINES, Rig, having

GIB = 1 << 30
PAIR = "rtx4090-rtx5090-570"


def uuids(machine: str) -> list[str]:
    return [str(gpu["uuid"]) for gpu in json.loads((MACHINES / f"{machine}.json").read_text())["gpus"]]


def proven(rig: Rig, pair: Mapping[str, str]) -> str:
    """Made for one machine, proven on the first GPU of the pair."""
    name = rig.prepare()
    rig.oblige()
    assert rig.verify("--gpu", "0", on=pair).code == 0
    return name


def receipt(rig: Rig) -> dict[str, Any]:
    return dict(rig.listed()["receipt"])


def test_every_gpu_is_tried_and_the_receipt_has_them_all(rig: Rig, standin: StandIn) -> None:
    pair = having(standin, PAIR)
    name = proven(rig, pair)
    answer = rig.verify("--gpu", "all", "--json", on=pair).result
    assert (answer["environment"], answer["passed"], answer["level"]) == (name, True, "full")
    assert [each["gpu_used"]["uuid"] for each in answer["gpus"]] == uuids(PAIR)
    assert {each["device"] for each in answer["gpus"]} == {"cuda:0"}
    kept = receipt(rig)
    assert kept["gpu"] == uuids(PAIR)[0]
    assert [other["gpu_used"]["uuid"] for other in kept["others"]] == uuids(PAIR)[1:]
    assert "GPU 0, 1" in rig.ask("list").out


def test_one_gpu_that_fails_costs_its_own_proof_and_no_other(rig: Rig, standin: StandIn) -> None:
    pair, (first, second) = having(standin, PAIR), uuids(PAIR)
    proven(rig, pair)
    rig.oblige(failing=f"numeric_error on {second}")
    ran = rig.verify("--gpu", "all", "--json", on=pair)
    assert (ran.code, ran.problem["code"]) == (6, "verification_failed")
    assert "1 of 2 GPUs" in ran.problem["what"]
    assert "numeric_error" in ran.problem["detail"]
    assert [each["passed"] for each in ran.answer["result"]["gpus"]] == [True, False]
    assert (rig.listed()["standing"], receipt(rig)["gpu"], receipt(rig)["others"]) == ("proven", first, [])
    rig.oblige(failing=f"numeric_error on {first}")
    assert rig.verify("--gpu", "all", on=pair).code == 6
    assert (rig.listed()["standing"], receipt(rig)["gpu"]) == ("proven", second)


def test_where_none_is_left_the_receipt_is_withdrawn(rig: Rig, standin: StandIn) -> None:
    pair = having(standin, PAIR)
    proven(rig, pair)
    rig.oblige(failing="numeric_error")
    assert rig.verify("--gpu", "all", on=pair).code == 6
    assert rig.listed()["standing"] == "failed"


def test_people_are_told_which_gpu_it_was(rig: Rig, standin: StandIn) -> None:
    pair = having(standin, PAIR)
    name = proven(rig, pair)
    ran = rig.verify("--gpu", "1", on=pair)
    assert ran.code == 0, ran.err
    assert f"proven: {name} on GPU 1 (NVIDIA GeForce RTX 5090), level full" in ran.out


def test_checks_that_were_seen_to_pass_are_told_again_only_where_that_adds_something(
    rig: Rig, standin: StandIn
) -> None:
    pair = having(standin, PAIR)
    name = proven(rig, pair)
    ran = rig.verify("--gpu", "0", on=pair)
    assert ran.err.count("numeric_error") == 1
    assert ran.out == f"proven: {name} on GPU 0 (NVIDIA GeForce RTX 4090), level full\n"
    heading = ["check", "result", "measured", "expected", "time"]
    for words in (("--gpu", "0", "-v"), ("--gpu", "0", "--level", "imports")):
        told = rig.verify(*words, on=pair).out
        assert told.splitlines()[0].split() == heading
        assert "numeric_error" in told


def test_a_gpu_that_is_not_there_is_refused_with_those_that_are(rig: Rig, standin: StandIn) -> None:
    pair = having(standin, PAIR)
    proven(rig, pair)
    ran = rig.verify("--gpu", "7", "--json", on=pair)
    assert (ran.code, ran.problem["code"]) == (2, "unknown_gpu")
    assert "RTX 5090" in " ".join(ran.problem["fix"])
    assert rig.listed()["standing"] == "proven"


def test_a_build_for_a_gpu_is_not_proven_on_the_cpu(rig: Rig, standin: StandIn) -> None:
    pair = having(standin, PAIR)
    name = proven(rig, pair)
    ran = rig.verify("--gpu", "none", "--json", on=pair)
    assert (ran.code, ran.problem["code"]) == (2, "unknown_gpu")
    assert f"{name} is built for a GPU" in ran.problem["what"]
    assert rig.verify("--gpu", "none", "--level", "imports", "--json", on=pair).result["device"] == "cpu"


def test_a_gpu_that_is_hidden_is_not_tried_and_costs_no_receipt(rig: Rig, standin: StandIn) -> None:
    pair = having(standin, PAIR)
    proven(rig, pair)
    ran = rig.verify("--json", on={**pair, "CUDA_VISIBLE_DEVICES": ""})
    assert (ran.code, ran.problem["code"]) == (6, "gpu_hidden")
    assert rig.listed()["standing"] == "proven"
    both = rig.verify("--gpu", "all", "--json", on={**pair, "CUDA_VISIBLE_DEVICES": uuids(PAIR)[1]})
    assert both.code == 6
    assert [each["passed"] for each in both.answer["result"]["gpus"]] == [False, True]
    assert both.answer["result"]["gpus"][0]["problem"]["code"] == "gpu_hidden"


def test_a_batch_system_that_gives_one_mig_instance_is_told_the_line_that_proves_it_there(
    rig: Rig, standin: StandIn
) -> None:
    cut = json.loads((MACHINES / "a100-mig-slices-535.json").read_text())
    smaller = cut["gpus"][0]["slices"][-1]
    smaller["memory_total"] //= 2
    on = {**standin.environ(*as_said(cut)), "CUDA_VISIBLE_DEVICES": smaller["uuid"]}
    name = rig.prepare()
    rig.oblige()
    refused = rig.verify(name, "--level", "stress", "--minutes", "0.01", "--json", on=on)
    assert (refused.code, refused.problem["code"]) == (6, "gpu_hidden")
    line = refused.problem["fix"][0].split("`")[1]
    assert line.endswith(f"--gpu {smaller['uuid']}")
    program, verb, *words = shlex.split(line)
    assert (program, verb, words[:3]) == ("rigfit", "verify", [name, "--level", "stress"])
    assert rig.verify(*words, "--json", on=on).result["gpu_used"]["uuid"] == smaller["uuid"]


def test_of_a_gpu_that_is_hidden_from_a_setup_the_line_for_the_other_one_is_told(rig: Rig, standin: StandIn) -> None:
    pair, second = having(standin, PAIR), uuids(PAIR)[1]
    first_alone = {**pair, "CUDA_VISIBLE_DEVICES": uuids(PAIR)[0]}
    refused = rig.setup("--gpu", second, "--json", on=first_alone)
    assert refused.problem["code"] == "gpu_hidden"
    asked = f"rigfit setup sample --variant cu128 --gpu {uuids(PAIR)[0]}"
    assert refused.problem["fix"][0] == f"GPU 0 (NVIDIA GeForce RTX 4090) is given to you: `{asked}`"


def test_where_there_is_no_gpu_the_step_is_one_that_works_without(rig: Rig) -> None:
    rig.prepare()
    ran = rig.verify("--gpu", "0", "--json")
    assert (ran.code, ran.problem["code"]) == (3, "driver_fault"), "there is a GPU here"
    assert "`rigfit setup` makes what fits without one" in ran.problem["fix"][0]
    assert "`rigfit doctor`" in ran.problem["fix"][-1]


@pytest.mark.parametrize(
    ("line", "words"),
    [("gpu0.compute_mode=2", "prohibited"), (f"gpu0.memory_free={GIB // 4}", "256.0 MiB")],
)
def test_what_keeps_a_proof_from_running_is_told_and_costs_no_receipt(
    rig: Rig, standin: StandIn, line: str, words: str
) -> None:
    said = [*as_said(json.loads((MACHINES / "t4-535.json").read_text()))]
    rig.prepare()
    rig.oblige()
    assert rig.verify(on=standin.environ(*said)).code == 0
    key = line.partition("=")[0]
    worse = [each for each in said if not each.startswith(f"{key}=")] + [line]
    ran = rig.verify("--json", on=standin.environ(*worse))
    assert (ran.code, ran.problem["code"]) == (6, "gpu_unavailable")
    assert words in ran.problem["what"] + ran.problem["detail"]
    assert rig.listed()["standing"] == "proven"


def test_modules_that_do_not_import_on_the_cpu_do_not_make_it_a_build_for_the_cpu(rig: Rig, standin: StandIn) -> None:
    pair = having(standin, PAIR)
    proven(rig, pair)
    rig.oblige(failing="imports")
    assert rig.verify("--level", "imports", "--gpu", "none", on=pair).code == 6
    rig.oblige()
    answer = rig.verify("--json", on=pair).result
    assert (answer["device"], answer["gpu_used"]["uuid"]) == ("cuda:0", uuids(PAIR)[0])


def test_a_burn_in_that_fails_speaks_of_its_gpu_alone(rig: Rig, standin: StandIn) -> None:
    pair, (first, second) = having(standin, PAIR), uuids(PAIR)
    proven(rig, pair)
    assert rig.verify("--gpu", "all", on=pair).code == 0
    rig.oblige(failing=f"stress_numbers on {second}")
    burn_in = ("--level", "stress", "--minutes", "0.01", "--json")
    ran = rig.verify("--gpu", "1", *burn_in, on=pair)
    assert ran.code == 6
    assert [check["id"] for check in ran.answer["result"]["checks"]][-2:] == ["stress_numbers", "gpu_health"]
    assert (rig.listed()["standing"], receipt(rig)["gpu"], receipt(rig)["others"]) == ("proven", first, [])
    assert rig.verify("--gpu", "0", *burn_in, on=pair).code == 0
    assert receipt(rig)["level"] == "full"


def test_gpus_without_a_uuid_are_tried_one_by_one(rig: Rig, standin: StandIn) -> None:
    pair = json.loads((MACHINES / f"{PAIR}.json").read_text())
    said = [*as_said(pair), "nvmlDeviceGetUUID=3"]
    on = standin.environ(*[line for line in said if ".uuid=" not in line])
    rig.prepare()
    rig.oblige(failing="numeric_error on 1")
    answer = rig.verify("--gpu", "all", "--json", on=on).answer["result"]
    assert [(each["gpu_used"]["index"], each["passed"]) for each in answer["gpus"]] == [(0, True), (1, False)]


def test_the_next_step_after_a_gpu_has_failed_tries_that_gpu(rig: Rig, standin: StandIn) -> None:
    pair = having(standin, PAIR)
    name = proven(rig, pair)
    rig.oblige(failing="numeric_error")
    ran = rig.verify("--gpu", "1", "--json", on=pair)
    assert f"{name} on GPU 1 is not proven" in ran.problem["what"]
    assert f"rigfit verify {name} --gpu 1 -v" in ran.problem["fix"]


def test_several_failures_are_each_told_with_place_and_reason(rig: Rig, standin: StandIn) -> None:
    pair, second = having(standin, PAIR), uuids(PAIR)[1]
    proven(rig, pair)
    rig.oblige(failing=f"numeric_error on {second}")
    ran = rig.verify("--gpu", "all", "--json", on={**pair, "CUDA_VISIBLE_DEVICES": second})
    assert ran.problem["code"] == "verification_failed"
    assert "GPU 0 (NVIDIA GeForce RTX 4090): CUDA_VISIBLE_DEVICES=" in ran.problem["detail"]
    assert "numeric_error: said so" in ran.problem["detail"]
    assert [each["checks"] == [] for each in ran.answer["result"]["gpus"]] == [True, False]


def test_whether_modules_import_is_told_whatever_the_gpu_is_busy_with(rig: Rig, standin: StandIn) -> None:
    pair = having(standin, PAIR)
    proven(rig, pair)
    hidden = {**pair, "CUDA_VISIBLE_DEVICES": ""}
    assert rig.verify("--level", "imports", on=hidden).code == 0


def test_a_gpu_that_cannot_be_had_is_told_before_anything_is_fetched(rig: Rig, standin: StandIn) -> None:
    ran = rig.setup("--json", on={**having(standin, "t4-535"), "CUDA_VISIBLE_DEVICES": ""})
    assert (ran.code, ran.problem["code"]) == (6, "gpu_hidden")
    assert rig.ask("list", "--json").result["environments"] == []
    assert not (rig.home / "envs").exists()


def test_minutes_are_for_the_burn_in(rig: Rig) -> None:
    ran = rig.verify("--minutes", "3", "--json")
    assert (ran.code, ran.problem["code"]) == (2, "usage")
    assert "level full" in ran.problem["what"]


def test_nothing_that_was_ever_proven_is_no_success(rig: Rig) -> None:
    rig.prepare()
    ran = rig.verify("--all", "--json")
    assert (ran.code, ran.problem["code"]) == (2, "no_environment")
