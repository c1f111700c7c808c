"""Asks NVML how busy and warm each GPU is, as a process of its own, like nvml.py, whose manners it has.

Runs as a script, `python -I -S nvml_use.py BINDING NODE LIBRARY...`, and prints one line of JSON: a list, empty where
NVML is silent.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any


def main() -> None:
    answer_to = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no part of the answer
    binding, _node, *libraries = sys.argv[1:]
    answer = _answer(_asker(), binding, libraries)
    with os.fdopen(answer_to, "w") as stream:
        stream.write(json.dumps(answer) + "\n")
    os._exit(0)  # as in nvml.py


def _asker() -> Any:
    """The module nvml.py beside this file, which stands in no package for a script."""
    spec = spec_from_file_location("rigfit_nvml", os.path.join(os.path.dirname(__file__), "nvml.py"))  # noqa: PTH118, PTH120 - pathlib takes 10 ms
    if spec is None or spec.loader is None:
        raise SystemExit(1)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _answer(asker: Any, binding: str, libraries: list[str]) -> list[dict[str, Any]]:
    if asker.load_first(libraries) is not None:
        return []
    nvml = asker.load_binding(binding)
    if nvml is None:
        return []
    count, _failure = asker.attempt(nvml, "nvmlInit", lambda: _count(nvml))
    return [_use(asker, nvml, index) for index in range(count or 0)]


def _count(nvml: Any) -> int:
    nvml.nvmlInit()
    return int(nvml.nvmlDeviceGetCount())


def _use(asker: Any, nvml: Any, index: int) -> dict[str, Any]:
    handle, failure = asker.attempt(nvml, "handle", lambda: nvml.nvmlDeviceGetHandleByIndex(index))
    if failure is not None:
        return {"index": index}
    asked = {
        "busy": lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu,
        "celsius": lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
        "memory_free": lambda: nvml.nvmlDeviceGetMemoryInfo(handle).free,
    }
    return {"index": index, **{name: asker.attempt(nvml, name, ask)[0] for name, ask in asked.items()}}


if __name__ == "__main__":
    main()
