"""`rigfit doctor` on machines that are broken on purpose: a stand-in for NVML, and a root folder with the traces."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.stand_ins.command import rigfit
from tests.stand_ins.disks import small_disk
from tests.stand_ins.nvml import StandIn
from tests.stand_ins.ward import FOUND, KERNEL, OTHER_KERNEL, VERSION, Ward, loaded, well

from rigfit.core.selection import Wish
from rigfit.engine.diagnosing import examine_machine
from rigfit.engine.fitting import Fitting
from rigfit.engine.settings import Settings
from rigfit.store.paths import Home

MACHINES = sorted((Path(__file__).parents[1] / "machines").glob("*.json"))


@pytest.fixture
def ward(standin: StandIn) -> Ward:
    return well(standin)


@pytest.fixture
def without_driver(ward: Ward) -> Ward:
    """The card alone."""
    (ward.standin.root / "proc/driver/nvidia/version").unlink()
    ward.said = ("nvmlInit=9",)
    return ward


def bridge(ward: Ward, driver: str) -> None:
    """A PCI device of NVIDIA that is no GPU."""
    ward.trace("sys/bus/pci/devices/0000:05:00.0/vendor", "0x10de\n")
    ward.trace("sys/bus/pci/devices/0000:05:00.0/class", "0x068000\n")
    ward.link("sys/bus/pci/devices/0000:05:00.0/driver", f"../../../bus/pci/drivers/{driver}")


def bound_to(ward: Ward, driver: str) -> None:
    ward.link("sys/bus/pci/devices/0000:01:00.0/driver", f"../../../bus/pci/drivers/{driver}")


def test_a_healthy_machine_has_no_finding_and_ends_with_0(ward: Ward) -> None:
    ran = ward.doctor()
    assert (ran.result["findings"], ran.code, ran.err) == ([], 0, "")


def test_a_machine_without_gpu_has_one_note_and_ends_with_0(ward: Ward, tmp_path: Path) -> None:
    bare = replace(ward.standin, root=tmp_path / "bare", library=tmp_path / "nowhere")
    bare.root.mkdir()
    ran = Ward(bare).doctor()
    assert [(each["code"], each["severity"]) for each in ran.result["findings"]] == [("no_gpu", "note")]
    assert ran.code == 0


# The driver does not answer


def test_nouveau_that_holds_the_card_is_named_with_the_slot(without_driver: Ward) -> None:
    bound_to(without_driver, "nouveau")
    without_driver.trace("sys/module/nouveau/refcnt")
    found = without_driver.first("nouveau")
    assert "0000:01:00.0: an NVIDIA GPU, held by nouveau" in found["evidence"]
    assert "/sys/module" in found["evidence"]
    assert "blacklist nouveau" in found["fix"][0]


def test_a_card_without_any_driver_says_that_nothing_holds_it(without_driver: Ward) -> None:
    without_driver.without_library()
    assert "held by no driver" in without_driver.first("driver_no_driver")["evidence"]


def test_a_card_that_is_kept_for_virtual_machines(without_driver: Ward) -> None:
    bound_to(without_driver, "vfio-pci")
    assert "held by vfio-pci" in without_driver.first("gpu_reserved")["evidence"]


def secure_boot(ward: Ward, module: bytes) -> None:
    variable = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    ward.trace(variable, b"\x06\0\0\0\x01")
    ward.trace(f"lib/modules/{KERNEL}/modules.dep", "updates/dkms/nvidia.ko: \n")
    ward.trace(f"lib/modules/{KERNEL}/updates/dkms/nvidia.ko", module)


def test_secure_boot_with_an_unsigned_module_names_the_file(without_driver: Ward) -> None:
    secure_boot(without_driver, b"\x7fELF")
    found = without_driver.first("secure_boot")
    assert f"/lib/modules/{KERNEL}/updates/dkms/nvidia.ko has no signature" in found["evidence"]
    assert "Secure Boot is on" in found["evidence"]


def test_secure_boot_with_a_signed_module_asks_for_the_key(without_driver: Ward) -> None:
    secure_boot(without_driver, b"\x7fELF...~Module signature appended~\n")
    evidence = without_driver.first("secure_boot")["evidence"]
    assert "is signed, with a key that the firmware must know" in evidence
    assert "no signature" not in evidence


def test_a_module_that_dkms_built_for_other_kernels_only_names_them(without_driver: Ward) -> None:
    without_driver.trace(f"lib/modules/{KERNEL}/modules.dep", "kernel/net/ipv4/ipip.ko: \n")
    without_driver.trace(f"lib/modules/{OTHER_KERNEL}/modules.dep", "updates/dkms/nvidia.ko.zst: \n")
    without_driver.trace(f"var/lib/dkms/nvidia/580.95.05/{OTHER_KERNEL}/x86_64/module/nvidia.ko.zst")
    found = without_driver.first("module_not_built")
    assert f"it was built for: {OTHER_KERNEL}" in found["evidence"]
    assert f"no /lib/modules/{KERNEL}/build" in found["evidence"]
    assert "dkms autoinstall" in " ".join(found["fix"])


UPGRADE = """
Start-Date: 2026-11-20  06:12:11
Commandline: /usr/bin/unattended-upgrade
Upgrade: libc6:amd64 (2.39-0ubuntu8.4, 2.39-0ubuntu8.5), libnvidia-compute-580:amd64 (580.95.05-0ubuntu1, 580.159.04-0ubuntu1)
End-Date: 2026-11-20  06:13:00
"""
UPGRADED = "2026-11-20 06:12:11: libnvidia-compute-580 580.95.05-0ubuntu1 -> 580.159.04-0ubuntu1"


@pytest.mark.parametrize("packed", [False, True])
def test_a_driver_upgraded_since_the_start_names_both_versions_and_who_did_it(ward: Ward, *, packed: bool) -> None:
    loaded(ward, "580.95.05")
    ward.said = ("nvmlInit=18",)
    name, text = ("history.log.1.gz", gzip.compress(UPGRADE.encode())) if packed else ("history.log", UPGRADE.encode())
    ward.trace(f"var/log/apt/{name}", text)
    ward.library("usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1", VERSION)
    ward.listed("/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1")
    found = ward.first("driver_upgraded")
    assert "580.95.05" in found["what"]
    assert VERSION in found["what"]
    assert f"{UPGRADED} (/var/log/apt/{name})" in found["evidence"]
    assert "by: /usr/bin/unattended-upgrade" in found["evidence"]
    assert "libc6" not in found["evidence"]
    assert found["fix"][0] == "sudo reboot"


def test_an_upgrade_by_dnf_is_found_in_its_log(ward: Ward) -> None:
    loaded(ward, "580.95.05")
    ward.said = ("nvmlInit=18",)
    log = "2026-11-20T06:12:11+0000 SUBDEBUG {}: xorg-x11-drv-nvidia-libs-3:{}-1.fc43.x86_64\n"
    ward.trace("var/log/dnf.rpm.log", log.format("Upgrade", VERSION) + log.format("Upgraded", "580.95.05"))
    evidence = ward.first("driver_upgraded")["evidence"]
    assert f"xorg-x11-drv-nvidia-libs 3:580.95.05 -> 3:{VERSION} (/var/log/dnf.rpm.log)" in evidence


def test_a_wrong_library_by_ld_library_path_is_no_upgrade(ward: Ward) -> None:
    loaded(ward, "570.86.15")
    ward.said = ("nvmlInit=18",)
    ward.library(f"{ward.standin.library}/libnvidia-ml.so.1", VERSION)
    ward.library("usr/lib64/libnvidia-ml.so.1", "570.86.15")
    ward.listed("/usr/lib64/libnvidia-ml.so.1")
    found = ward.first("library_shadowed")
    assert f"{ward.standin.library}/libnvidia-ml.so.1: version {VERSION}, found by LD_LIBRARY_PATH" in found["evidence"]
    assert "/usr/lib64/libnvidia-ml.so.1" in found["evidence"]
    assert found["fix"][0] == "unset LD_LIBRARY_PATH"


def test_a_stub_in_place_of_nvml_is_named_with_its_path(ward: Ward) -> None:
    ward.said = ("nvmlInit=12",)
    stubs = "/usr/local/cuda/lib64/stubs"
    ward.environ = {"LD_LIBRARY_PATH": stubs}
    ward.trace(f"{stubs}/libnvidia-ml.so.1")
    assert f"{stubs}/libnvidia-ml.so.1: a stub, which is no driver" in ward.first("library_stub")["evidence"]


def test_the_key_that_secure_boot_needs_lies_where_this_distribution_has_it(without_driver: Ward) -> None:
    secure_boot(without_driver, b"")
    for distribution, key in (("debian", "/var/lib/dkms/mok.pub"), ("ubuntu", "/var/lib/shim-signed/mok/MOK.der")):
        without_driver.trace("etc/os-release", f"ID={distribution}\n")
        assert f"sudo mokutil --import {key}" in without_driver.first("secure_boot")["fix"]


def test_on_fedora_akmods_builds_the_module(without_driver: Ward) -> None:
    without_driver.trace(f"lib/modules/{KERNEL}/modules.dep", "kernel/net/ipv4/ipip.ko: \n")
    without_driver.trace("etc/os-release", "ID=fedora\n")
    assert "sudo akmods --force" in without_driver.first("module_not_built")["fix"][1]


def test_the_module_without_libraries_says_which_version_is_loaded(ward: Ward) -> None:
    ward.without_library()
    found = ward.first("library_missing")
    assert f"loaded kernel module: {VERSION}" in found["evidence"]
    assert "libnvidia-ml.so.1 is in none of the loader's folders" in found["evidence"]


CONTAINERS = {
    "docker": (".dockerenv", "--gpus all"),
    "podman": ("run/.containerenv", "--device nvidia.com/gpu=all"),
    "kubernetes": ("var/run/secrets/kubernetes.io/x", "resources.limits"),
    "lxc": ("dev/lxd/sock", "nvidia.runtime true"),
}


@pytest.mark.parametrize("kind", CONTAINERS)
def test_a_container_without_the_gpu_names_the_flag(ward: Ward, kind: str) -> None:
    mark, flag = CONTAINERS[kind]
    ward.trace(mark)
    ward.without_library()
    for name in ("nvidiactl", "nvidia0", "nvidia-uvm"):
        (ward.standin.root / "dev" / name).unlink()
    found = ward.first("container_without_gpu")
    assert flag in found["fix"][0]
    assert f"this is a container ({kind})" in found["evidence"]
    assert "there is no /dev/nvidia*" in found["evidence"]


@pytest.mark.parametrize("code", [4, 999])
def test_a_gpu_that_a_daemon_reload_has_taken_away_asks_for_a_restart_of_the_container(ward: Ward, code: int) -> None:
    ward.trace(".dockerenv")
    ward.said = (f"nvmlInit={code}",)
    found = ward.first("container_lost_gpu")
    assert "/dev/nvidia0" in found["evidence"]
    assert "their modes let this user open them" in found["evidence"]
    assert "restart this container" in found["fix"][0]
    assert "nvidia-docker/issues/1678" in found["source"]


def test_a_container_without_the_compute_capability(ward: Ward) -> None:
    ward.trace(".dockerenv")
    ward.said = ("nvmlSystemGetCudaDriverVersion_v2=12",)
    assert "NVIDIA_DRIVER_CAPABILITIES" in ward.first("container_without_capability")["fix"][0]


def test_missing_device_files_on_a_host(ward: Ward) -> None:
    ward.said = ("nvmlInit=9",)
    for name in ("nvidiactl", "nvidia0", "nvidia-uvm"):
        (ward.standin.root / "dev" / name).unlink()
    assert "there is no /dev/nvidia*" in ward.first("device_files_missing")["evidence"]


def test_a_gpu_that_is_lost_and_one_that_nobody_serves(ward: Ward) -> None:
    ward.said = ("nvmlDeviceGetHandleByIndex=15",)
    assert "GPU is lost" in ward.first("gpu_lost")["what"]
    ward.said = ("count=0",)
    assert "0000:01:00.0" in ward.first("gpu_not_served")["evidence"]


def test_an_empty_override_is_an_error_where_there_is_a_card_and_a_note_where_there_is_none(
    ward: Ward, tmp_path: Path
) -> None:
    ward.environ = {"CONDA_OVERRIDE_CUDA": ""}
    found = ward.first("cuda_override")
    assert found["severity"] == "error"
    assert f"loaded kernel module: {VERSION}" in found["evidence"]
    bare = tmp_path / "bare"
    bare.mkdir()
    ward.standin = replace(ward.standin, root=bare)
    assert ward.first("cuda_override", exit_code=0)["severity"] == "note"


def test_a_fault_hides_what_follows_from_it(ward: Ward) -> None:
    ward.said = ("nvmlInit=999",)
    bridge(ward, "nvidia-nvswitch")
    ward.trace("usr/local/cuda-14.0/bin/nvcc")
    assert [each["code"] for each in ward.findings()] == ["driver_unknown"]


# Around a driver that answers


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


# Room and network


def test_a_full_disk_is_named_with_what_lies_on_it(ward: Ward, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as small:
        ward.environ = {"TMPDIR": str(small)}
        found = ward.findings()[0]
    assert (found["code"], found["severity"]) == ("disk_full", "error")
    assert str(small) in found["because"][0]


def test_a_file_system_that_tells_no_size_is_not_full(ward: Ward) -> None:
    ward.environ = {"UV_CACHE_DIR": "/proc"}
    assert ward.findings() == []


def test_the_commands_for_a_full_disk_name_a_folder_that_is_there(ward: Ward, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as small:
        (small / "a b").mkdir()
        ward.environ = {"TMPDIR": str(small / "a b/not there")}
        first = ward.findings()[0]["fix"][0]
    assert f"df -h '{small}/a b'`" in first


def test_of_a_record_no_command_names_a_folder() -> None:
    record = Path(__file__).parents[1] / "machines/rtx4090-full-disk-580.json"
    found = rigfit("doctor", "--json", "--machine", record).result["findings"][0]
    assert found["because"] == ["the home of rigfit: 600.0 MiB free", "the cache of uv: 600.0 MiB free"]
    assert not any("df -h" in each or "du -" in each for each in found["fix"])


def test_a_disk_without_inodes_is_told_from_a_full_one(ward: Ward, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "512m,nr_inodes=20") as small:
        ward.environ = {"TMPDIR": str(small)}
        found = ward.findings()[0]
    assert found["code"] == "inodes_used_up"
    assert "inodes free" in found["because"][0]


def test_certificates_that_are_not_there(ward: Ward) -> None:
    ward.environ = {"REQUESTS_CA_BUNDLE": "/etc/ssl/gone.pem"}
    assert ward.first("certificates_missing")["evidence"] == "REQUESTS_CA_BUNDLE=/etc/ssl/gone.pem"
    ward.environ["PIP_CERT"] = "/etc/ssl/gone.pem"
    (found,) = ward.findings()
    assert found["because"] == ["REQUESTS_CA_BUNDLE=/etc/ssl/gone.pem", "PIP_CERT=/etc/ssl/gone.pem"]
    assert found["fix"][0] == "unset REQUESTS_CA_BUNDLE PIP_CERT"
    ward.trace("etc/ssl/gone.pem")
    assert ward.findings() == []


def test_what_lies_outside_of_the_root_is_not_told_though_links_lead_there(ward: Ward, tmp_path: Path) -> None:
    outside = tmp_path / "outside/libcuda.so.535.54.03"
    outside.parent.mkdir()
    outside.touch()
    ward.link("usr/lib64/libcuda.so.1", str(outside))
    ward.listed("/usr/lib64/libcuda.so.1")
    assert ward.findings() == []
    ward.trace(str(outside))
    assert ward.first("library_mismatch")["code"] == "library_mismatch"


# Recorded machines

ILL = {
    "a100-mig-empty-545": "mig_without_instances",
    "a6000-all-prohibited-570": "gpu_prohibited",
    "lost-gpu": "gpu_lost",
    "p4-busy-550": "gpu_full",
    "rtx2080ti-prohibited-535": "gpu_prohibited",
    "rtx4090-full-disk-580": "disk_low",
    "vgpu-t4-2b-535": "gpu_prohibited",
    **dict.fromkeys(
        (
            *("titanxp-450", "gtx780-450", "k80-470", "k40-470-centos7", "mx450-470", "a6000-unread-memory-570"),
            *("windows-rtx2080super-610", "orin-540", "orin-540-unread", "t4g-aarch64-550"),
            *("alpine", "graviton-cpu", "mac-m3"),  # without an NVIDIA GPU, and without a template, too
        ),
        "nothing_fits",
    ),
}


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)
def test_every_recorded_machine_is_judged_by_what_its_record_holds(path: Path, tmp_path: Path) -> None:
    driver: Mapping[str, Any] = json.loads(path.read_text())["driver"]
    found = examine_machine(Settings(home=Home(tmp_path), environ={}, machine=path))
    severities = {each.severity for each in found.findings}
    assert [each.why for each in found.unknown] == ["a recorded machine does not hold them"]
    assert [each.code for each in found.findings if each.severity == "error" and not each.fix] == [], "what to do?"
    if driver.get("fault") not in (None, "no_device"):
        code = driver.get("cause", f"driver_{driver['fault']}")
        assert (found.findings[0].code, found.findings[0].what, found.is_ill) == (code, driver["what"], True)
    elif path.stem in ILL:
        assert (found.findings[0].code, found.is_ill) == (ILL[path.stem], True)
    else:
        assert (severities <= {"note"}, found.is_ill) == (True, False), found.findings


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)
def test_the_doctor_calls_no_machine_well_on_which_nothing_can_be_set_up(path: Path, tmp_path: Path) -> None:
    settings = Settings(home=Home(tmp_path), environ={}, machine=path)
    selection, found = Fitting(settings).select(Wish()), examine_machine(settings)
    errors = {each.code for each in found.findings if each.severity == "error"}
    if selection.chosen is None:
        assert found.is_ill
        assert "nothing_fits" not in errors or len(errors) == 1, "what was told as the cause is not told again"
    else:
        assert "nothing_fits" not in errors


def test_where_nothing_fits_the_doctor_says_why_and_what_would_work() -> None:
    ran = rigfit("doctor", "--machine", Path(__file__).parents[1] / "machines/titanxp-450.json")
    text = " ".join(ran.out.split())
    assert ran.code == FOUND
    assert "error no template fits this machine" in text
    assert "needs glibc >= 2.28. Here is glibc 2.27" in text
    assert "do install a newer NVIDIA driver: 450.80.02 or later, instead of 450.57" in text


def test_a_machine_for_which_nothing_is_made_is_told_so_and_asked_for_another() -> None:
    ran = rigfit("doctor", "--json", "--machine", Path(__file__).parents[1] / "machines/mac-m3.json")
    assert [each["code"] for each in ran.result["findings"]] == ["nothing_fits", "no_gpu"]
    assert "take another machine" in ran.result["findings"][0]["fix"][0]


def test_a_gpu_that_no_template_covers_beside_one_that_it_does_is_a_note() -> None:
    ran = rigfit("doctor", "--json", "--machine", Path(__file__).parents[1] / "machines/t4-k80-470.json")
    found = {each["code"]: each for each in ran.result["findings"]}["gpu_left_out"]
    assert (found["severity"], ran.code) == ("note", 0)
    assert "GPU 1 (Tesla K80), GPU 2 (Tesla K80)" in found["what"]
    assert "the last with code for it is bitsandbytes 0.39.0" in found["because"][0]


def test_a_healthy_machine_on_which_nothing_fits_is_ill(ward: Ward) -> None:
    """As it is and not as it was recorded: glibc is that of the root folder."""
    ward.environ = {"CONDA_OVERRIDE_CUDA": "9.0"}
    ran = ward.doctor()
    found = {each["code"]: each for each in ran.result["findings"]}["nothing_fits"]
    assert (found["severity"], ran.code) == ("error", FOUND)
    assert "CONDA_OVERRIDE_CUDA" in " ".join(found["fix"])


def test_a_record_is_judged_by_the_command_too() -> None:
    machines = Path(__file__).parents[1] / "machines"
    ran = rigfit("doctor", "--json", "--machine", machines / "secure-boot.json")
    assert (ran.result["findings"][0]["code"], ran.code) == ("secure_boot", FOUND)
    assert rigfit("doctor", "--machine", machines / "h100-580.json").code == 0
