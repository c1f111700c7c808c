"""What lies about in /proc, /sys, /dev and the library folders is read as it is, also where it is odd."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.stand_ins.ward import list_of_loader

from rigfit.core.traces import Card, Traces
from rigfit.core.version import Version
from rigfit.probe.module import module_version
from rigfit.probe.traces import look

OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.126.09  Release Build  (dvs-builder@U22-I3)  Wed Jan  7"
CLOSED = (
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Wed Jan 22 2025\nGCC version:  gcc version 13.3.0 ()\n"
)
ARM = "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  580.65.06  Release Build"


def put(root: Path, file: str, text: str | bytes = "") -> Path:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def card(root: Path, slot: str, vendor: str = "0x10de", kind: str = "0x030200", driver: str | None = None) -> None:
    put(root, f"sys/bus/pci/devices/{slot}/vendor", f"{vendor}\n")
    put(root, f"sys/bus/pci/devices/{slot}/class", f"{kind}\n")
    if driver is not None:
        (root / f"sys/bus/pci/devices/{slot}/driver").symlink_to(f"../../../bus/pci/drivers/{driver}")


def seen(root: Path, kernel: str = "6.8.0", **environ: str) -> Traces:
    return look(root=root, environ=environ, kernel=kernel)


@pytest.mark.parametrize(("said", "version"), [(OPEN, "580.126.09"), (CLOSED, "570.86.15"), (ARM, "580.65.06")])
def test_the_version_of_the_open_and_of_the_closed_module_are_read(said: str, version: str) -> None:
    assert module_version(said) == Version(version)


@pytest.mark.parametrize("said", [None, "", "NVRM version: something new", "Kernel Module  5.5.5.5.5.5.5.5"])
def test_a_module_that_says_no_version_has_none(said: str | None) -> None:
    assert module_version(said) is None


def test_an_empty_machine_shows_nothing_of_nvidia(tmp_path: Path) -> None:
    traces = seen(tmp_path)
    assert traces == Traces()
    assert traces.none_of_nvidia


def test_only_display_devices_of_nvidia_are_cards(tmp_path: Path) -> None:
    card(tmp_path, "0000:01:00.0", kind="0x030000", driver="nvidia")
    card(tmp_path, "0000:01:00.1", kind="0x040300")  # its sound
    card(tmp_path, "0000:02:00.0", kind="0x030200")
    card(tmp_path, "0000:03:00.0", vendor="0x1002", kind="0x030000")
    card(tmp_path, "0000:04:00.0", kind="0x068000")  # an NVSwitch
    (tmp_path / "sys/bus/pci/devices/0000:05:00.0").mkdir()
    assert seen(tmp_path).cards == (Card(slot="0000:01:00.0", driver="nvidia"), Card(slot="0000:02:00.0", driver=None))


def test_a_pci_list_that_may_not_be_read_is_not_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_folder: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert seen(tmp_path).cards is None
    assert not seen(tmp_path).none_of_nvidia


@pytest.mark.parametrize(
    "file",
    [
        "proc/driver/nvidia/version",
        "sys/module/nvidia/version",
        "dev/nvidiactl",
        "dev/nvidia0",
        "usr/lib/wsl/lib/libnvidia-ml.so.1",
        "mnt/c/Windows/System32/nvml.dll",
        "etc/nv_tegra_release",
        "dev/nvhost-gpu",
    ],
)
def test_each_trace_alone_forbids_to_say_that_there_is_no_device(tmp_path: Path, file: str) -> None:
    put(tmp_path, file)
    assert not seen(tmp_path).none_of_nvidia


@pytest.mark.parametrize("file", ["dev/dxg", "dev/nvram", "sys/module/nouveau/refcnt", "usr/lib64/libnvidia-ml.so.1"])
def test_what_other_makers_leave_and_a_library_alone_are_no_device(tmp_path: Path, file: str) -> None:
    put(tmp_path, file)
    assert seen(tmp_path).none_of_nvidia


def test_the_module_is_read_from_proc_and_else_from_sys(tmp_path: Path) -> None:
    put(tmp_path, "sys/module/nvidia/version", "550.54.14\n")
    assert (seen(tmp_path).module_loaded, seen(tmp_path).module_version) == (True, Version("550.54.14"))
    put(tmp_path, "proc/driver/nvidia/version", OPEN)
    assert seen(tmp_path).module_version == Version("580.126.09")


@pytest.mark.parametrize(
    ("listed", "built"),
    [
        ("updates/dkms/nvidia.ko.zst: kernel/drivers/video/backlight.ko\n", True),
        ("updates/dkms/nvidia-current.ko:\n", True),
        ("kernel/nvidia-580/nvidia.ko: \n", True),
        ("kernel/drivers/i2c/busses/i2c-nvidia-gpu.ko:\nkernel/drivers/net/forcedeth.ko:\n", False),
        ("updates/dkms/nvidia-drm.ko: updates/dkms/other.ko\n", False),
    ],
)
def test_the_list_of_the_kernels_modules_says_whether_nvidias_was_built(
    tmp_path: Path, listed: str, built: object
) -> None:
    put(tmp_path, "lib/modules/6.8.0/modules.dep", listed)
    assert seen(tmp_path).module_built is built
    assert seen(tmp_path, kernel="6.9.0").module_built is None


@pytest.mark.parametrize("module", ["nouveau", "nova_core"])
def test_another_driver_for_the_same_cards_is_noticed(tmp_path: Path, module: str) -> None:
    put(tmp_path, f"sys/module/{module}/refcnt")
    assert seen(tmp_path).rival == module


def test_the_version_of_the_library_is_in_the_name_that_its_links_lead_to(tmp_path: Path) -> None:
    put(tmp_path, "usr/lib64/nvidia/libnvidia-ml.so.535.183.01")
    (tmp_path / "usr/lib64/alternative").symlink_to("nvidia/libnvidia-ml.so.535.183.01")
    (tmp_path / "usr/lib64/libnvidia-ml.so.1").symlink_to("alternative")
    traces = seen(tmp_path)
    assert (traces.library, traces.library_version) == (
        str(tmp_path / "usr/lib64/libnvidia-ml.so.1"),
        Version("535.183.01"),
    )


def test_the_library_is_found_by_the_search_path_and_by_ldconfigs_cache_first(tmp_path: Path) -> None:
    for folder in ("usr/lib64", "opt/driver", "srv/driver"):
        put(tmp_path, f"{folder}/libnvidia-ml.so.1")
    assert seen(tmp_path).library == str(tmp_path / "usr/lib64/libnvidia-ml.so.1")
    put(tmp_path, "etc/ld.so.cache", list_of_loader("/opt/driver/libnvidia-ml.so.1"))
    assert seen(tmp_path).library == str(tmp_path / "opt/driver/libnvidia-ml.so.1")
    assert seen(tmp_path, LD_LIBRARY_PATH="/nowhere::/srv/driver").library == str(
        tmp_path / "srv/driver/libnvidia-ml.so.1"
    )


def test_a_library_without_a_version_in_its_name_has_none(tmp_path: Path) -> None:
    put(tmp_path, "usr/lib/wsl/lib/libnvidia-ml.so.1")
    assert seen(tmp_path).library_version is None


@pytest.mark.parametrize(("data", "on"), [(b"\x06\0\0\0\x01", True), (b"\x06\0\0\0\0", False), (b"", None)])
def test_secure_boot_is_the_byte_after_the_attributes(tmp_path: Path, data: bytes, on: object) -> None:
    put(tmp_path, "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", data)
    assert seen(tmp_path).secure_boot is on


def test_device_files_that_this_user_may_not_open_are_told_from_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("nvidia0", "nvidiactl", "nvidia-uvm", "nvidia-caps", "nvram"):
        put(tmp_path, f"dev/{name}")
    monkeypatch.setattr("os.access", lambda path, _mode: path.name != "nvidia0")
    traces = seen(tmp_path)
    assert traces.nodes == ("nvidia-uvm", "nvidia0", "nvidiactl")
    assert traces.denied == ("nvidia0",)


def test_the_distribution_and_what_it_is_like_are_read(tmp_path: Path) -> None:
    put(tmp_path, "etc/os-release", 'NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n')
    assert seen(tmp_path).distributions == ("linuxmint", "ubuntu", "debian")
