"""Asks NVML what it knows, as a process of its own: a wedged driver hangs whoever asks, a broken one kills it.

Runs as a script, `python -I -S nvml.py PARENT BINDING NODE LIBRARY...`, and prints one line of JSON. It ends when the process
PARENT does. BINDING is the file of
NVIDIA's `pynvml` module: loading it by its path is quick without `site`, and no other distribution can take its name.
The first LIBRARY that loads is used. NODE is the device file that NVML opens first; where NVML fails, the error that
opening it gives tells a missing device from a forbidden one.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

_PR_SET_PDEATHSIG = 1  # linux/prctl.h

Reading = Callable[[Any, Any], Any]  # of (pynvml, handle)

READINGS: dict[str, Reading] = {
    "name": lambda nvml, gpu: _text(nvml.nvmlDeviceGetName(gpu)),
    "uuid": lambda nvml, gpu: _text(nvml.nvmlDeviceGetUUID(gpu)),
    "compute_capability": lambda nvml, gpu: nvml.nvmlDeviceGetCudaComputeCapability(gpu),
    "memory": lambda nvml, gpu: _memory(nvml.nvmlDeviceGetMemoryInfo(gpu)),
    "mig": lambda nvml, gpu: nvml.nvmlDeviceGetMigMode(gpu)[0] == nvml.NVML_DEVICE_MIG_ENABLE,
    "pci": lambda nvml, gpu: _text(nvml.nvmlDeviceGetPciInfo(gpu).busId),
    "compute_mode": lambda nvml, gpu: nvml.nvmlDeviceGetComputeMode(gpu),
}
OF_A_SLICE = ("uuid", "name", "memory")  # what a MIG instance is asked: NVML takes its handle in a GPU's place


def main() -> None:
    parent, binding, node, *libraries = sys.argv[1:]
    end_with(int(parent))
    answer_to = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no part of the answer
    answer = _answer(binding, node, libraries)
    with os.fdopen(answer_to, "w") as stream:
        stream.write(json.dumps(answer) + "\n")
    os._exit(0)  # a library that hangs or dies in its destructors takes nothing back


def end_with(parent: int) -> None:
    """As process/guard.py does, without a start of Python for it alone."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:  # it ended before the kernel was asked
        os._exit(128 + int(signal.SIGKILL))


def _answer(binding: str, node: str, libraries: list[str]) -> dict[str, Any]:
    why_not = load_first(libraries)
    if why_not is not None:
        return {"reason": "library", "text": why_not, "node_error": _node_error(node)}
    nvml = load_binding(binding)
    if nvml is None:
        return {"reason": "binding", "text": binding, "library": _loaded_library()}
    answer, failure = attempt(nvml, "nvmlInit", lambda: _machine(nvml))
    if failure is None:
        return {**answer, "library": _loaded_library()}
    return {"reason": "code", **failure, "library": _loaded_library(), "node_error": _node_error(node)}


def _machine(nvml: Any) -> dict[str, Any]:
    """Driver, CUDA and GPUs; raises what `nvmlInit` raises and nothing else of NVML's."""
    nvml.nvmlInit()
    driver, no_driver = attempt(nvml, "nvmlSystemGetDriverVersion", nvml.nvmlSystemGetDriverVersion)
    cuda, no_cuda = attempt(nvml, "nvmlSystemGetCudaDriverVersion", lambda: _cuda(nvml))
    count, no_count = attempt(nvml, "nvmlDeviceGetCount", nvml.nvmlDeviceGetCount)
    return {
        "driver": {"value": _text(driver), "failure": no_driver},
        "cuda": {"value": cuda, "failure": no_cuda},
        "gpus": {"value": [_gpu(nvml, index) for index in range(count or 0)], "failure": no_count},
    }


