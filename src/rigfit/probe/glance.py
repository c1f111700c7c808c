"""A look at driver, GPUs and glibc that takes a moment: it reads files, and asks no driver."""

from __future__ import annotations

import re
from pathlib import Path

from rigfit.core.glance import Glance
from rigfit.probe.module import loaded_version
from rigfit.probe.reading import exists, glibc, names_in, text_of


def glance(root: Path) -> Glance:
    """WSL2 has none of these files: there, driver and GPUs stay untold."""
    return Glance(driver=loaded_version(root), gpus=_gpus(root / "proc/driver/nvidia/gpus"), glibc=glibc())


def _gpus(folder: Path) -> tuple[str, ...] | None:
    """None as soon as one of them does not tell: a GPU that nobody has used since the start says `GPU-????????-...`."""
    names = names_in(folder) if exists(folder) else None
    if names is None:
        return None
    said = [re.search(r"^GPU UUID:\s*(GPU-[0-9a-f-]+)$", _information(folder / name), re.MULTILINE) for name in names]
    uuids = tuple(found[1] for found in said if found)
    return uuids if len(uuids) == len(names) else None


def _information(gpu: Path) -> str:
    return text_of(gpu / "information") or ""
