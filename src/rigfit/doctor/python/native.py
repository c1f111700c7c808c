"""What torch and bitsandbytes are built for, read from their files."""

from __future__ import annotations

import csv
import filecmp
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rigfit.core.installed import Build
from rigfit.core.version import Version
from rigfit.doctor.python.shelf import Copy, Module, Shelf, text_of

_SET = re.compile(r"""^(__version__|cuda|hip|xpu)\s*(?::[^=]*)?=\s*['"]([^'"]*)['"]""", re.MULTILINE)
_LIBRARY = re.compile(r"libbitsandbytes_cuda(\d+)(\d)\.so")


@dataclass(frozen=True, slots=True, kw_only=True)
class Torch:
    """`version` with its local part, `2.13.0+cpu`; `file` says so."""

    version: str
    build: Build
    cuda: Version | None
    file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """A library of bitsandbytes; `recorded` is the size that its wheel had it in, None where nothing tells."""

    file: Path
    size: int
    recorded: int | None = None

    @property
    def cuda(self) -> Version | None:
        """The CUDA that it is for, by its name: 12.1 for `libbitsandbytes_cuda121.so`."""
        match = _LIBRARY.fullmatch(self.file.name)
        return Version(f"{match[1]}.{match[2]}") if match else None


def torch_of(shelf: Shelf) -> Torch | None:
    """None where there is none, or none that tells."""
    module = shelf.module("torch")
    if module is None:
        return None
    file = module.file / "version.py"
    told = dict(_SET.findall(text_of(file)))
    if "__version__" not in told:
        return None
    try:
        cuda = Version(told["cuda"]) if told.get("cuda") else None
    except ValueError:
        return None
    build: Build = "cuda" if cuda else "other" if told.get("hip") or told.get("xpu") else "cpu"
    return Torch(version=told["__version__"], build=build, cuda=cuda, file=file)


def binaries_of(module: Module, copy: Copy | None) -> tuple[Binary, ...]:
    """The libraries that lie beside bitsandbytes' own files."""
    recorded = dict(_recorded(copy)) if copy else {}
    files = sorted(file for file in module.file.glob("libbitsandbytes_*.so") if file.is_file())
    return tuple(Binary(file=file, size=file.stat().st_size, recorded=recorded.get(file.name)) for file in files)


def _recorded(copy: Copy) -> Iterator[tuple[str, int]]:
    try:
        with (copy.info / "RECORD").open(encoding="utf-8", newline="") as file:
            for path, _, size in (row for row in csv.reader(file) if len(row) == 3):
                if size.isdigit():
                    yield os.path.basename(path), int(size)  # noqa: PTH119 - a name in a table, of no file here
    except (OSError, ValueError, csv.Error):
        return


def twin_of(binary: Binary, others: tuple[Binary, ...]) -> Binary | None:
    """Another library with the same content."""
    same = (each for each in others if each.file != binary.file and each.size == binary.size)
    return next((each for each in same if filecmp.cmp(each.file, binary.file, shallow=False)), None)
