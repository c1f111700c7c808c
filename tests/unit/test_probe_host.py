"""Platform, memory and disk are read from what the system says, and are null where it says nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from rigfit.core.version import Version
from rigfit.probe import host
from rigfit.sources.places import free_bytes


def put(root: Path, file: str, text: str = "") -> None:
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text(text)


@pytest.mark.parametrize(
    ("file", "text", "kind"),
    [
        (".dockerenv", "", "docker"),
        ("run/.containerenv", 'engine="podman-5"', "podman"),
        (".singularity.d/env/x", "", "apptainer"),
        ("var/run/secrets/kubernetes.io/serviceaccount/token", "", "kubernetes"),
        ("run/systemd/container", "systemd-nspawn\n", "systemd"),
        ("run/systemd/container", "lxc\n", "lxc"),
        ("proc/1/cgroup", "0::/kubepods.slice/kubepods-pod1.slice\n", "kubernetes"),
        ("proc/1/cgroup", "12:devices:/docker/0123456789ab\n", "docker"),
        ("proc/1/cgroup", "0::/init.scope\n", None),
        ("run/systemd/container", "wsl\n", None),
    ],
)
def test_a_container_is_known_by_what_its_manager_leaves(
    tmp_path: Path, file: str, text: str, kind: str | None
) -> None:
    put(tmp_path, file, text)
    assert host.platform(root=tmp_path, environ={}).container == kind


@pytest.mark.parametrize(
    ("environ", "kind"),
    [
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "kubernetes"),
        ({"APPTAINER_CONTAINER": "/x.sif"}, "apptainer"),
        ({"container": "podman"}, "podman"),
        ({"container": "oci"}, "oci"),
        ({}, None),
    ],
)
def test_a_container_is_known_by_its_variables(tmp_path: Path, environ: dict[str, str], kind: str | None) -> None:
    assert host.platform(root=tmp_path, environ=environ).container == kind


def test_kubernetes_is_named_before_the_docker_that_it_runs_on(tmp_path: Path) -> None:
    put(tmp_path, ".dockerenv")
    environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    assert host.platform(root=tmp_path, environ=environ).container == "kubernetes"


@pytest.mark.parametrize(
    ("kernel", "wsl"),
    [
        ("5.15.167.4-microsoft-standard-WSL2\n", True),
        ("4.4.0-19041-Microsoft\n", True),
        ("6.8.0-1021-azure\n", False),
        ("6.8.0-60-generic\n", False),
    ],
)
def test_wsl_is_known_by_its_kernel(tmp_path: Path, kernel: str, wsl: object) -> None:
    put(tmp_path, "proc/sys/kernel/osrelease", kernel)
    platform = host.platform(root=tmp_path, environ={})
    assert (platform.wsl, platform.kernel) == (wsl, kernel.strip())


def test_wsl_with_a_kernel_of_its_own_making_is_known_by_its_device_and_folder(tmp_path: Path) -> None:
    put(tmp_path, "proc/sys/kernel/osrelease", "6.1.0-mine\n")
    put(tmp_path, "dev/dxg")
    assert not host.platform(root=tmp_path, environ={}).wsl
    (tmp_path / "usr/lib/wsl").mkdir(parents=True)
    assert host.platform(root=tmp_path, environ={}).wsl


@pytest.mark.parametrize(
    ("said", "version"),
    [("glibc 2.36", "2.36"), ("glibc 2.9000", "2.9000"), ("musl 1.2", None), ("", None), (None, None)],
)
def test_glibc_is_what_the_c_library_says_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None, version: str | None
) -> None:
    monkeypatch.setattr(os, "confstr", lambda _name: said)
    expected = None if version is None else Version(version)
    assert host.platform(root=tmp_path, environ={}).glibc == expected


@pytest.mark.parametrize("error", [ValueError, OSError])
def test_a_c_library_that_does_not_know_the_question_is_not_glibc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def refuse(_name: str) -> str:
        raise error

    monkeypatch.setattr(os, "confstr", refuse)
    assert host.platform(root=tmp_path, environ={}).glibc is None


def test_memory_is_the_machines_in_bytes(tmp_path: Path) -> None:
    assert host.memory_total(tmp_path) is None
    put(tmp_path, "proc/meminfo", "MemTotal:       24684084 kB\nMemFree:        24165052 kB\n")
    assert host.memory_total(tmp_path) == 24684084 * 1024


def test_free_disk_is_that_of_the_nearest_folder_that_exists(tmp_path: Path) -> None:
    free = free_bytes(tmp_path / "not" / "yet" / "there")
    assert free is not None
    assert abs(free - shutil.disk_usage(tmp_path).free) < 1 << 30


def test_free_disk_below_a_file_is_that_of_the_files_system(tmp_path: Path) -> None:
    put(tmp_path, "file")
    assert free_bytes(tmp_path / "file" / "below") is not None


def test_free_disk_that_nobody_tells_is_null(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_place: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "statvfs", refuse)
    assert free_bytes(tmp_path) is None
