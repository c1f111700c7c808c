"""Compatibility facts: each with where it was read and when."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.version import Version as PackageVersion

from rigfit.core.version import Capability, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverMinimum:
    """The oldest Linux driver on which code built with CUDA `cuda` runs.

    `minimum` holds for machine code (minor-version compatibility inside a CUDA major); code that the driver must
    compile from PTX needs `toolkit`, the driver that came with that CUDA release.
    """

    cuda: Version
    minimum: Version
    toolkit: Version
    source: str
    read: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchBuild:
    """The GPU code in PyPI's torch wheels of versions `since` to `until` (both included) on one architecture."""

    since: PackageVersion
    until: PackageVersion
    arch: str
    cuda: Version
    cubins: tuple[Capability, ...]
    ptx: tuple[Capability, ...]
    source: str
    read: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Int8Support:
    """How bitsandbytes `since` to `until` multiplies in 8 bits on GPUs of capability `lowest` to `highest`."""

    since: PackageVersion
    until: PackageVersion
    lowest: Capability
    highest: Capability
    speed: str
    source: str
    read: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Int8OnCpu:
    """The first bitsandbytes whose 8-bit numbers are right on a CPU."""

    since: PackageVersion
    source: str
    read: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuMemory:
    """Bytes of GPU memory for the smallest model that is worth the name."""

    least: int
    why: str
    source: str
    read: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    drivers: tuple[DriverMinimum, ...]
    torch: tuple[TorchBuild, ...]
    int8: tuple[Int8Support, ...]
    int8_on_cpu: Int8OnCpu
    gpu_memory: GpuMemory


def cubin_covers(built_for: Capability, gpu: Capability) -> bool:
    """Whether machine code for `built_for` runs on `gpu`: the same major, the same or a later minor.

    Integrated GPUs stand apart: 6.2, 7.2, 8.7 and 10.1 run only code made for them (DEVICE_REQUIREMENT in
    torch/cuda/__init__.py of torch 2.13).
    """
    if gpu in _ALONE:
        return built_for == gpu
    return built_for.major == gpu.major and built_for.minor <= gpu.minor


_ALONE = {Capability(6, 2), Capability(7, 2), Capability(8, 7), Capability(10, 1)}


def ptx_covers(built_for: Capability, gpu: Capability) -> bool:
    """Whether PTX for `built_for` can be compiled for `gpu` by a driver that is new enough."""
    return built_for <= gpu
