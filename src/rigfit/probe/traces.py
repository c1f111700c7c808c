"""What NVIDIA's hardware and drivers leave in /proc, /sys, /dev and the library folders, for when NVML is silent."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from rigfit.core.traces import Card, Traces
from rigfit.core.version import Version
from rigfit.probe.loader import listed
from rigfit.probe.module import loaded_version
from rigfit.probe.reading import bytes_of, exists, names_in, text_of, version_or_none

_NVIDIA = "0x10de"
_DISPLAY = "0x03"  # VGA, 3D and other display controllers; a card's audio and USB functions are other classes
_LIBRARY = "libnvidia-ml.so.1"
_LIBRARY_FOLDERS = (
    "usr/lib/wsl/lib",
    f"usr/lib/{os.uname().machine}-linux-gnu",
    "usr/lib64",
    "usr/lib",
    "usr/local/nvidia/lib64",
    "usr/local/nvidia/lib",
    "run/opengl-driver/lib",
)
_WINDOWS_DRIVER = ("mnt/c/Windows/System32/nvml.dll", "mnt/c/Windows/System32/lxss/lib/libnvidia-ml.so.1")
_TEGRA = ("etc/nv_tegra_release", "dev/nvhost-gpu", "dev/nvgpu")
_SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


def look(*, root: Path, environ: Mapping[str, str], kernel: str | None) -> Traces:
    """Files alone are read: nothing is opened that a wedged driver could hold."""
    said = text_of(root / "proc/driver/nvidia/version")
    library = _library(root, environ)
    nodes = tuple(name for name in names_in(root / "dev") or () if re.fullmatch(r"nvidia(\d+|ctl|-uvm)", name))
    return Traces(
        cards=_cards(root / "sys/bus/pci/devices"),
        module_loaded=said is not None or exists(root / "sys/module/nvidia"),
        module_version=loaded_version(root),
        module_built=_module_built(root, kernel),
        rival=next((name for name in ("nouveau", "nova_core") if exists(root / "sys/module" / name)), None),
        library=None if library is None else str(library),
        library_version=None if library is None else library_version(library),
        nodes=nodes,
        denied=tuple(name for name in nodes if not os.access(root / "dev" / name, os.R_OK | os.W_OK)),
        secure_boot=_secure_boot(root),
        wsl_gpu=exists(root / "dev/dxg"),
        windows_driver=exists(root / "usr/lib/wsl/lib" / _LIBRARY)
        or any(exists(root / file) for file in _WINDOWS_DRIVER),
        tegra=any(exists(root / file) for file in _TEGRA),
        distributions=_distributions(root),
    )


def library_version(library: Path) -> Version | None:
    """From the name of the file that the soname's link leads to; WSL's has no such name."""
    found = re.search(r"\.so\.(\d+\.[\d.]+)$", os.path.realpath(library))
    return version_or_none(found[1]) if found else None


def _cards(bus: Path) -> tuple[Card, ...] | None:
    slots = names_in(bus)
    if slots is None:
        return None
    return tuple(
        Card(slot=slot, driver=_driver(bus / slot))
        for slot in slots
        if (text_of(bus / slot / "vendor") or "").strip() == _NVIDIA
        and (text_of(bus / slot / "class") or "").startswith(_DISPLAY)
    )


def _driver(device: Path) -> str | None:
    try:
        return (device / "driver").readlink().name
    except OSError:
        return None


def _module_built(root: Path, kernel: str | None) -> bool | None:
    modules = None if kernel is None else text_of(root / "lib/modules" / kernel / "modules.dep")
    # Debian calls it nvidia-current.ko.
    return None if modules is None else re.search(r"/nvidia(-current|-tesla\S*)?\.ko(\.\w+)?:", modules) is not None


def _library(root: Path, environ: Mapping[str, str]) -> Path | None:
    """Where the loader would find it: LD_LIBRARY_PATH, then ldconfig's cache, then the folders of the usual systems."""
    named = [root / folder.lstrip("/") for folder in environ.get("LD_LIBRARY_PATH", "").split(":") if folder]
    cached = listed(bytes_of(root / "etc/ld.so.cache") or b"", _LIBRARY) or ()
    places = [
        *(folder / _LIBRARY for folder in named),
        *(root / file.lstrip("/") for file in cached),
        *(root / folder / _LIBRARY for folder in _LIBRARY_FOLDERS),
    ]
    return next((place for place in places if exists(place)), None)


def _secure_boot(root: Path) -> bool | None:
    """The variable holds four bytes of attributes and one of value."""
    data = bytes_of(root / _SECURE_BOOT)
    return None if data is None or len(data) < 5 else data[4] == 1


def _distributions(root: Path) -> tuple[str, ...]:
    """ID and ID_LIKE of os-release, the nearest first: `linuxmint ubuntu debian`."""
    said = text_of(root / "etc/os-release") or ""
    found = {name: value.strip("\"'") for name, value in re.findall(r"^(ID|ID_LIKE)=(.*)$", said, re.MULTILINE)}
    return tuple(f"{found.get('ID', '')} {found.get('ID_LIKE', '')}".split())
