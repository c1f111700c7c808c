"""A stand-in for NVIDIA's library, compiled from C, and a root folder with the traces that a driver leaves."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rigfit.core.machine import Machine
from rigfit.core.use import Holder, Use
from rigfit.probe.machine import detect
from rigfit.probe.watching import ask_use

SOURCE = Path(__file__).parents[1] / "data/nvml/standin.c"
MODES = ("default", "exclusive_thread", "prohibited", "exclusive_process")
NOT_SUPPORTED, GPU_IS_LOST = 3, 15
SLOWDOWNS = {"power_cap": 0x4, "hardware": 0x8, "thermal_software": 0x20, "thermal_hardware": 0x48, "power_brake": 0x88}
IDLE, SET_BY_SOMEBODY = 0x1, 0x2  # reasons for a low clock that are no slowdown
OF_THE_MACHINE, OF_A_CONTAINER = 4026531836, 4026532761  # pid namespaces


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """A folder with the library, a root folder with the traces, and what the library shall say."""

    library: Path
    root: Path
    place: Path

    def detect(self, *said: str, limit: float = 10.0, **environ: str) -> Machine:
        return detect(
            home=self.place,
            cache=self.place,
            root=self.root,
            environ={**self.environ(*said), **environ},
            limit=limit,
        )

    def use(self, *said: str, limit: float = 5.0) -> tuple[Use, ...]:
        return ask_use(root=self.root, environ=self.environ(*said), limit=limit)

    def environ(self, *said: str) -> dict[str, str]:
        return {"LD_LIBRARY_PATH": str(self.library), "NVML_STANDIN": str(self.says(*said))}

    def says(self, *said: str) -> Path:
        file = self.place / f"nvml-{abs(hash(said))}"
        file.write_text("".join(f"{line}\n" for line in said))
        return file

    def detect_each(self, lists: Sequence[Sequence[str]]) -> list[Machine]:
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda said: self.detect(*said), lists))

    def trace(self, file: str, text: str = "") -> Path:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def processes(self, namespace: int, *pids: int, holding: str = "/dev/null") -> None:
        """What /proc knows, as seen from a pid namespace: processes of this user with a file open."""
        self._link("proc/self/ns/pid", f"pid:[{namespace}]")
        for pid in pids:
            self.trace(f"proc/{pid}/comm", "comm\n")
            self._link(f"proc/{pid}/fd/3", holding)

    def _link(self, file: str, to: str) -> None:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(to)

    def card(self) -> None:
        self.trace("sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n")
        self.trace("sys/bus/pci/devices/0000:01:00.0/class", "0x030000\n")

    def module(self, version: str) -> None:
        said = f"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {version}  Release Build  (dvs-builder)\n"
        self.trace("proc/driver/nvidia/version", said)


def compile_library(folder: Path, *options: str, version: str = "580.159.04") -> Path:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler to make the stand-in for libnvidia-ml.so.1 with")
    folder.mkdir()
    file = folder / f"libnvidia-ml.so.{version}"
    soname = "-Wl,-soname,libnvidia-ml.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", soname, *options, "-o", file, SOURCE], check=True)
    (folder / "libnvidia-ml.so.1").symlink_to(file.name)
    return folder


def as_said(machine: Mapping[str, Any]) -> Iterator[str]:
    """What NVML says on a recorded machine, in the stand-in's lines; a null is a refusal."""
    if "version" in machine["driver"]:
        yield f"driver={machine['driver']['version']}"
        yield from _cuda(machine["driver"]["cuda"])
    yield f"count={len(machine['gpus'])}"
    for index, gpu in enumerate(machine["gpus"]):
        yield from (f"gpu{index}.{line}" for line in _gpu(gpu))


def _cuda(version: str | None) -> Iterator[str]:
    if version is None:
        yield f"nvmlSystemGetCudaDriverVersion_v2={NOT_SUPPORTED}"
    else:
        major, _, minor = version.partition(".")
        yield f"cuda={int(major) * 1000 + int(minor) * 10}"


def _gpu(gpu: Mapping[str, Any]) -> Iterator[str]:
    if not any(value is not None for key, value in gpu.items() if key != "index"):
        yield f"nvmlDeviceGetHandleByIndex={GPU_IS_LOST}"
        return
    yield from _known("name", "nvmlDeviceGetName", gpu["name"])
    yield from _known("uuid", "nvmlDeviceGetUUID", gpu["uuid"])
    yield from _known("capability", "nvmlDeviceGetCudaComputeCapability", gpu["compute_capability"])
    yield from _known("memory_total", "nvmlDeviceGetMemoryInfo", gpu["memory_total"])
    yield from _known("memory_free", "nvmlDeviceGetMemoryInfo", gpu["memory_free"])
    yield from _known("mig", "nvmlDeviceGetMigMode", None if gpu["mig"] is None else int(gpu["mig"]))
    yield from _known("pci", "nvmlDeviceGetPciInfo", gpu["pci"] and f"{gpu['pci'].upper():0>16}")
    mode = None if gpu["compute_mode"] is None else MODES.index(gpu["compute_mode"])
    yield from _known("compute_mode", "nvmlDeviceGetComputeMode", mode)
    slices = gpu.get("slices")
    yield from _known("slices", "nvmlDeviceGetMaxMigDeviceCount", None if slices is None else len(slices))
    for index, each in enumerate(slices or ()):
        yield from (f"slice{index}.{line}" for line in _slice(each))


def _slice(each: Mapping[str, Any]) -> Iterator[str]:
    yield from _known("name", "nvmlDeviceGetName", each["name"])
    yield from _known("uuid", "nvmlDeviceGetUUID", each["uuid"])
    yield from _known("memory_total", "nvmlDeviceGetMemoryInfo", each["memory_total"])


def as_used(use: Use) -> Iterator[str]:
    """What NVML says of a GPU at work, in the stand-in's lines; None is a refusal."""
    yield from (f"gpu{use.index}.{line}" for line in _use(use))
    for holder in use.processes:
        yield from (f"process{holder.pid}=/usr/bin/{holder.name}",) if holder.name else ()


def _use(use: Use) -> Iterator[str]:
    yield from _known("uuid", "nvmlDeviceGetUUID", use.uuid)
    yield from _known("busy", "nvmlDeviceGetUtilizationRates", use.busy)
    yield from _known("celsius", "nvmlDeviceGetTemperature", use.celsius)
    yield from _known("celsius_max", "nvmlDeviceGetTemperatureThreshold", use.celsius_max)
    yield from _known("memory_free", "nvmlDeviceGetMemoryInfo", use.memory_free)
    yield from _known("clock", "nvmlDeviceGetClockInfo", use.clock)
    yield from _known("clock_max", "nvmlDeviceGetMaxClockInfo", use.clock_max)
    yield from _known("ecc", "nvmlDeviceGetTotalEccErrors", use.ecc_uncorrected)
    yield f"reasons={sum(SLOWDOWNS[word] for word in use.slowdown)}"
    yield f"compute={_processes(holder for holder in use.processes if not holder.graphics)}"
    yield f"graphics={_processes(holder for holder in use.processes if holder.graphics)}"


def _processes(holders: Iterable[Holder]) -> str:
    return ",".join(f"{each.pid}" if each.memory is None else f"{each.pid}:{each.memory}" for each in holders)


def _known(key: str, function: str, value: object) -> Iterator[str]:
    yield f"{function}={NOT_SUPPORTED}" if value is None else f"{key}={value}"
