"""`rigfit doctor` where no driver answers, each machine broken on purpose: which fault it is, and its evidence."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest
from tests.stand_ins.nvml import StandIn
from tests.stand_ins.ward import KERNEL, OTHER_KERNEL, VERSION, Ward, bridge, loaded, well


@pytest.fixture
def ward(standin: StandIn) -> Ward:
    return well(standin)


@pytest.fixture
def without_driver(ward: Ward) -> Ward:
    """The card alone."""
    (ward.standin.root / "proc/driver/nvidia/version").unlink()
    ward.said = ("nvmlInit=9",)
    return ward


def bound_to(ward: Ward, driver: str) -> None:
    ward.link("sys/bus/pci/devices/0000:01:00.0/driver", f"../../../bus/pci/drivers/{driver}")


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
