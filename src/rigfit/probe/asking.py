"""Puts the question to NVML in a child process (nvml.py) and reads the answer, or the kind of silence."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rigfit.core.machine import Gpu, Slice
from rigfit.core.version import Capability, Version
from rigfit.core.words import joined, say
from rigfit.probe.reading import version_or_none
from rigfit.process.child import Command, Ended, Said, Tick, run

LIMIT = 10.0  # seconds; nvmlInit takes 0.1 s on a machine with one H100
_GRACE = 1.0  # a child stuck in the kernel survives SIGKILL, and is left behind after this
_CHILD = Path(__file__).with_name("nvml.py")
_WSL_LIBRARY = "usr/lib/wsl/lib/libnvidia-ml.so.1"
_COMPUTE_MODES = ("default", "exclusive_thread", "prohibited", "exclusive_process")  # nvmlComputeMode_t


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a call to NVML failed with; `code` is an nvmlReturn_t, None where the failure was not NVML's."""

    call: str
    code: int | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """NVML answered. A GPU whose handle was refused is listed with its index alone; `no_gpu` holds such refusals."""

    driver: Version | None
    cuda: Version | None
    gpus: tuple[Gpu, ...]
    no_driver: Failure | None = None
    no_cuda: Failure | None = None
    no_count: Failure | None = None
    no_gpu: tuple[Failure, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether nothing calls for a look at the traces."""
        return bool(self.driver and self.gpus) and not (self.no_cuda or self.no_count or self.no_gpu)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """NVML gave no answer: its library did not load, said a code, hung, or took the child down with it.

    `binding` is a fault of ours: the Python module that speaks NVML is missing. `library` is the file that was loaded,
    `node_error` what opening /dev/nvidiactl gave (`EPERM`).
    """

    reason: Literal["library", "code", "timeout", "crash", "binding"]
    call: str = ""
    code: int | None = None
    text: str = ""
    library: str | None = None
    node_error: str | None = None


def ask(*, root: Path, environ: Mapping[str, str], limit: float = LIMIT) -> Answer | Silence:
    """Never raises and never takes longer than the limit and a second."""
    binding = binding_file()
    if not binding:
        return Silence(reason="binding", text=_why_no_binding())
    heard: list[Answer | Silence] = []
    command = command_of(_CHILD, binding, root, environ, limit)
    asking = threading.Thread(target=lambda: heard.append(_run(command)), daemon=True)
    asking.start()
    asking.join(limit + _GRACE)
    return heard[0] if heard else _timeout(limit)


def command_of(child: Path, binding: str, root: Path, environ: Mapping[str, str], limit: float) -> Command:
    """The script `child`, told where NVML and its binding are."""
    # WSL keeps its own library outside the loader's path, and one from a Linux driver package in its place never works.
    wsl = root / _WSL_LIBRARY
    libraries = [str(wsl)] if wsl.exists() else []
    node = str(root / "dev/nvidiactl")
    return Command(
        argv=[sys.executable, "-I", "-S", str(child), str(os.getpid()), binding, node, *libraries, "libnvidia-ml.so.1"],
        guarded=False,
        env={name: value for name, value in environ.items() if not name.startswith("CUDA_")},
        limit=limit,
    )


def _run(command: Command) -> Answer | Silence:
    """The child is ended as soon as it has answered, whatever its library still has to do."""
    last_words = ""
    try:
        with closing(run(command)) as heard:
            for item in heard:
                match item:
                    case Said(stream="out", text=text):
                        return _read(json.loads(text))
                    case Said(text=text):
                        last_words = text.strip() or last_words
                    case Ended(timed_out=True):
                        return _timeout(command.limit or LIMIT)
                    case Ended(code=code):
                        how = say("signal {number}", number=-code) if code < 0 else say("exit code {code}", code=code)
                        return Silence(reason="crash", text=joined(": ", [how, last_words]) if last_words else how)
                    case Tick():
                        pass
    except (OSError, ValueError) as error:  # no memory for a child, no interpreter where this one was
        last_words = str(error)
    return Silence(reason="crash", text=say("the child that asks NVML failed: {reason}", reason=last_words))


def _timeout(limit: float) -> Silence:
    return Silence(reason="timeout", text=f"{limit:g} s")


def binding_file() -> str:
    """The file of NVIDIA's `pynvml`: one module, where the distribution named pynvml (up to 11.5) brings a package."""
    files = (Path(folder, "pynvml.py") for folder in sys.path)
    return next((str(file) for file in files if file.is_file()), "")


def _why_no_binding() -> str:
    packages = (Path(folder, "pynvml", "__init__.py") for folder in sys.path)
    impostor = next((file for file in packages if file.is_file()), None)
    if impostor is None:
        return say("the Python module `pynvml` of the distribution nvidia-ml-py is not installed beside rigfit")
    return say(
        "{file} belongs to the distribution named pynvml, which is not NVIDIA's nvidia-ml-py", file=str(impostor)
    )


def _read(said: dict[str, Any]) -> Answer | Silence:
    if "reason" in said:
        return Silence(**said)
    gpus = said["gpus"]["value"]
    return Answer(
        driver=version_or_none(said["driver"]["value"]),
        cuda=_cuda(said["cuda"]["value"]),
        gpus=tuple(_gpu(gpu) for gpu in gpus),
        no_driver=_failure(said["driver"]["failure"]),
        no_cuda=_failure(said["cuda"]["failure"]),
        no_count=_failure(said["gpus"]["failure"]),
        no_gpu=tuple(Failure(**gpu["failure"]) for gpu in gpus if "failure" in gpu),
    )


def _failure(said: dict[str, Any] | None) -> Failure | None:
    return None if said is None else Failure(**said)


def _gpu(said: dict[str, Any]) -> Gpu:
    if "failure" in said:
        return Gpu(index=said["index"])
    total, free = said["memory"] or (None, None)
    capability, mode = said["compute_capability"], said["compute_mode"]
    return Gpu(
        index=said["index"],
        name=said["name"] or None,
        uuid=said["uuid"] or None,
        compute_capability=None if capability is None else Capability(*capability),
        memory_total=total,
        memory_free=free,
        mig=said["mig"],
        pci=_pci(said["pci"]),
        compute_mode=_COMPUTE_MODES[mode] if mode in range(len(_COMPUTE_MODES)) else None,
        slices=None if said["slices"] is None else tuple(_slice(each) for each in said["slices"]),
    )


def _slice(said: dict[str, Any]) -> Slice:
    total, _free = said["memory"] or (None, None)
    return Slice(uuid=said["uuid"] or None, name=said["name"] or None, memory_total=total)


def _pci(bus_id: str | None) -> str | None:
    """`00000000:00:06.0` as the kernel names it in /sys/bus/pci/devices: `0000:00:06.0`."""
    found = re.fullmatch(r"([0-9A-Fa-f]{4,8}):([0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-7])", bus_id or "")
    return f"{int(found[1], 16):04x}:{found[2].lower()}" if found else None


def _cuda(number: int | None) -> Version | None:
    """13000 is 13.0, 12040 is 12.4."""
    return None if number is None or number < 1000 else Version(f"{number // 1000}.{number % 1000 // 10}")
