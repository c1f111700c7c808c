"""Whether CUDA_VISIBLE_DEVICES keeps a GPU from programs, as far as that is known without asking CUDA.

The rules are NVIDIA's, https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html
(read 2026-11-22): numbers, UUIDs or enough of their beginning, MIG instances; the list ends at the first that is no device.
What that page leaves open was measured with driver 580.159.04 on an H100 (2026-11-22), and torch reads it alike
(`_parse_visible_devices` in torch/cuda/__init__.py): a number may have text behind it, other text is no device, the list
ends where a UUID follows a number or a number a UUID, and a device that is named twice leaves none at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from rigfit.core.machine import Gpu

_Device = tuple[int, str | None]  # a GPU's index, and the UUID of one of its MIG instances
_Named = _Device | Literal["nothing", "unknown"]
_NUMBER = re.compile(r"\s*\+?(\d+)")
_UUID = re.compile(r"(GPU-|MIG-)\S+")


def hidden_by(gpu: Gpu, gpus: tuple[Gpu, ...], environ_value: str | None, order: str | None) -> bool:
    """Whether the value of CUDA_VISIBLE_DEVICES leaves `gpu` out, with `order` the value of CUDA_DEVICE_ORDER.

    Of a GPU that is cut into MIG instances it is the one that would be used, its `target`.

    `gpus` are all of the machine's, by NVML. False where it is not known: nobody is refused on a guess.
    """
    if environ_value is None:
        return False
    entries = environ_value.split(",")
    seen: set[_Device] = set()
    for entry in entries:
        device = _named(entry, gpus, order) if _kind(entry) == _kind(entries[0]) else "nothing"
        if device == "unknown":
            return False
        if device == "nothing":
            break
        if device in seen:  # a device that is named twice empties the list
            return True
        seen.add(device)
    return all(index != gpu.index or instance not in (None, gpu.target) for index, instance in seen)


def _kind(entry: str) -> str:
    uuid = _UUID.match(entry)
    return uuid[1] if uuid else "number"


def _named(entry: str, gpus: tuple[Gpu, ...], order: str | None) -> _Named:
    if number := _NUMBER.match(entry):
        return _by_number(int(number[1]), gpus, order)
    match _kind(entry):
        case "GPU-":
            return _by_uuid(entry, {(gpu.index, None): gpu.uuid for gpu in gpus})
        case "MIG-":
            return _by_uuid(entry, dict(_instances(gpus)))
    return "nothing"


def _by_number(number: int, gpus: tuple[Gpu, ...], order: str | None) -> _Named:
    """CUDA counts the faster first unless told otherwise, NVML by slot; GPUs cut into instances are counted otherwise."""
    if any(gpu.name is None or gpu.mig for gpu in gpus):
        return "unknown"
    if number not in {gpu.index for gpu in gpus}:
        return "nothing"
    if order == "PCI_BUS_ID" or len({gpu.name for gpu in gpus}) == 1:
        return number, None
    return "unknown"


def _by_uuid(entry: str, devices: dict[_Device, str | None]) -> _Named:
    """The one device whose UUID begins so; where that could be another's, too, it is nobody's."""
    beginning = entry.rstrip().lower()
    whole = {device: uuid.lower() for device, uuid in devices.items() if uuid}
    matching = [device for device, uuid in whole.items() if uuid.startswith(beginning)]
    if len(matching) == 1 and whole[matching[0]] == beginning:
        return matching[0]
    if None in devices.values():
        return "unknown"
    return matching[0] if len(matching) == 1 else "nothing"


def _instances(gpus: tuple[Gpu, ...]) -> Iterator[tuple[_Device, str | None]]:
    """With one of unknown UUID for each GPU whose instances could not be read."""
    for gpu in gpus:
        if gpu.mig and gpu.slices is None:
            yield (gpu.index, None), None
        yield from (((gpu.index, part.uuid), part.uuid) for part in gpu.slices or ())
