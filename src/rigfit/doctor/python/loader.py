"""What the system's loader would find before, or beside, the CUDA libraries that came with torch."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from rigfit.core.finding import Finding
from rigfit.core.words import say
from rigfit.doctor.python.case import Case

_VARIABLE = "LD_LIBRARY_PATH"
# Those of CUDA that torch's wheels bring along, and where: a folder of the name that is in its file's name.
_BROUGHT = re.compile(r"lib(cudart|cublas|cublasLt|cusparse|cusolver|cudnn|cufft|curand|nvJitLink|nccl)\.so\.\d+")
_DRIVERS = ("libcuda.so.1", "libnvidia-ml.so.1")
_STUB = 1 << 18  # bytes; the driver's own have megabytes, what stands in for them while linking has less than 100 kB
_CUDART = re.compile(r"libcudart\.so\.\d+")


def traps(case: Case) -> Iterator[Finding]:
    """Stubs of the driver first: with them no GPU is seen at all."""
    folders = _folders(case)
    stubs = [file for folder in folders for name in _DRIVERS if _is_stub(file := folder / name)]
    if stubs:
        yield _stubs(stubs, case)
    brought = _brought(case)
    before = {name: folder / name for folder in reversed(folders) for name in _names(folder) if name in brought}
    other = {name: file for name, file in before.items() if not _same(file, brought[name])}
    if other:
        yield _before(other, brought, case)


def _folders(case: Case) -> list[Path]:
    told = case.look.environ.get(_VARIABLE, "").split(os.pathsep)
    return [folder for part in told if part and (folder := case.look.folder / part).is_dir()]


def _is_stub(file: Path) -> bool:
    try:
        return file.is_file() and file.stat().st_size < _STUB
    except OSError:
        return False


def _stubs(stubs: list[Path], case: Case) -> Finding:
    return Finding(
        code="driver_stub",
        severity="error",
        what=say("{variable} puts a stub in the place of the driver's library", variable=_VARIABLE),
        because=tuple(say("{file} has {size:,} bytes", file=file, size=file.stat().st_size) for file in stubs),
        fix=(_without({file.parent for file in stubs}, case),),
        source="https://docs.nvidia.com/cuda/cuda-installation-guide-linux/",
    )


def _without(folders: set[Path], case: Case) -> str:
    """The command that takes those folders out of the variable."""
    parts = [part for part in case.look.environ.get(_VARIABLE, "").split(os.pathsep) if part]
    kept = [part for part in parts if case.look.folder / part not in folders]
    return f"export {_VARIABLE}={shlex.quote(os.pathsep.join(kept))}" if kept else f"unset {_VARIABLE}"


def _brought(case: Case) -> Mapping[str, Path]:
    """By name, the libraries in the wheels that torch's own needs are."""
    module = case.shelf.module("torch")
    if module is None:
        return {}
    places = [*module.folder.glob("nvidia/*/lib"), module.file / "lib"]
    return {name: place / name for place in reversed(places) for name in _names(place)}


def _names(folder: Path) -> list[str]:
    try:
        return sorted(file.name for file in folder.iterdir() if _BROUGHT.fullmatch(file.name))
    except OSError:
        return []


def _same(one: Path, other: Path) -> bool:
    """Of one size: another release of a CUDA library has another."""
    try:
        return one.stat().st_size == other.stat().st_size
    except OSError:
        return True


def _before(other: Mapping[str, Path], brought: Mapping[str, Path], case: Case) -> Finding:
    named = [say("{file} is loaded, not {own}", file=file, own=brought[name]) for name, file in sorted(other.items())]
    return Finding(
        code="ld_library_path",
        severity="warning",
        what=say("{variable} puts other CUDA libraries before those that came with torch", variable=_VARIABLE),
        because=tuple(named[:4]),
        fix=(_without({file.parent for file in other.values()}, case),),
        source="https://github.com/pytorch/pytorch/issues/111469",
    )


def cudarts(case: Case) -> Iterator[Finding]:
    """Copies of the CUDA runtime under one name that are not the same: which one is taken depends on the order of imports."""
    found: dict[str, list[Path]] = {}
    module = case.shelf.module("torch")
    near = [*module.folder.glob("nvidia/*/lib"), module.file / "lib"] if module else []
    for folder in dict.fromkeys([*near, case.look.prefix / "lib"]):
        for name in filter(_CUDART.fullmatch, _names(folder)):
            found.setdefault(name, []).append(folder / name)
    for name, files in sorted(found.items()):
        if any(not _same(files[0], file) for file in files[1:]):
            yield Finding(
                code="duplicate_cudart",
                severity="note",
                what=say("there are {count} different {name} in this environment", count=len(files), name=name),
                because=tuple(say("{file} has {size:,} bytes", file=file, size=file.stat().st_size) for file in files),
                source="https://github.com/bitsandbytes-foundation/bitsandbytes/issues/447",
            )
