"""The real `detect` on every machine of the library, with a stand-in for its driver, gives back the machine."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.stand_ins.command import RIGFIT, Ran, rigfit
from tests.stand_ins.nvml import StandIn, as_said, compile_library

from rigfit.core.machine import FAULTS, DriverFault, Machine
from rigfit.core.version import Version
from rigfit.probe.machine import read_machine

MACHINES = sorted((Path(__file__).parents[1] / "machines").glob("*.json"))
CODES = (*range(1, 31), 999)  # every nvmlReturn_t of a failure
LIMIT = 10.0  # seconds; what NVML gets, to which our own start and end are added
AT_THE_SYSTEM = {
    "the start": ["nvmlInit={}"],
    "the driver's CUDA": ["nvmlSystemGetCudaDriverVersion_v2={0}", "nvmlSystemGetCudaDriverVersion={0}"],
    "the driver's version, and its CUDA asked as of old": [
        "nvmlSystemGetDriverVersion={}",
        "nvmlSystemGetCudaDriverVersion_v2=13",
        "nvmlSystemGetCudaDriverVersion={}",
    ],
    "the number of GPUs": ["nvmlDeviceGetCount={}"],
}
AT_A_GPU = (
    "nvmlDeviceGetHandleByIndex",
    "nvmlDeviceGetName",
    "nvmlDeviceGetUUID",
    "nvmlDeviceGetCudaComputeCapability",
    "nvmlDeviceGetMemoryInfo",
    "nvmlDeviceGetMigMode",
    "nvmlDeviceGetPciInfo",
    "nvmlDeviceGetComputeMode",
    "nvmlDeviceGetMaxMigDeviceCount",
)
AT_A_SLICE = (
    "nvmlDeviceGetMigDeviceHandleByIndex",
    "nvmlDeviceGetName",
    "nvmlDeviceGetUUID",
    "nvmlDeviceGetMemoryInfo",
)
ON_WSL = Path("/usr/lib/wsl/lib/libnvidia-ml.so.1").exists()


def record(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text())
    return value


ANSWERING = [path for path in MACHINES if "version" in record(path)["driver"]]
FAULTY = [path for path in MACHINES if "fault" in record(path)["driver"]]


def detect_by_command(standin: StandIn, lists: Sequence[Sequence[str]]) -> list[Ran]:
    """`rigfit detect --json` with each list of what NVML says; two at once, and none longer than its limit."""
    if ON_WSL:
        pytest.skip("the command takes WSL's own library before any other")
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda said: _detect(standin, said), lists))


def _detect(standin: StandIn, said: Sequence[str]) -> Ran:
    ours = {"CONDA_OVERRIDE_CUDA", "CUDA_VISIBLE_DEVICES"}
    environ = {name: value for name, value in os.environ.items() if name not in ours} | standin.environ(*said)
    command = [RIGFIT, "detect", "--json", "--home", str(standin.place)]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=LIMIT + 10, check=False)
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def seen(ran: Ran) -> dict[str, Any]:
    """What a sound run printed: exit 0, nothing on standard error, and a driver or a named fault."""
    assert (ran.code, ran.err) == (0, "")
    result: dict[str, Any] = ran.result
    driver = result["driver"]
    assert "version" in driver or (driver["fault"] in FAULTS and driver["what"]), driver
    return result


def gpus(machine: Mapping[str, Any]) -> list[dict[str, Any]]:
    """With the key that older records lack."""
    return [{"slices": None, **gpu} for gpu in machine["gpus"]]


def test_each_machine_whose_driver_answers_is_given_back_by_the_command(standin: StandIn) -> None:
    records = [record(path) for path in ANSWERING]
    ran = detect_by_command(standin, [list(as_said(each)) for each in records])
    for path, each, run in zip(ANSWERING, records, ran, strict=True):
        found = seen(run)
        assert (path.stem, found["driver"], found["gpus"]) == (path.stem, each["driver"], gpus(each))


@pytest.mark.parametrize("path", FAULTY, ids=lambda path: path.stem)
def test_each_machine_with_a_fault_is_given_back_from_its_traces(tmp_path: Path, standin: StandIn, path: Path) -> None:
    recorded = read_machine(path)
    expected = recorded.driver
    assert isinstance(expected, DriverFault)
    machine, seconds = _stage(tmp_path, standin, record(path), expected)
    assert isinstance(machine.driver, DriverFault)
    assert _without_words(machine.driver) == _without_words(expected)
    assert machine.driver.what
    assert machine.gpus == recorded.gpus
    assert (machine.platform.container, machine.platform.wsl) == (recorded.platform.container, recorded.platform.wsl)
    assert seconds < LIMIT


def _without_words(fault: DriverFault) -> DriverFault:
    """The traces that are left for it here are those of its kind, not of each cause."""
    return replace(fault, what="", fix=(), cause=None)


def _stage(tmp_path: Path, standin: StandIn, machine: Mapping[str, Any], fault: DriverFault) -> tuple[Machine, float]:
    """What `detect` makes of the traces and the words that such a fault leaves, and in how many seconds."""
    tegra = machine["platform"]["kernel"].endswith("-tegra")
    _leave_traces(standin, machine["platform"], fault, tegra=tegra)
    if fault.library_version is not None:
        standin = replace(standin, library=compile_library(tmp_path / "other", version=str(fault.library_version)))
    if tegra or (fault.fault in ("no_device", "no_driver", "no_library") and not machine["gpus"]):
        standin = replace(standin, library=tmp_path / "nowhere")
    started = time.monotonic()
    seen = standin.detect(*_words(machine, fault), limit=0.4 if fault.fault == "timeout" else LIMIT)
    return seen, time.monotonic() - started


def _leave_traces(standin: StandIn, platform: Mapping[str, Any], fault: DriverFault, *, tegra: bool) -> None:
    standin.trace("proc/sys/kernel/osrelease", f"{platform['kernel']}\n")
    if platform["container"] is not None:
        standin.trace("run/systemd/container", platform["container"])
    if tegra:
        standin.trace("etc/nv_tegra_release")
    elif fault.fault != "no_device":
        standin.card()
        if fault.fault not in ("no_driver", "not_loaded"):
            standin.module(str(fault.module_version or Version("580.95.05")))


def _words(machine: Mapping[str, Any], fault: DriverFault) -> list[str]:
    if machine["gpus"]:  # NVML starts, and fails later: at the GPU, or without the library of CUDA
        at_cuda = ["nvmlSystemGetCudaDriverVersion_v2=12"] if fault.fault == "no_library" else []
        return [*as_said(machine), *at_cuda]
    codes = {"not_loaded": 9, "version_mismatch": 18, "no_permission": 4, "unknown": 999}
    return ["nvmlInit=hang" if fault.fault == "timeout" else f"nvmlInit={codes.get(fault.fault, 0)}"]


@pytest.mark.parametrize("site", AT_THE_SYSTEM)
def test_the_command_ends_well_whatever_code_a_question_to_the_system_gets(standin: StandIn, site: str) -> None:
    lists = [["driver=1.2.3", "cuda=12040", *(line.format(code) for line in AT_THE_SYSTEM[site])] for code in CODES]
    for run in detect_by_command(standin, lists):
        assert seen(run)["driver"] != {"version": "1.2.3", "cuda": "12.4"}


def test_the_command_ends_well_whatever_code_a_question_to_a_gpu_or_an_instance_gets(standin: StandIn) -> None:
    whole = [f"count={len(CODES)}", "mig=1", "slices=2"]
    lists = [[f"gpu{index}.{function}={code}" for index, code in enumerate(CODES)] for function in AT_A_GPU]
    lists += [[f"gpu{index}.slice0.{function}={code}" for index, code in enumerate(CODES)] for function in AT_A_SLICE]
    for said, run in zip(lists, detect_by_command(standin, [[*whole, *said] for said in lists]), strict=True):
        found = seen(run)
        assert len(found["gpus"]) == len(CODES)
        assert all(_lacks_something(gpu) for gpu in found["gpus"]), said[0]


def _lacks_something(gpu: Mapping[str, Any]) -> bool:
    slices = gpu["slices"]
    return None in gpu.values() or len(slices) < 2 or any(None in each.values() for each in slices)


def test_the_command_gives_up_a_driver_that_hangs(standin: StandIn) -> None:
    started = time.monotonic()
    (run,) = detect_by_command(standin, [["nvmlDeviceGetName=hang"]])
    assert seen(run)["driver"]["fault"] == "timeout"
    assert LIMIT <= time.monotonic() - started < LIMIT + 5


def test_people_are_shown_the_instances_of_a_gpu_and_their_absence() -> None:
    machines = MACHINES[0].parent
    some = rigfit("detect", "--machine", machines / "a100-mig-slices-535.json").out
    none = rigfit("detect", "--machine", machines / "a100-mig-empty-545.json").out
    assert "NVIDIA A100-SXM4-80GB MIG 1g.20gb, 19.5 GiB, MIG-00000000-0000-0000-0000-000000000004" in some
    assert "MIG on, without an instance" in " ".join(none.split())
