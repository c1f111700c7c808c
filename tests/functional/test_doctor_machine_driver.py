"""`rigfit doctor` where the driver answers: what stands in its way, and what keeps programs from its GPUs."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from tests.stand_ins.nvml import StandIn
from tests.stand_ins.ward import FOUND, KERNEL, VERSION, Ward, bridge, well


@pytest.fixture
def ward(standin: StandIn) -> Ward:
    return well(standin)


@pytest.fixture
def board(ward: Ward) -> Ward:
    """An SXM board: GPUs behind NVSwitches."""
    ward.trace("etc/os-release", "ID=ubuntu\n")
    bridge(ward, "nvidia-nvswitch")
    return ward


def installed(ward: Ward, package: str, version: str) -> None:
    status = f"Package: {package}\nStatus: install ok installed\nVersion: {version}\n\n"
    ward.trace("var/lib/dpkg/status", f"Package: libc6\nStatus: install ok installed\nVersion: 2.39\n\n{status}")


def test_an_old_network_card_of_nvidia_is_no_nvswitch(ward: Ward) -> None:
    bridge(ward, "forcedeth")
    assert ward.findings() == []


def test_an_sxm_board_without_fabric_manager_is_error_802(board: Ward) -> None:
    found = board.first("fabric_manager_missing")
    assert "802" in found["what"]
    assert "0000:05:00.0" in found["evidence"]
    assert found["fix"][0] == "sudo apt install nvidia-fabricmanager-580"


def test_a_fabric_manager_that_does_not_run_is_started(board: Ward) -> None:
    installed(board, "nvidia-fabricmanager-580", f"{VERSION}-0ubuntu0.24.04.1")
    assert "systemctl enable --now" in board.first("fabric_manager_missing")["fix"][0]


def test_a_fabric_manager_of_another_version_is_named_with_both(board: Ward) -> None:
    installed(board, "nvidia-fabricmanager-580", "580.95.05-0ubuntu0.24.04.1")
    found = board.first("fabric_manager_version")
    assert ("580.95.05" in found["what"], VERSION in found["what"]) == (True, True)
    assert found["severity"] == "error"


def test_a_fabric_manager_of_the_drivers_version_that_runs_is_well(board: Ward) -> None:
    installed(board, "nvidia-fabricmanager-580", f"{VERSION}-0ubuntu0.24.04.1")
    board.trace("proc/812/comm", "nv-fabricmanage\n")
    assert board.findings() == []


def test_a_fabric_manager_out_of_sight_is_unknown_and_no_finding(board: Ward) -> None:
    (board.standin.root / "proc/1/comm").unlink()
    (board.standin.root / "proc/1").rmdir()
    result = board.doctor().result
    assert result["findings"] == []
    assert "fabric manager" in result["unknown"][0]["what"]


def test_a_fabric_manager_whose_name_may_not_be_read_is_unknown_and_no_finding(board: Ward) -> None:
    """As with hidepid=1: the folders of processes are listed, and nothing in them may be read."""
    (board.standin.root / "proc/1/comm").unlink()
    result = board.doctor().result
    assert result["findings"] == []
    assert "fabric manager" in result["unknown"][0]["what"]


def test_in_a_container_the_package_of_a_fabric_manager_says_nothing_about_that_of_the_host(board: Ward) -> None:
    board.trace(".dockerenv")
    installed(board, "nvidia-fabricmanager-550", "550.54.15-1")
    result = board.doctor().result
    assert result["findings"] == []
    assert "fabric manager" in result["unknown"][0]["what"]


def test_a_stub_of_libcuda_by_ld_library_path(ward: Ward) -> None:
    stubs = "/usr/local/cuda/lib64/stubs"
    ward.environ = {"LD_LIBRARY_PATH": stubs}
    ward.library(f"{stubs}/libcuda.so.1", None)
    found = ward.first("library_stub")
    assert "LD_LIBRARY_PATH names that folder" in found["evidence"]
    assert stubs in found["what"]


def test_a_libcuda_of_another_driver_by_ld_library_path(ward: Ward) -> None:
    ward.environ = {"LD_LIBRARY_PATH": "/opt/old/lib"}
    ward.library("opt/old/lib/libcuda.so.1", "535.54.03")
    ward.library("usr/lib64/libcuda.so.1", VERSION)
    ward.listed("/usr/lib64/libcuda.so.1")
    found = ward.first("library_shadowed")
    assert "/opt/old/lib/libcuda.so.1: version 535.54.03, found by LD_LIBRARY_PATH" in found["evidence"]


def test_a_libcuda_left_over_from_another_driver(ward: Ward) -> None:
    ward.library("usr/lib64/libcuda.so.1", "535.54.03")
    ward.listed("/usr/lib64/libcuda.so.1")
    assert "/usr/lib64/libcuda.so.1: version 535.54.03" in ward.first("library_mismatch")["evidence"]


def test_a_second_libcuda_behind_the_right_one_is_a_note(ward: Ward) -> None:
    for folder, version in (("usr/lib64", VERSION), ("opt/old", "535.54.03")):
        ward.library(f"{folder}/libcuda.so.1", version)
    ward.listed("/usr/lib64/libcuda.so.1", "/opt/old/libcuda.so.1")
    assert "/opt/old/libcuda.so.1" in ward.first("library_copies", exit_code=0)["evidence"]


def test_the_first_libcuda_of_the_loader_counts_whatever_its_name(ward: Ward) -> None:
    for folder, version in (("usr/lib64", VERSION), ("zzz/old", "535.54.03")):
        ward.library(f"{folder}/libcuda.so.1", version)
    ward.listed("/usr/lib64/libcuda.so.1", "/zzz/old/libcuda.so.1")
    ward.first("library_copies", exit_code=0)


def test_the_libcuda_of_a_jetson_has_a_name_that_is_no_driver_version(ward: Ward) -> None:
    ward.trace("usr/lib/aarch64-linux-gnu/nvidia/libcuda.so.1.1")
    ward.link("usr/lib/aarch64-linux-gnu/nvidia/libcuda.so.1", "libcuda.so.1.1")
    ward.listed("/usr/lib/aarch64-linux-gnu/nvidia/libcuda.so.1")
    assert ward.findings() == []


def test_a_container_that_was_given_the_newer_libcuda_of_cuda_compat_is_well(ward: Ward) -> None:
    """The container toolkit puts it where the driver's own would be."""
    ward.trace(".dockerenv")
    ward.said = ("name=NVIDIA H100 80GB HBM3",)
    ward.library("usr/lib/x86_64-linux-gnu/libcuda.so.1", "590.44.01")
    ward.listed("/usr/lib/x86_64-linux-gnu/libcuda.so.1")
    assert ward.first("cuda_compat", exit_code=0)["severity"] == "note"


