"""A proof that was recorded on a real GPU still means what a proof means today."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rigfit.core.proof import check_ids
from rigfit.core.receipt import Verification
from rigfit.verify.payloads.ways import WAYS

RECORDED = sorted((Path(__file__).parents[1] / "data/proofs").glob("*.json"))


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_a_recorded_proof_has_every_check_of_today_within_the_bands_of_today(file: Path) -> None:
    recorded = json.loads(file.read_text())
    done = Verification.from_json(recorded["result"])
    assert (recorded["ok"], done.level, done.device, done.proves) == (True, "full", "cuda:0", True)
    assert tuple(check.id for check in done.checks) == check_ids("full", done.quantization, done.device)
    assert sum(check.seconds for check in done.checks) < 90
    measured = {check.id: check.measured for check in done.checks}
    way = WAYS[done.quantization]
    for errors in measured["numeric_error"].values():
        assert way.logits[0] <= errors["logits"] <= way.logits[1]
        assert way.worst_layer[0] <= errors["worst_layer"] <= way.worst_layer[1]
    (nf4,) = measured["nf4_load"].values()
    assert WAYS["nf4"].logits[0] <= nf4["logits"] <= WAYS["nf4"].logits[1]


def test_there_is_one_of_a_hopper() -> None:
    assert "h100-580" in {file.stem for file in RECORDED}


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_a_recorded_proof_tells_nothing_of_whose_machine_it_was(file: Path) -> None:
    result = json.loads(file.read_text())["result"]
    assert set(result["gpu_used"]["uuid"]) <= set("GPU-0")
    assert "/" not in result["environment"]
