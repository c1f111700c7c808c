"""The version of NVIDIA's kernel module, which is the driver version; WSL2 has no such module."""

from __future__ import annotations

import re
from pathlib import Path

from rigfit.core.version import Version
from rigfit.probe.reading import text_of, version_or_none


def loaded_version(root: Path) -> Version | None:
    """None where none is loaded, or it does not say."""
    said = text_of(root / "proc/driver/nvidia/version")
    return module_version(said) or version_or_none(text_of(root / "sys/module/nvidia/version"))


def module_version(said: str | None) -> Version | None:
    """From /proc/driver/nvidia/version: `... Kernel Module  570.86.15 ...`, and with the open module
    `... Open Kernel Module for x86_64  580.126.09 ...`.
    """
    found = re.search(r"Kernel Module(?: for \S+)?\s+([\d.]+)", said or "")
    return version_or_none(found[1]) if found else None
