"""Asks NVML how each GPU is used at this moment, as a process of its own, like nvml.py, whose manners it has.

Runs as a script, `python -I -S nvml_use.py PARENT BINDING NODE LIBRARY...`, and prints a line of JSON: a list, empty where NVML
is silent. Where there are processes it prints the list once more, with the users' names: the directory that knows them
may be slow. /proc is looked for beside the folder of NODE.

A process is named only where its pid is surely its own. In a container NVML gives the machine's pids, by which /proc
there knows other processes or none (https://github.com/NVIDIA/nvidia-docker/issues/1483); newer kernel modules give the
container's (https://github.com/NVIDIA/open-gpu-kernel-modules/pull/614), and nothing says which it is. So outside the
machine's own pid namespace, which has a fixed number, a process must be seen to hold a GPU's device file open.
"""
# ruff: noqa: PTH112, PTH115, PTH116, PTH118, PTH120, PTH123, PTH208 - pathlib takes 10 ms

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

# https://docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html; an idle GPU, clocks that somebody has set
# and a group of GPUs that keep step are other reasons, and no slowdown.
_SLOWDOWNS = {0x04: "power_cap", 0x20: "thermal_software", 0x40: "thermal_hardware", 0x80: "power_brake"}
_BY_HARDWARE = 0x08
_SAID_WHY = 0x40 | 0x80

# Above 450 the second version is the same everywhere; between 535.43 and 535.103 the third has entries of another size
# or is missing (https://github.com/XuehaiPan/nvitop/pull/89).
_PROCESSES = {
    kind: (f"nvmlDeviceGet{kind}RunningProcesses_v2", f"nvmlDeviceGet{kind}RunningProcesses")
    for kind in ("Compute", "MPSCompute", "Graphics")
}
_REASONS = ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons")
_MACHINES_NAMESPACE = "pid:[4026531836]"  # PROC_PID_INIT_INO in Linux' include/linux/proc_ns.h

_READINGS: dict[str, Callable[[Any, Any], Any]] = {  # of (pynvml, handle)
    "busy": lambda nvml, gpu: nvml.nvmlDeviceGetUtilizationRates(gpu).gpu,
    "celsius": lambda nvml, gpu: nvml.nvmlDeviceGetTemperature(gpu, nvml.NVML_TEMPERATURE_GPU),
    "celsius_max": lambda nvml, gpu: nvml.nvmlDeviceGetTemperatureThreshold(
        gpu, nvml.NVML_TEMPERATURE_THRESHOLD_GPU_MAX
    ),
    "memory_free": lambda nvml, gpu: _free(nvml.nvmlDeviceGetMemoryInfo(gpu)),
    "clock": lambda nvml, gpu: nvml.nvmlDeviceGetClockInfo(gpu, nvml.NVML_CLOCK_SM),
    "clock_max": lambda nvml, gpu: nvml.nvmlDeviceGetMaxClockInfo(gpu, nvml.NVML_CLOCK_SM),
    "slowdown": lambda nvml, gpu: _slowdown(_first(nvml, _REASONS, gpu)),
    "ecc_uncorrected": lambda nvml, gpu: nvml.nvmlDeviceGetTotalEccErrors(
        gpu, nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, nvml.NVML_VOLATILE_ECC
    ),
}
_Said = dict[str, Any]


def main() -> None:
    asker = _load_asker()
    parent, *words = sys.argv[1:]
    asker.end_with(int(parent))
    answer_to = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no part of the answer
    with os.fdopen(answer_to, "w") as stream:
        for answer in _answers(asker, *words):
            stream.write(json.dumps(answer) + "\n")
            stream.flush()
    os._exit(0)  # as in nvml.py


def _answers(asker: Any, binding: str, node: str, *libraries: str) -> Iterator[list[_Said]]:
    """What NVML says, and that with users where there are processes."""
    proc = os.path.join(os.path.dirname(os.path.dirname(node)), "proc")
    nvml = asker.load_binding(binding) if asker.load_first(list(libraries)) is None else None
    count = 0 if nvml is None else asker.attempt(nvml, "nvmlInit", partial(_count, nvml))[0] or 0
    uses = [_use(asker, nvml, index, proc) for index in range(count)]
    yield uses
    holders = [each for use in uses for place in (use, *use.get("parts", ())) for each in place.get("processes", ())]
    if holders:
        for each in holders:
            each["user"] = _user(proc, each["pid"])
        yield uses


def _load_asker() -> Any:
    """The module nvml.py beside this file, which stands in no package for a script."""
    spec = spec_from_file_location("rigfit_nvml", os.path.join(os.path.dirname(__file__), "nvml.py"))
    if spec is None or spec.loader is None:
        raise SystemExit(1)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _count(nvml: Any) -> int:
    nvml.nvmlInit()
    return int(nvml.nvmlDeviceGetCount())


