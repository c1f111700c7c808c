"""Whether bitsandbytes has a library of its own for torch's CUDA, and whether its libraries are what they are called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from packaging.version import Version as PackageVersion

from rigfit.core.fact import Library
from rigfit.core.finding import Finding
from rigfit.core.requirements.quantization import taken
from rigfit.core.version import Version
from rigfit.core.words import say
from rigfit.doctor.python.case import Case
from rigfit.doctor.python.native import Binary, binaries_of, twin_of

_OVERRIDE = "BNB_CUDA_VERSION"
_DOCS = "https://huggingface.co/docs/bitsandbytes/v0.50.0/installation"
_COPYING = "https://github.com/bitsandbytes-foundation/bitsandbytes/issues/156"
_NEAREST = PackageVersion("0.50.0")  # the first that takes the next library of the same CUDA major


def has_library(case: Case) -> bool:
    """For torch's CUDA; true where nothing can be said."""
    if case.torch is None or case.torch.cuda is None or case.shelf.module("bitsandbytes") is None:
        return True
    return _for(case, case.torch.cuda) is not None


def libraries(case: Case) -> Iterator[Finding]:
    """One cause: a copied file, a variable that names another library, or none for torch's CUDA."""
    found = _copied(case) or _overridden(case) or _missing(case)
    if found is not None:
        yield found


def _binaries(case: Case) -> tuple[Binary, ...]:
    module = case.shelf.module("bitsandbytes")
    return binaries_of(module, case.shelf.copy("bitsandbytes")) if module else ()


def _copied(case: Case) -> Finding | None:
    """A CUDA library under the name of the CPU's: people copy it to silence a message, and the cause stays hidden."""
    every = _binaries(case)
    cpu = next((each for each in every if each.file.name == "libbitsandbytes_cpu.so"), None)
    twin = twin_of(cpu, tuple(each for each in every if each.cuda)) if cpu else None
    if cpu is None or (twin is None and cpu.recorded in (None, cpu.size)):
        return None
    because = [say("{file} has {size:,} bytes", file=cpu.file, size=cpu.size)]
    if cpu.recorded is not None:
        because.append(say("its wheel had it with {size:,} bytes", size=cpu.recorded))
    if twin is not None:
        because.append(say("{file} has the same content", file=twin.file))
    version = case.installed.versions.get("bitsandbytes")
    return Finding(
        code="copied_library",
        severity="error",
        what=say("libbitsandbytes_cpu.so of bitsandbytes is not its own: another library was copied over it"),
        because=tuple(because),
        fix=(case.install(f"bitsandbytes=={version}" if version else "bitsandbytes", afresh=True),),
        source=_COPYING,
    )


def _overridden(case: Case) -> Finding | None:
    wanted, torch = case.look.environ.get(_OVERRIDE, ""), case.torch
    if not wanted or torch is None or torch.cuda is None or wanted == str(torch.cuda).replace(".", ""):
        return None
    there = any(each.file.name == f"libbitsandbytes_cuda{wanted}.so" for each in _binaries(case))
    told = say(
        "{name}={value}, and torch {version} is built with CUDA {cuda}",
        name=_OVERRIDE,
        value=wanted,
        version=torch.version,
        cuda=torch.cuda,
    )
    return Finding(
        code="bnb_cuda_version",
        severity="warning" if there else "error",
        what=say("{name} makes bitsandbytes take another library than torch's CUDA needs", name=_OVERRIDE),
        because=(told, *(() if there else (_which(case),))),
        fix=(f"unset {_OVERRIDE}",),
        source=_DOCS,
    )


def _missing(case: Case) -> Finding | None:
    torch, version = case.torch, case.installed.versions.get("bitsandbytes")
    if torch is None or torch.cuda is None or not case.has_gpu or has_library(case):
        return None
    return Finding(
        code="no_bitsandbytes_library",
        severity="error",
        what=say("bitsandbytes {version} has no library for torch's CUDA {cuda}", version=version, cuda=torch.cuda),
        because=(
            say(
                "torch {version} is built with CUDA {cuda}: {file}",
                version=torch.version,
                cuda=torch.cuda,
                file=torch.file,
            ),
            _which(case),
        ),
        fix=case.ways(_anew(case, torch.cuda) or case.change),
        source=_DOCS,
    )


def _anew(case: Case, cuda: Version) -> str:
    """The line that puts back what its wheel has and the folder has not; empty where its wheel has none either."""
    version, arch = case.installed.version("bitsandbytes"), case.machine.platform.arch
    rows = (row for row in case.facts.libraries if version is not None and row.includes(version))
    shipped = [row for row in rows if row.arch == arch]
    return case.install(f"bitsandbytes=={version}", afresh=True) if taken(shipped, cuda) else ""


def _which(case: Case) -> str:
    module = case.shelf.module("bitsandbytes")
    names = ", ".join(sorted({str(each.cuda) for each in _binaries(case) if each.cuda}, key=Version)) or say("none")
    return say("libraries for CUDA in {folder}: {names}", folder=module.file if module else "", names=names)


def _for(case: Case, cuda: Version) -> Library | None:
    """Of those that lie there, the one that it loads; which that is depends on its version."""
    version = case.installed.version("bitsandbytes")
    match: Literal["exact", "nearest"] = "nearest" if version is not None and version >= _NEAREST else "exact"
    none = PackageVersion("0")
    there = [
        Library(source="", read="", since=none, until=none, arch="", cuda=each.cuda, cubins=(), match=match)
        for each in _binaries(case)
        if each.cuda is not None
    ]
    return taken(there, cuda)
