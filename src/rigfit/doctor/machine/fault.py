"""Why no driver answers: the fault that was found, with the evidence behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rigfit.core.evidence import Evidence, Library
from rigfit.core.finding import Finding, Severity
from rigfit.core.machine import FAULT_CAUSES, FAULTS, Driver, DriverFault, Machine
from rigfit.core.words import joined, say

_ABSENT = "no_gpu"
_SHADOWED = "library_shadowed"
CODES = (_ABSENT, *(f"driver_{fault}" for fault in FAULTS if fault != "no_device"), *FAULT_CAUSES, _SHADOWED)

_GUIDE = "https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/"
_NVML = "https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html"
_TOOLKIT = "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html"
_WSL = "https://docs.nvidia.com/cuda/wsl-user-guide/index.html"
_SOURCES = {
    "container_driver_mismatch": _NVML,
    "container_lost_gpu": "https://github.com/NVIDIA/nvidia-docker/issues/1678",
    "container_without_capability": _TOOLKIT,
    "container_without_gpu": _TOOLKIT,
    "cuda_override": "https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-virtual.html",
    "driver_upgraded": _NVML,
    "gpu_lost": "https://docs.nvidia.com/deploy/xid-errors/index.html",
    "module_not_built": _GUIDE,
    "nouveau": _GUIDE,
    "secure_boot": "https://docs.kernel.org/admin-guide/module-signing.html",
    "wsl_driver_silent": _WSL,
    "wsl_without_library": _WSL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    machine: Machine
    fault: DriverFault
    evidence: Evidence


def findings(machine: Machine, evidence: Evidence | None) -> Iterator[Finding]:
    """One or none. Without `evidence`, as of a record, the fault is told as it was recorded."""
    fault = machine.driver
    if isinstance(fault, Driver):
        return
    if fault.fault == "no_device":
        yield Finding(code=_ABSENT, severity="note", what=fault.what, fix=fault.fix)
        return
    code = fault.cause or f"driver_{fault.fault}"
    if evidence is None:
        yield Finding(
            code=code, severity=_severity(fault, None), what=fault.what, fix=fault.fix, source=_SOURCES.get(code, _NVML)
        )
        return
    case = _Case(machine=machine, fault=fault, evidence=evidence)
    yield _shadowed(case) or Finding(
        code=code,
        severity=_severity(fault, evidence),
        what=fault.what,
        because=tuple(_because(case, code)),
        fix=fault.fix,
        source=_SOURCES.get(code, _NVML),
    )


def _severity(fault: DriverFault, evidence: Evidence | None) -> Severity:
    """Who says on a machine without GPU that there is no driver is right."""
    if fault.cause == "cuda_override" and (evidence is None or evidence.traces.none_of_nvidia):
        return "note"
    return "error"


def _shadowed(case: _Case) -> Finding | None:
    """Two versions, of which the wrong one comes by LD_LIBRARY_PATH: no restart helps."""
    module = case.fault.module_version
    every = case.evidence.where("libnvidia-ml.so.1")
    if case.fault.fault != "version_mismatch" or module is None or not every:
        return None
    first = every[0]
    right = next((each for each in every if each.version == module), None)
    return shadowing(first, right, module=str(module)) if first.variable and first.version != module and right else None


def shadowing(first: Library, right: Library, *, module: str) -> Finding:
    """`first` is what programs load, `right` what they should."""
    what = say(
        "{variable} leads programs to a {name} that is not this driver's: {path}",
        variable=first.variable,
        name=first.name,
        path=first.path,
    )
    because = (
        _library(first),
        say("the loaded kernel module is {version}, and so is {path}", version=module, path=right.path),
    )
    take_out = say(
        "take the folder of that file out of {variable}, where it is set (~/.bashrc, a module file)",
        variable=first.variable,
    )
    return Finding(
        code=_SHADOWED,
        severity="error",
        what=what,
        because=because,
        fix=("unset LD_LIBRARY_PATH", take_out),
        source="https://man7.org/linux/man-pages/man8/ld.so.8.html",
    )


def _because(case: _Case, code: str) -> Iterator[str]:
    for piece in _PIECES.get(code, _ANY):
        yield from piece(case)


def _cards(case: _Case) -> Iterator[str]:
    for card in case.evidence.traces.cards or ():
        held = card.driver or say("no driver")
        yield say("/sys/bus/pci/devices/{slot}: an NVIDIA GPU, held by {driver}", slot=card.slot, driver=held)


def _module(case: _Case) -> Iterator[str]:
    traces = case.evidence.traces
    if traces.module_version is not None:
        yield say("loaded kernel module: {version} (/proc/driver/nvidia/version)", version=traces.module_version)
    elif not traces.module_loaded:
        yield say("NVIDIA's kernel module is not loaded (no /proc/driver/nvidia/version)")


def _libraries(case: _Case) -> Iterator[str]:
    every = case.evidence.where("libnvidia-ml.so.1")
    yield from map(_library, every)
    traces = case.evidence.traces
    if not every and traces.library is not None:
        version = traces.library_version or say("unknown")
        yield say("{path}: version {version}", path=traces.library, version=version)
    elif not every:
        yield say("libnvidia-ml.so.1 is in none of the loader's folders")


def _library(library: Library) -> str:
    told = say("version {version}", version=library.version or say("unknown"))
    if library.is_stub:
        told = say("a stub, which is no driver")
    if library.variable:
        return say("{path}: {told}, found by {variable}", path=library.path, told=told, variable=library.variable)
    return say("{path}: {told}", path=library.path, told=told)


def _nodes(case: _Case) -> Iterator[str]:
    traces = case.evidence.traces
    if not traces.nodes:
        yield say("there is no /dev/nvidia*")
        return
    yield say("device files that are there: {files}", files=", ".join(f"/dev/{name}" for name in traces.nodes))
    if traces.denied:
        files = ", ".join(f"/dev/{name}" for name in traces.denied)
        yield say("this user may not open: {files}", files=files)


def _open_nodes(case: _Case) -> Iterator[str]:
    yield from _nodes(case)
    yield say("their modes let this user open them: so the rules of the container are what forbids it")


def _container(case: _Case) -> Iterator[str]:
    if case.machine.platform.container is not None:
        yield say("this is a container ({kind})", kind=case.machine.platform.container)


def _rival(case: _Case) -> Iterator[str]:
    if case.evidence.traces.rival is not None:
        yield say("the kernel module {name} is loaded (/sys/module)", name=case.evidence.traces.rival)


def _secure_boot(case: _Case) -> Iterator[str]:
    yield say("Secure Boot is on (the firmware's variable SecureBoot is 1)")
    built = case.evidence.modules.file_of(case.machine.platform.kernel)
    if built is None:
        return
    if built.signed is None:
        yield say("{file} is there; whether it is signed was not read", file=built.file)
    elif built.signed:
        yield say("{file} is signed, with a key that the firmware must know (mokutil --list-enrolled)", file=built.file)
    else:
        yield say("{file} has no signature", file=built.file)


def _builds(case: _Case) -> Iterator[str]:
    """What is there for other kernels, and why there is none for this one."""
    kernel, modules = case.machine.platform.kernel, case.evidence.modules
    yield say("/lib/modules/{kernel}/modules.dep names no NVIDIA module", kernel=kernel)
    others = sorted({each.kernel for each in (*modules.files, *modules.dkms)} - {kernel})
    if others:
        yield say("it was built for: {kernels}", kernels=", ".join(others))
    for each in modules.dkms:
        if each.kernel == kernel:
            yield say("DKMS has built it for this kernel ({place}), but it is not installed", place=each.file)
    if modules.headers is not None:
        yield say("the headers of this kernel are not installed: no {path}", path=modules.headers)


def _changes(case: _Case) -> Iterator[str]:
    """The change that brought the library's version, or else the last."""
    library = case.fault.library_version
    every = case.evidence.changes
    brought = [each for each in every if library and each.after and str(library) in each.after]
    for each in (brought or list(every))[:1]:
        versions = joined(" -> ", [part for part in (each.before, each.after) if part])
        yield say(
            "{when}: {package} {versions} ({log})",
            when=each.when,
            package=each.package,
            versions=versions,
            log=each.log,
        )
        if each.by:
            yield say("by: {command}", command=each.by)


