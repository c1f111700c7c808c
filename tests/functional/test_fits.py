"""The real command `rigfit fits`, on recorded machines and on memory that is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.stand_ins.command import rigfit

MACHINES = Path(__file__).resolve().parents[1] / "machines"
H100, CPU = MACHINES / "h100-580.json", MACHINES / "cpu-only.json"
CONFIGS: dict[str, dict[str, Any]] = {
    "Llama-2-7b": {
        "model_type": "llama",
        "num_hidden_layers": 32,
        "hidden_size": 4096,
        "num_attention_heads": 32,
        "intermediate_size": 11008,
        "vocab_size": 32000,
        "tie_word_embeddings": False,
    },
    "bloom-560m": {"model_type": "bloom", "n_layer": 24, "n_head": 16, "hidden_size": 1024, "vocab_size": 250880},
    "opt-1.3b": {
        "model_type": "opt",
        "num_hidden_layers": 24,
        "hidden_size": 2048,
        "word_embed_proj_dim": 2048,
        "num_attention_heads": 32,
        "ffn_dim": 8192,
        "vocab_size": 50272,
        "max_position_embeddings": 2048,
    },
    "gemma-7b": {
        "model_type": "gemma",
        "num_hidden_layers": 28,
        "hidden_size": 3072,
        "num_attention_heads": 16,
        "num_key_value_heads": 16,
        "head_dim": 256,
        "intermediate_size": 24576,
        "vocab_size": 256000,
    },
}


def written(folder: Path, values: object) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def test_a_7b_model_fits_an_h100_and_every_part_is_told() -> None:
    ran = rigfit("fits", "llama-2-7b", "--machine", H100)
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    for words in ("weights in 8 bits", "in 32 bits", "LoRA adapters", "AdamW", "activations", "CUDA", "gaps", "logits"):
        assert any(words in line for line in lines), words
    assert any(line.startswith("fits") and "79.2 GiB" in line for line in lines)
    assert any(line.startswith("batch") for line in lines)
    assert any(line.startswith("sequence") for line in lines)


def test_json_has_the_same_answer_in_bytes() -> None:
    result = rigfit("fits", "llama-2-7b", "--machine", H100, "--batch", "4", "--json").result
    assert result["verdict"] == "fits"
    assert result["model"]["name"] == "Llama-2-7b"
    assert (result["gpu"]["total"], result["gpu"]["reserved"]) == (85_520_809_984, 480 << 20)
    assert result["training"]["batch"] == 4
    assert result["training"]["targets"] == ["q_proj", "v_proj"]
    assert result["needed"] == sum(part["bytes"] for part in result["parts"] if part["at_peak"])
    assert result["largest_batch"] >= 4


def test_what_does_not_fit_ends_with_3_and_says_what_would_help() -> None:
    ran = rigfit("fits", "llama-2-13b", "--memory", "12GiB")
    assert ran.code == 3
    assert "does not fit" in ran.out
    assert "--quantization nf4" in ran.out
    assert "found 11.5 GiB" in ran.err
    assert "12.0 GiB, 512.0 MiB for the driver" in ran.out
    answer = rigfit("fits", "llama-2-13b", "--memory", "12GiB", "--json")
    assert answer.code == 3
    assert answer.result["verdict"] == "does_not_fit"
    assert [each["code"] for each in answer.result["helps"]] == ["nf4", "larger_gpu"]


def test_without_a_gpu_the_estimate_stands_alone_and_is_no_yes() -> None:
    ran = rigfit("fits", "llama-2-7b", "--machine", CPU)
    assert ran.code == 3
    assert "needed at the peak" in ran.out
    assert "nothing was compared" in ran.err
    assert "--memory 24GiB" in ran.err
    assert rigfit("fits", "llama-2-7b", "--machine", CPU, "--json").result["verdict"] == "unknown"


def test_without_a_model_every_model_is_judged() -> None:
    result = rigfit("fits", "--memory", "16GiB", "--json").result
    verdicts = {each["name"]: each["verdict"] for each in result["models"]}
    assert len(verdicts) >= 25
    assert (verdicts["TinyLlama-1.1B"], verdicts["gpt-neox-20b"]) == ("fits", "does_not_fit")
    table = rigfit("fits", "--memory", "16GiB")
    assert table.code == 0
    assert sum(line.startswith("gpt-neox-20b") and "does not fit" in line for line in table.out.splitlines()) == 1


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_json_is_judged_as_the_model_that_it_is_of(tmp_path: Path, name: str) -> None:
    by_file = rigfit("fits", written(tmp_path, CONFIGS[name]), "--memory", "80GiB", "--json").result
    by_name = rigfit("fits", name, "--memory", "80GiB", "--json").result
    assert by_file["model"]["shape"] == by_name["model"]["shape"]
    assert by_file["needed"] == by_name["needed"]


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"model_type": "t5"}, "key `model_type`: needs a family that is known: llama"),
        ({}, "key `model_type`"),
        ([], "needs a config.json of a model; found the list"),
        ({**CONFIGS["Llama-2-7b"], "hidden_size": "4096"}, "key `hidden_size`: needs a whole number"),
        ({**CONFIGS["opt-1.3b"], "word_embed_proj_dim": 512}, "key `word_embed_proj_dim`"),
    ],
)
def test_a_config_json_that_cannot_be_judged_names_the_key(tmp_path: Path, values: object, complaint: str) -> None:
    ran = rigfit("fits", written(tmp_path, values), "--memory", "80GiB", "--json")
    assert ran.code == 2
    assert ran.problem["code"] == "model_invalid"
    assert complaint in ran.problem["what"]
    assert ran.problem["fix"]


def test_a_file_that_is_not_there_is_not_looked_for_in_the_catalog(tmp_path: Path) -> None:
    ran = rigfit("fits", tmp_path / "config.json", "--memory", "80GiB", "--json")
    assert (ran.code, ran.problem["code"]) == (2, "model_invalid")
    assert "No such file" in ran.problem["what"]


def test_a_shape_is_judged_and_what_was_derived_is_said() -> None:
    shape = ("--params", "7B", "--layers", "32", "--hidden", "4096", "--heads", "32", "--vocab", "32000")
    ran = rigfit("fits", *shape, "--memory", "24GiB")
    assert ran.code == 0, ran.err
    assert "--intermediate 11673: derived from --params" in ran.out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--params", "7B"], "--layers, --hidden, --heads, --intermediate, --vocab missing"),
        (["llama-2-7b", "--layers", "3"], "give MODEL or a shape, not both"),
        (["llama-2-7b", "--targets", "q_prj"], "has no linear layer `q_prj`"),
        (["nix"], "there is no model `nix`"),
        (["llama-2-7b", "--targets", "all,q_prj"], "has no linear layer `q_prj`"),
        (["--params", "9" * 400], "invalid count value"),
        (["--params", "1,1B"], "invalid count value"),
        (["--layers", "1.5"], "invalid count value"),
    ],
)
def test_slips_end_with_2_and_say_what_is_wrong(words: list[str], complaint: str) -> None:
    ran = rigfit("fits", *words, "--memory", "24GiB")
    assert ran.code == 2
    assert complaint in ran.err


@pytest.mark.parametrize("size", ["23,5GiB", "9" * 400, "9" * 5000])
def test_a_size_that_is_none_is_refused(size: str) -> None:
    ran = rigfit("fits", "llama-2-7b", "--memory", size)
    assert ran.code == 2
    assert "invalid size value" in ran.err


@pytest.mark.parametrize("names", ["all,q_proj", "q_proj, all"])
def test_all_layers_are_all_whatever_else_is_named(names: str) -> None:
    result = rigfit("fits", "llama-2-7b", "--memory", "24GiB", "--json", "--targets", names).result
    assert len(result["training"]["targets"]) == 7


def test_a_layer_that_is_named_twice_counts_once() -> None:
    once, twice = (
        rigfit("fits", "llama-2-7b", "--memory", "24GiB", "--json", "--targets", names).result["needed"]
        for names in ("q_proj", "q_proj,q_proj")
    )
    assert once == twice


def test_options_of_the_training_change_the_answer() -> None:
    def needed(*words: str) -> int:
        found: int = rigfit("fits", "llama-2-7b", "--memory", "80GiB", "--json", *words).result["needed"]
        return found

    least = needed()
    assert needed("--batch", "8") > least
    assert needed("--sequence", "4096") > least
    assert needed("--rank", "64", "--targets", "all") > least
    assert needed("--no-checkpointing") > least
    assert needed("--quantization", "nf4") < least


def test_the_named_gpu_is_compared_with() -> None:
    machine = MACHINES / "rtx3090-gtx1060-560.json"
    large = rigfit("fits", "llama-2-7b", "--machine", machine, "--json")
    small = rigfit("fits", "llama-2-7b", "--machine", machine, "--gpu", "1", "--json")
    assert (large.code, large.result["gpu"]["index"]) == (0, 0)
    assert (small.code, small.result["gpu"]["index"]) == (3, 1)
    assert rigfit("fits", "llama-2-7b", "--machine", machine, "--gpu", "7").code == 2
