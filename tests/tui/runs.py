"""Runs made by hand: what the engine would say, without doing it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rigfit.core.event import (
    Check,
    CheckStarted,
    Event,
    Log,
    Progress,
    RunFailed,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)
from rigfit.core.machine import DriverFault, Machine, Platform
from rigfit.core.problem import Problem
from rigfit.core.proof import check_ids
from rigfit.core.receipt import Making, Receipt, Verification
from rigfit.core.version import Version

NAME = "small-cpu-00000000"
GIB = 1024**3
STOPPED = RunFailed(problem=Problem(code="stopped", what="stopped", fix=("run the same command again",)))


def beginning() -> Iterator[Event]:
    """The interpreter is there, and the libraries are on their way."""
    yield RunStarted(environment=NAME, steps=("base", "libraries", "verify"))
    yield StepStarted(step="base", title="Python 3.11.2 of this machine")
    yield StepFinished(step="base", seconds=0.1)
    yield StepStarted(step="libraries", title="64 libraries from wheels", total=4 * GIB)
    yield Log(text="Downloading torch (800 MiB)", step="libraries")
    yield Progress(step="libraries", done=GIB, total=4 * GIB, item="torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl")


def passed() -> Iterator[Event]:
    """A whole run, to its receipt."""
    yield from beginning()
    yield StepFinished(step="libraries", seconds=12.5)
    yield StepStarted(step="verify", title="prove it: load a model in 8 bits and train a LoRA step")
    for check in checks():
        yield CheckStarted(id=check.id)
        yield check
    yield StepFinished(step="verify", seconds=14.2)
    yield RunFinished(seconds=27.0, result=receipt().to_json())


def checks() -> tuple[Check, ...]:
    measured: dict[str, Any] = {
        "memory_ratio": {"LlamaForCausalLM": {"ratio": 0.376}},
        "library": "libbitsandbytes_cpu.so",
    }
    expected = {"memory_ratio": "0.356 to 0.396"}
    return tuple(
        Check(id=name, status="passed", measured=measured.get(name), expected=expected.get(name), seconds=0.4)
        for name in check_ids("full", "int8", "cpu")
    )


def failed() -> Iterator[Event]:
    """The proof fails in its numbers."""
    yield from beginning()
    yield StepFinished(step="libraries", seconds=12.5)
    yield StepStarted(step="verify", title="prove it: load a model in 8 bits and train a LoRA step")
    yield Check(id="imports", status="passed", seconds=13.2)
    yield Check(
        id="numeric_error", status="failed", measured=0.71, expected=0.05, seconds=0.2, why="the numbers are wrong"
    )
    problem = Problem(
        code="verification_failed",
        what=f"{NAME} is not proven: 1 of 2 checks failed: numeric_error",
        fix=(f"rigfit repair {NAME}", f"rigfit verify {NAME} -v"),
        detail="numeric_error: the numbers are wrong",
    )
    yield RunFailed(problem=problem)


def receipt(prefix: str = "/home/me/envs/small-cpu-00000000") -> Receipt:
    making = Making(
        environment=NAME,
        template="small",
        variant="cpu",
        lock_sha256="ab" * 32,
        base="local",
        base_python="/usr/bin/python3.11",
        prefix=prefix,
        made="2026-11-22T08:00:00+00:00",
        rigfit="0.1.0",
        imports=["torch"],
        device="cpu",
        gpu=None,
        quantization="int8",
    )
    verification = Verification(
        environment=NAME,
        device="cpu",
        quantization="int8",
        level="full",
        versions={"torch": "2.13.0+cpu", "bitsandbytes": "0.50.2"},
        checks=checks(),
    )
    machine = Machine(
        platform=Platform(os="linux", arch="x86_64", glibc=Version("2.36")),
        driver=DriverFault(fault="no_device", what="there is no NVIDIA GPU in this machine"),
    )
    return Receipt(
        making=making, proven="2026-11-22T08:10:00+00:00", machine=machine.to_json(), verification=verification
    )