def _use(asker: Any, nvml: Any, index: int, proc: str) -> _Said:
    handle, failure = asker.attempt(nvml, "handle", lambda: nvml.nvmlDeviceGetHandleByIndex(index))
    if failure is not None:
        return {"index": index}
    said = {name: asker.attempt(nvml, name, partial(ask, nvml, handle))[0] for name, ask in _READINGS.items()}
    parts = list(_parts(asker, nvml, handle, proc))
    # Who may not ask about the whole GPU may ask about each of its instances.
    processes = {each["pid"]: each for part in parts for each in part["processes"]}
    processes |= {each["pid"]: each for each in _holders(asker, nvml, handle, proc)}
    uuid = asker.attempt(nvml, "uuid", partial(asker.READINGS["uuid"], nvml, handle))[0]
    return {"index": index, "uuid": uuid, **said, "processes": list(processes.values()), "parts": parts}


def _parts(asker: Any, nvml: Any, gpu: Any, proc: str) -> Iterator[_Said]:
    """The MIG instances that open."""
    mode = asker.attempt(nvml, "mig", lambda: nvml.nvmlDeviceGetMigMode(gpu)[0])[0]
    if mode != nvml.NVML_DEVICE_MIG_ENABLE:
        return
    most = asker.attempt(nvml, "slices", lambda: nvml.nvmlDeviceGetMaxMigDeviceCount(gpu))[0] or 0
    for index in range(most):
        ask = partial(nvml.nvmlDeviceGetMigDeviceHandleByIndex, gpu, index)
        handle, failure = asker.attempt(nvml, "slice", ask)
        if failure is None:
            yield {
                "uuid": asker.attempt(nvml, "uuid", partial(asker.READINGS["uuid"], nvml, handle))[0],
                "memory_free": asker.attempt(nvml, "memory", partial(_READINGS["memory_free"], nvml, handle))[0],
                "processes": _holders(asker, nvml, handle, proc),
            }


def _first(nvml: Any, names: tuple[str, ...], *arguments: Any) -> Any:
    """The answer of the first of these functions that binding and driver have."""
    name, *others = names
    try:
        return getattr(nvml, name, partial(_lacking, nvml))(*arguments)
    except nvml.NVMLError as error:
        if not others or error.value != nvml.NVML_ERROR_FUNCTION_NOT_FOUND:
            raise
    return _first(nvml, tuple(others), *arguments)


def _lacking(nvml: Any, *_arguments: Any) -> Any:
    raise nvml.NVMLError(nvml.NVML_ERROR_FUNCTION_NOT_FOUND)


def _free(memory: Any) -> int | None:
    """None where the driver says that there is no memory at all: such a GPU uses the machine's."""
    return memory.free if memory.total else None


def _slowdown(reasons: int) -> list[str]:
    words = [word for bit, word in _SLOWDOWNS.items() if reasons & bit]
    return [*words, "hardware"] if reasons & _BY_HARDWARE and not reasons & _SAID_WHY else words


def _holders(asker: Any, nvml: Any, handle: Any, proc: str) -> list[_Said]:
    """By pid; a process that both computes and draws is one that computes."""
    found: dict[int, _Said] = {}
    for kind, names in _PROCESSES.items():
        for each in asker.attempt(nvml, kind, partial(_first, nvml, names, handle))[0] or ():
            found.setdefault(
                each.pid,
                {
                    "pid": each.pid,
                    "name": _name(asker, nvml, proc, each.pid),
                    "memory": each.usedGpuMemory or None,  # a container is told 0 of a process that it may not look at
                    "graphics": kind == "Graphics",
                },
            )
    return list(found.values())


def _name(asker: Any, nvml: Any, proc: str, pid: int) -> str | None:
    """The program's name without folder and options."""
    place = _place(proc, pid)
    if place is None:
        return None
    said = asker.attempt(nvml, "name", lambda: nvml.nvmlSystemGetProcessName(pid))[0]
    return str(said or _text(f"{place}/comm")).strip().split(" -", 1)[0].rsplit("/", 1)[-1] or None


def _user(proc: str, pid: int) -> str | None:
    """The owner's name, or number where nobody knows the name."""
    import pwd

    place = _place(proc, pid)
    try:
        owner = None if place is None else os.stat(place).st_uid
    except OSError:
        return None
    try:
        return None if owner is None else pwd.getpwuid(owner).pw_name
    except KeyError:
        return str(owner)


def _place(proc: str, pid: int) -> str | None:
    """The folder of /proc that is surely this process's."""
    place = f"{proc}/{pid}"
    if _link(f"{proc}/self/ns/pid") == _MACHINES_NAMESPACE:
        return place if os.path.isdir(place) else None
    try:
        files = [_link(f"{place}/fd/{name}") for name in os.listdir(f"{place}/fd")]
    except OSError:
        return None
    return place if any(re.fullmatch(r"/dev/nvidia\d+", file) for file in files) else None


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read(256)
    except OSError:
        return ""


if __name__ == "__main__":
    main()
