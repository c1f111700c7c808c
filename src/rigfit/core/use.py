"""How a GPU is used at this moment, and by whom."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A process on a GPU and the bytes that it holds there. `graphics`: it draws, and computes nothing with CUDA.

    `user` and `name` are None where the process could be another one (see probe/nvml_use.py), `memory` where the driver
    does not tell, as on WSL2. `pid` is what the driver says, which in a container may be the machine's.
    """

    pid: int
    user: str | None = None
    name: str | None = None
    memory: int | None = None
    graphics: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """How a MIG instance is used."""

    uuid: str | None = None
    memory_free: int | None = None
    processes: tuple[Holder, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """None and () are what the driver does not tell. Memory in bytes, clocks in MHz (of the multiprocessors).

    `busy` is in percent of time. `celsius_max` is the temperature from which the GPU may be slowed below its base clock,
    by its own word. `slowdown` holds what keeps the clocks down: `power_cap`, `thermal_software`, `thermal_hardware`,
    `power_brake`, or `hardware`, where an older GPU does not say which of the last two. `ecc_uncorrected` counts memory
    errors since the driver was loaded. `processes` are those of the whole GPU, `parts` its MIG instances.
    """

    index: int
    uuid: str | None = None
    busy: int | None = None
    celsius: int | None = None
    celsius_max: int | None = None
    memory_free: int | None = None
    clock: int | None = None
    clock_max: int | None = None
    slowdown: tuple[str, ...] = ()
    ecc_uncorrected: int | None = None
    processes: tuple[Holder, ...] = ()
    parts: tuple[Part, ...] = ()
