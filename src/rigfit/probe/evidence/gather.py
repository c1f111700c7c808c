"""Gathers what lies around a driver, under a root; nothing is changed, and no driver is asked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from rigfit.core.evidence import Evidence, Fabric, Room, RoomUse
from rigfit.core.machine import DriverFault, Machine
from rigfit.core.version import Version
from rigfit.probe.evidence.history import changes
from rigfit.probe.evidence.libraries import libraries
from rigfit.probe.evidence.modules import modules
from rigfit.probe.evidence.toolkits import toolkits
from rigfit.probe.links import is_there
from rigfit.probe.packages import dpkg_versions
from rigfit.probe.reading import names_in, text_of, version_or_none
from rigfit.probe.traces import look
from rigfit.sources.places import standing, uv_cache

_OF_CUDA = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "CONDA_OVERRIDE_CUDA", "LD_LIBRARY_PATH")
_OF_CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE", "SSL_CERT_DIR")
_NVIDIA, _BRIDGE = "0x10de", "0x0680"  # an NVSwitch is a bridge of no other kind, but so are old NVIDIA network cards
_SWITCH_DRIVER = "nvidia-nvswitch"  # NVSWITCH_DRIVER_NAME in https://github.com/NVIDIA/open-gpu-kernel-modules
_FABRIC_MANAGER = "nv-fabricmanage"  # the kernel keeps 15 letters of a program's name


def gather(machine: Machine, *, root: Path, environ: Mapping[str, str], home: Path) -> Evidence:
    """Never raises. `home` need not exist; disks and it are those of this machine, all else is looked for under `root`."""
    traces = look(root=root, environ=environ, kernel=machine.platform.kernel)
    fault = machine.driver.fault if isinstance(machine.driver, DriverFault) else None
    return Evidence(
        traces=traces,
        modules=modules(root, machine.platform.kernel, environ, signature=fault == "not_loaded"),
        changes=changes(root) if fault == "version_mismatch" else (),
        libraries=libraries(root, environ),
        fabric=_fabric(root),
        toolkits=toolkits(root, environ),
        rooms=tuple(_rooms(environ, home)),
        certificates=_missing_certificates(root, environ),
        variables={name: environ[name] for name in _OF_CUDA if name in environ},
    )


def _fabric(root: Path) -> Fabric | None:
    bus = root / "sys/bus/pci/devices"
    switches = tuple(slot for slot in names_in(bus) or () if _is_switch(bus / slot))
    if not switches:
        return None
    named = (each for each in dpkg_versions(root).items() if each[0].startswith("nvidia-fabricmanager"))
    package, version = next(((name, found) for name, found in named if "-dev" not in name), (None, None))
    return Fabric(switches=switches, running=_runs(root, _FABRIC_MANAGER), package=package, version=_upstream(version))


def _is_switch(device: Path) -> bool:
    if (text_of(device / "vendor") or "").strip() != _NVIDIA:
        return False
    if not (text_of(device / "class") or "").startswith(_BRIDGE):
        return False
    try:
        return (device / "driver").readlink().name == _SWITCH_DRIVER
    except OSError:
        return False


def _upstream(version: str | None) -> Version | None:
    """580.95.05 of `580.95.05-0ubuntu0.24.04.1`."""
    return version_or_none((version or "").rpartition(":")[2].partition("-")[0])


def _runs(root: Path, program: str) -> bool | None:
    """None where the name of process 1 is out of sight: then those of others may be, too (hidepid)."""
    pids = [name for name in names_in(root / "proc") or () if name.isdigit()]
    if any((text_of(root / "proc" / pid / "comm") or "").strip() == program for pid in pids):
        return True
    return None if text_of(root / "proc/1/comm") is None else False


def _rooms(environ: Mapping[str, str], home: Path) -> Iterator[Room]:
    places: dict[RoomUse, Path] = {
        "temporary": Path(environ.get("TMPDIR") or "/tmp"),  # noqa: S108 - looked at, never written
        "environments": home,
        "cache": uv_cache(environ),
    }
    if environ.get("HOME"):
        places["home"] = Path(environ["HOME"])
    for use, path in places.items():
        room = _room(use, path)
        if room is not None:
            yield room


def _room(use: RoomUse, path: Path) -> Room | None:
    place = standing(path)
    try:
        disk, device = os.statvfs(place), place.stat().st_dev
    except OSError:
        return None
    if not disk.f_blocks:  # as of some network file systems, which tell no size
        return None
    return Room(
        use=use,
        path=str(path),
        folder=str(place),
        disk=device,
        free=disk.f_bavail * disk.f_frsize,
        files_free=disk.f_favail if disk.f_files else None,
        writable=os.access(place, os.W_OK | os.X_OK),
    )


def _missing_certificates(root: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Neither in that root nor on this machine, of which the variables are."""
    named = {name: environ[name] for name in _OF_CERTIFICATES if environ.get(name, "").startswith("/")}
    return {
        name: path for name, path in named.items() if not any(_any_exists(each, path) for each in (root, Path("/")))
    }


def _any_exists(root: Path, path: str) -> bool:
    """SSL_CERT_DIR may name several folders."""
    return any(is_there(root, part) for part in path.split(os.pathsep) if part)
