"""The machine around the GPUs: system, libc, kernel, WSL, container, memory, free disk."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from rigfit.core.machine import Platform
from rigfit.probe.reading import exists, glibc, text_of

# What a container manager leaves, the more telling first: Kubernetes' containers carry the marks of Docker, too.
_MARKED_BY_VARIABLE = (
    ("KUBERNETES_SERVICE_HOST", "kubernetes"),
    ("APPTAINER_CONTAINER", "apptainer"),
    ("SINGULARITY_CONTAINER", "apptainer"),
)
_MARKED_BY_FILE = (
    ("var/run/secrets/kubernetes.io", "kubernetes"),
    (".singularity.d", "apptainer"),
    ("run/.containerenv", "podman"),
    (".dockerenv", "docker"),
    ("dev/lxd", "lxc"),
)
_MARKED_BY_CGROUP = (("kubepods", "kubernetes"), ("libpod", "podman"), ("docker", "docker"), ("lxc", "lxc"))


def platform(*, root: Path, environ: Mapping[str, str]) -> Platform:
    name = os.uname()
    kernel = (text_of(root / "proc/sys/kernel/osrelease") or name.release).strip()
    return Platform(
        os=sys.platform,
        arch=name.machine,
        glibc=glibc(),
        kernel=kernel or None,
        wsl=_wsl(kernel, root),
        container=_container(root, environ),
    )


def memory_total(root: Path) -> int | None:
    """The machine's memory in bytes, whatever part of it this container may use."""
    found = re.search(r"^MemTotal:\s+(\d+) kB$", text_of(root / "proc/meminfo") or "", re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _wsl(kernel: str, root: Path) -> bool:
    # A self-built WSL kernel may be called anything; the device that lends Windows' GPU comes with its folder.
    return "microsoft" in kernel.lower() or (exists(root / "dev/dxg") and exists(root / "usr/lib/wsl"))


def _container(root: Path, environ: Mapping[str, str]) -> str | None:
    for variable, kind in _MARKED_BY_VARIABLE:
        if environ.get(variable):
            return kind
    for file, kind in _MARKED_BY_FILE:
        if exists(root / file):
            return kind
    # systemd's way (https://systemd.io/CONTAINER_INTERFACE): the manager names itself, WSL among them.
    named = environ.get("container") or text_of(root / "run/systemd/container") or ""
    if named.strip() not in ("", "wsl"):
        return re.split(r"[\s-]", named.strip())[0]
    cgroup = text_of(root / "proc/1/cgroup") or ""
    return next((kind for mark, kind in _MARKED_BY_CGROUP if mark in cgroup), None)
