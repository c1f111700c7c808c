"""A glance reads driver and GPUs from the files of the kernel module, and takes no half an answer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rigfit.core.version import Version
from rigfit.probe.glance import glance

# /proc/driver/nvidia/gpus/0000:00:06.0/information of an H100 under driver 580.159.04, its UUID made up; read 2026-11-22.
INFORMATION = "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 41\nGPU UUID: \t {uuid}\nVideo BIOS: \t 96.00.da.00.0c\n"
FIRST, SECOND = "GPU-00000000-1111-2222-3333-444444444444", "GPU-55555555-6666-7777-8888-999999999999"
NOT_YET = "GPU-????????-????-????-????-????????????"


def put(root: Path, file: str, text: str) -> None:
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text(text)


def gpus(root: Path, *uuids: str) -> tuple[str, ...] | None:
    for number, uuid in enumerate(uuids):
        put(root, f"proc/driver/nvidia/gpus/0000:0{number}:00.0/information", INFORMATION.format(uuid=uuid))
    return glance(root).gpus


def test_the_gpus_of_the_module_are_known_by_their_uuids(tmp_path: Path) -> None:
    assert gpus(tmp_path, FIRST, SECOND) == (FIRST, SECOND)


@pytest.mark.parametrize("second", [NOT_YET, ""])
def test_one_gpu_that_does_not_tell_leaves_all_untold(tmp_path: Path, second: str) -> None:
    assert gpus(tmp_path, FIRST, second) is None


def test_a_module_without_gpus_has_none_and_a_machine_without_module_tells_nothing(tmp_path: Path) -> None:
    assert glance(tmp_path).gpus is None
    (tmp_path / "proc/driver/nvidia/gpus").mkdir(parents=True)
    assert glance(tmp_path).gpus == ()


def test_the_driver_is_that_of_the_module_and_untold_where_there_is_none_as_on_wsl2(tmp_path: Path) -> None:
    put(tmp_path, "dev/dxg", "")
    put(tmp_path, "usr/lib/wsl/lib/libnvidia-ml.so.1", "")
    assert glance(tmp_path).driver is None
    put(
        tmp_path,
        "proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Wed Jan 22\n",
    )
    assert glance(tmp_path).driver == Version("570.86.15")


def test_the_glibc_is_the_one_that_runs_here(tmp_path: Path) -> None:
    said = os.confstr("CS_GNU_LIBC_VERSION") or ""
    assert f"glibc {glance(tmp_path).glibc}" == said