def _cuda(nvml: Any) -> int:
    """13000 for 13.0, asked of the CUDA library; a driver older than that question answers the older one."""
    try:
        return int(nvml.nvmlSystemGetCudaDriverVersion_v2())
    except nvml.NVMLError as error:
        if error.value != nvml.NVML_ERROR_FUNCTION_NOT_FOUND:
            raise
        return int(nvml.nvmlSystemGetCudaDriverVersion())


def _gpu(nvml: Any, index: int) -> dict[str, Any]:
    handle, failure = attempt(nvml, "nvmlDeviceGetHandleByIndex", lambda: nvml.nvmlDeviceGetHandleByIndex(index))
    if failure is not None:
        return {"index": index, "failure": failure}
    said = _read(nvml, handle, READINGS)
    slices = attempt(nvml, "slices", lambda: _slices(nvml, handle))[0] if said["mig"] else None
    return {"index": index, **said, "slices": slices}


def _read(nvml: Any, handle: Any, fields: Iterable[str]) -> dict[str, Any]:
    return {field: attempt(nvml, field, partial(READINGS[field], nvml, handle))[0] for field in fields}


def _slices(nvml: Any, gpu: Any) -> list[dict[str, Any]] | None:
    """The instances that open; None where none does and one was refused, so that nobody takes it for a GPU without any."""
    found, refused = [], False
    for index in range(nvml.nvmlDeviceGetMaxMigDeviceCount(gpu)):
        ask = partial(nvml.nvmlDeviceGetMigDeviceHandleByIndex, gpu, index)
        handle, failure = attempt(nvml, "nvmlDeviceGetMigDeviceHandleByIndex", ask)
        if failure is None:
            found.append(_read(nvml, handle, OF_A_SLICE))
        elif failure["code"] != nvml.NVML_ERROR_NOT_FOUND:  # no instance has this index
            refused = True
    return None if refused and not found else found


def attempt(nvml: Any, call: str, ask: Callable[[], Any]) -> tuple[Any, dict[str, Any] | None]:
    """The value and no failure, or no value and the failure: one question never costs the answer to another."""
    try:
        return ask(), None
    except nvml.NVMLError as error:
        return None, {"call": call, "code": error.value, "text": _words(error)}
    except (nvml.NVMLLibraryMismatchError, ValueError) as error:  # ValueError: a text that is not UTF-8
        return None, {"call": call, "code": None, "text": str(error)}


def _words(error: Exception) -> str:
    try:
        return str(error)  # asks the library for a text that the binding does not have
    except ValueError:
        return "no readable text"


def _text(value: bytes | str | None) -> str | None:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _memory(info: Any) -> tuple[int, int] | None:
    """None where the driver says that there is none: such a GPU uses the machine's memory."""
    return (info.total, info.free) if info.total else None


def load_first(libraries: list[str]) -> str | None:
    """Load a library where the binding finds it by its soname; None, or what the loader said of the last."""
    why_not: str | None = "no library was named"
    for library in libraries:
        why_not = _load(library)
        if why_not is None:
            break
    return why_not


def _load(library: str) -> str | None:
    try:
        ctypes.CDLL(library)
    except OSError as error:
        return str(error)
    return None


def load_binding(path: str) -> Any:
    """NVIDIA's `pynvml`, or None; imported late because without a library nobody needs it."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("pynvml", path)
    if spec is None or spec.loader is None:
        return None
    module = module_from_spec(spec)
    sys.modules["pynvml"] = module
    try:
        spec.loader.exec_module(module)
    except OSError:
        return None
    return module


def _loaded_library() -> str | None:
    """The file that is really in use, its links resolved: `.../libnvidia-ml.so.580.159.04`."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:  # noqa: PTH123 - pathlib takes 10 ms
            return next((line[line.index("/") :].rstrip() for line in maps if "/libnvidia-ml.so" in line), None)
    except OSError:
        return None


def _node_error(node: str) -> str | None:
    """`EPERM` and the like, or None where it opens."""
    try:
        os.close(os.open(node, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return errno.errorcode.get(error.errno or 0)
    return None


if __name__ == "__main__":
    main()