@pytest.mark.parametrize(
    ("version", "gpu", "severity", "code"),
    [
        ("550.54.15", "NVIDIA H100 80GB HBM3", "error", "803"),
        ("590.44.01", "NVIDIA GeForce RTX 4090", "error", "804"),
        ("590.44.01", "NVIDIA H100 80GB HBM3", "note", ""),
    ],
)
def test_cuda_compat_is_judged_by_version_and_gpu(ward: Ward, version: str, gpu: str, severity: str, code: str) -> None:
    ward.said = (f"name={gpu}",)
    ward.library("usr/local/cuda-12.4/compat/libcuda.so.1", version)
    ward.listed("/usr/local/cuda-12.4/compat/libcuda.so.1")
    found = ward.first("cuda_compat", exit_code=0 if severity == "note" else FOUND)
    assert (found["severity"], code in found["what"]) == (severity, True)


def test_what_lies_outside_of_the_root_is_not_told_though_links_lead_there(ward: Ward, tmp_path: Path) -> None:
    outside = tmp_path / "outside/libcuda.so.535.54.03"
    outside.parent.mkdir()
    outside.touch()
    ward.link("usr/lib64/libcuda.so.1", str(outside))
    ward.listed("/usr/lib64/libcuda.so.1")
    assert ward.findings() == []
    ward.trace(str(outside))
    assert ward.first("library_mismatch")["code"] == "library_mismatch"


def wsl(ward: Ward) -> None:
    ward.trace("proc/sys/kernel/osrelease", "6.6.87.2-microsoft-standard-WSL2\n")
    ward.trace("dev/dxg")
    ward.library("usr/lib/wsl/lib/libcuda.so.1", None)
    ward.link("usr/lib/wsl/lib/libnvidia-ml.so.1", f"{ward.standin.library}/libnvidia-ml.so.1")


def test_a_linux_driver_within_wsl(ward: Ward) -> None:
    wsl(ward)
    ward.library("usr/lib/x86_64-linux-gnu/libcuda.so.1", "535.54.03")
    ward.listed("/usr/lib/x86_64-linux-gnu/libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1")
    found = ward.first("wsl_linux_driver")
    assert "/usr/lib/x86_64-linux-gnu/libcuda.so.1: version 535.54.03" in found["evidence"]
    (purged,) = re.findall(r"^sudo apt purge '(.*)'$", found["fix"][0])
    packages = ("libcuda1", "libnvidia-compute-535", "nvidia-driver-535", "cuda-drivers", "libnvidia-container1")
    assert [each for each in packages if re.search(purged, each)] == list(packages[:-1])


def test_the_libcuda_of_windows_behind_a_link_is_no_linux_driver(ward: Ward) -> None:
    """People mend ldconfig's warning with it."""
    wsl(ward)
    (ward.standin.root / "usr/lib/wsl/lib/libcuda.so.1").rename(ward.standin.root / "usr/lib/wsl/lib/libcuda.so.1.1")
    ward.link("usr/lib/wsl/lib/libcuda.so.1", "libcuda.so.1.1")
    ward.listed("/usr/lib/wsl/lib/libcuda.so.1")
    assert ward.findings() == []


