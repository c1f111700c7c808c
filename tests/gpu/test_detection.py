"""What `rigfit` sees of a real GPU, beside what NVIDIA's own program says."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.gpu.conftest import query
from tests.stand_ins.command import rigfit

MIB = 1 << 20
FIELDS = "index,name,uuid,compute_cap,memory.total,pci.bus_id,compute_mode,driver_version"
MODES = {"default": "Default", "exclusive_process": "Exclusive_Process", "prohibited": "Prohibited"}


def test_detect_says_field_by_field_what_nvidia_smi_says(gpus: list[dict[str, str]]) -> None:
    seen = rigfit("detect", "--json").result
    theirs = query(FIELDS)
    assert len(seen["gpus"]) == len(theirs) == len(gpus)
    for ours, said in zip(seen["gpus"], theirs, strict=True):
        assert str(ours["index"]) == said["index"]
        assert (ours["name"], ours["uuid"]) == (said["name"], said["uuid"])
        assert ours["compute_capability"] == said["compute_cap"]
        assert abs(ours["memory_total"] / MIB - int(said["memory.total"])) <= 1
        assert ours["pci"] == said["pci.bus_id"][-len("0000:00:00.0") :].lower()
        assert MODES[ours["compute_mode"]] == said["compute_mode"]
        assert seen["driver"]["version"] == said["driver_version"]


def test_fits_counts_on_no_more_of_an_idle_gpu_than_cuda_has(python: Path) -> None:
    asked = "import torch; print(torch.cuda.mem_get_info(0)[1])"
    total = int(subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True).stdout)
    gpu = rigfit("fits", "pythia-160m", "--gpu", "0", "--json").answer["result"]["gpu"]
    assert gpu["total"] - gpu["reserved"] <= total < gpu["total"]


def test_the_newest_build_whose_driver_minimum_is_met_is_chosen() -> None:
    answer = rigfit("select", "--json").answer
    machine, result = rigfit("detect", "--json").result, answer["result"]
    assert result["chosen"]["template"] == "current"
    driver = tuple(int(part) for part in machine["driver"]["version"].split("."))
    fitting = [each["variant"] for each in result["candidates"] if each["template"] == "current" and each["fits"]]
    assert result["chosen"]["variant"] == fitting[0]
    if driver >= (580, 65, 6):  # the minimum of CUDA 13, by the fact in environments/facts/drivers.toml
        assert fitting[0].startswith("cu13")


def test_the_old_stack_is_refused_with_the_chain_where_it_can_never_work() -> None:
    capabilities = [gpu["compute_capability"] for gpu in rigfit("detect", "--json").result["gpus"]]
    ran = rigfit("select", "lora-8bit", "--json")
    if all(float(each) < 9.0 for each in capabilities):
        assert ran.code == 0, ran.err
        return
    assert ran.code == 3
    for link in ("bitsandbytes >= 0.45", "PEFT >= 0.14", "transformers >= 4.43"):
        assert link in ran.out


def test_a_gpu_is_seen_whatever_cuda_is_told_to_hide(gpus: list[dict[str, str]]) -> None:
    hidden = rigfit("detect", "--json", environ={**os.environ, "CUDA_VISIBLE_DEVICES": ""}).result
    assert [gpu["uuid"] for gpu in hidden["gpus"]] == [gpu["uuid"] for gpu in gpus]