def _kernel(case: _Case) -> Iterator[str]:
    yield say("kernel: {kernel}", kernel=case.machine.platform.kernel or say("unknown"))


_Piece = Callable[[_Case], Iterator[str]]
_ANY: tuple[_Piece, ...] = (_cards, _module, _libraries, _nodes, _container)
_PIECES: dict[str, tuple[_Piece, ...]] = {
    "container_driver_mismatch": (_module, _libraries, _container),
    "container_lost_gpu": (_open_nodes, _module, _container),
    "container_without_capability": (_nodes, _module, _libraries, _container),
    "container_without_gpu": (_module, _nodes, _container),
    "cuda_override": (_cards, _module),
    "device_files_missing": (_module, _nodes),
    "driver_no_driver": (_cards, _module, _libraries),
    "driver_not_loaded": (_cards, _module, _libraries, _kernel),
    "driver_upgraded": (_module, _libraries, _changes),
    "gpu_reserved": (_cards,),
    "library_missing": (_module, _libraries),
    "library_not_loadable": (_libraries, _module),
    "library_stub": (_libraries, _module),
    "module_not_built": (_builds, _module, _cards),
    "nouveau": (_cards, _rival, _module),
    "secure_boot": (_secure_boot, _module, _cards),
    "user_denied": (_nodes,),
    "wsl_driver_silent": (_libraries,),
    "wsl_without_library": (_libraries,),
}