def test_the_libraries_of_windows_may_be_found_by_a_link_in_another_folder(ward: Ward) -> None:
    """As in a container, or where people have made one."""
    wsl(ward)
    ward.link("usr/lib/x86_64-linux-gnu/libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1")
    ward.listed("/usr/lib/x86_64-linux-gnu/libcuda.so.1")
    assert ward.findings() == []


def test_libraries_of_windows_that_no_loader_finds(ward: Ward) -> None:
    wsl(ward)
    found = ward.first("wsl_library_path")
    assert "/etc/ld.so.cache" in found["evidence"]
    ward.listed("/usr/lib/wsl/lib/libcuda.so.1")
    assert ward.findings() == []


def test_toolkits_of_another_cuda_are_a_note_that_tells_the_three_apart(ward: Ward) -> None:
    ward.environ = {"PATH": f"/usr/local/cuda/bin:{os.environ['PATH']}", "CUDA_HOME": "/usr/local/cuda-11.8"}
    for version in ("11.8", "12.4"):
        ward.trace(f"usr/local/cuda-{version}/bin/nvcc")
    ward.trace("usr/local/cuda-12.4/version.json", json.dumps({"cuda": {"version": "12.4.131"}}))
    ward.link("usr/local/cuda", "/usr/local/cuda-12.4")
    found = ward.first("cuda_toolkits", exit_code=0)
    assert "toolkit 12.4: /usr/local/cuda-12.4, by PATH" in found["evidence"]
    assert "toolkit 11.8: /usr/local/cuda-11.8, by CUDA_HOME" in found["evidence"]
    assert "driver CUDA: 13.0" in found["evidence"]


def test_a_toolkit_of_a_newer_cuda_than_the_driver_runs_is_a_warning(ward: Ward) -> None:
    ward.said = ("cuda=12040",)
    ward.trace("usr/local/cuda-13.0/bin/nvcc")
    ward.first("cuda_toolkits", exit_code=0)  # nothing leads to it
    ward.environ = {"CUDA_HOME": "/usr/local/cuda-13.0"}
    assert ward.first("toolkit_newer")["severity"] == "warning"


def test_a_next_kernel_without_the_module_is_a_warning(ward: Ward) -> None:
    ward.trace(f"lib/modules/{KERNEL}/modules.dep", "updates/dkms/nvidia.ko.zst: \n")
    ward.trace("lib/modules/6.8.0-71-generic/modules.dep", "kernel/net/ipv4/ipip.ko: \n")
    ward.link("boot/vmlinuz", "vmlinuz-6.8.0-71-generic")
    assert "6.8.0-71-generic" in ward.first("module_missing_for_next_kernel")["what"]


# The GPUs


@pytest.mark.parametrize(
    ("said", "code", "exit_code", "evidence"),
    [
        (("compute_mode=2",), "gpu_prohibited", FOUND, "prohibited"),
        (("count=2", "gpu1.mig=1", "gpu1.slices=0"), "mig_without_instances", FOUND, "NVML lists no MIG instance"),
        (("count=2", "gpu1.nvmlDeviceGetHandleByIndex=15"), "gpu_lost", FOUND, "compute capability"),
        (("ecc=3",), "gpu_memory_errors", FOUND, ""),
        (("celsius=92", "celsius_max=87"), "gpu_hot", FOUND, ""),
        (("reasons=128",), "gpu_power", FOUND, ""),
        (("compute=4242:8589934592",), "gpu_in_use", 0, "process 4242"),
        (("compute=4242:84000000000", "memory_free=1000000"), "gpu_full", FOUND, "process 4242"),
        (("capability=7.0", "name=Tesla V100-SXM2-16GB"), "last_driver_branch", 0, "compute capability 7.0"),
    ],
)
def test_the_state_of_a_gpu(ward: Ward, said: tuple[str, ...], code: str, exit_code: int, evidence: str) -> None:
    ward.said = said
    assert evidence in ward.first(code, exit_code=exit_code)["evidence"]


def test_a_gpu_that_lets_one_program_in_and_is_taken_names_it(ward: Ward) -> None:
    ward.standin.processes(4026531836, 4242)
    ward.said = ("compute_mode=3", "compute=4242:8589934592", "process4242=/usr/bin/trainer")
    assert "trainer" in ward.first("gpu_taken")["evidence"]


def test_cuda_visible_devices_that_hides_every_gpu_is_a_warning_and_one_of_two_a_note(ward: Ward) -> None:
    ward.environ = {"CUDA_VISIBLE_DEVICES": "-1"}
    assert ward.first("gpus_hidden")["evidence"] == "CUDA_VISIBLE_DEVICES=-1"
    ward.environ = {"CUDA_VISIBLE_DEVICES": "0"}
    ward.said = ("count=2",)
    assert ward.first("gpus_hidden", exit_code=0)["what"].endswith("1")


def test_an_override_of_the_drivers_cuda_is_a_note(ward: Ward) -> None:
    ward.environ = {"CONDA_OVERRIDE_CUDA": "12.4"}
    assert ward.first("cuda_override", exit_code=0)["evidence"] == "CONDA_OVERRIDE_CUDA=12.4"
