"""What a GPU's state says about a proof on it: what to know of it, and what keeps it from running at all."""

from __future__ import annotations

from collections.abc import Iterator

from rigfit.core.machine import Gpu
from rigfit.core.problem import Problem
from rigfit.core.size import human
from rigfit.core.use import Holder, Use
from rigfit.core.words import joined, say

_ONE_AT_A_TIME = ("exclusive_process", "exclusive_thread")
_SHARES = "nvidia-cuda-mps-server"  # lets others in where it is the one process, https://docs.nvidia.com/deploy/mps/


def notes_on(gpu: Gpu, use: Use | None) -> tuple[str, ...]:
    """What whoever reads a result should know. Every process in `use` is taken for somebody else's."""
    notes = (*_about_modes(gpu), *(() if use is None else (*_about_health(gpu, use), *_about_others(gpu, use))))
    return tuple(say("GPU {index}: {note}", index=gpu.index, note=note) for note in notes)


def hindrance(gpu: Gpu, use: Use | None, needed: int) -> Problem | None:
    """What keeps a proof that takes `needed` bytes of its memory from running there, as far as that is known."""
    if gpu.compute_mode == "prohibited":
        return _prohibited(gpu)
    others = [] if use is None else [each for each in _on_target(gpu, use) if not each.graphics]
    if gpu.compute_mode in _ONE_AT_A_TIME and others and all(each.name not in (None, _SHARES) for each in others):
        return _taken(gpu, others)
    free = _free(gpu, use)
    if free is not None and free < needed:
        return _full(gpu, use, needed=needed, free=free)
    return None


def _about_modes(gpu: Gpu) -> Iterator[str]:
    if gpu.compute_mode == "prohibited":
        yield say("compute mode prohibited: no program may compute on it")
    if gpu.compute_mode in _ONE_AT_A_TIME:
        yield say("compute mode {mode}: one program at a time may compute on it", mode=gpu.compute_mode)
    largest = gpu.largest_slice
    if gpu.mig and largest is not None:
        name = largest.name or say("a GPU of unknown name")
        yield say("MIG is on: what is proven here is proven on one instance, {name}", name=name)
    elif gpu.mig:
        yield say("MIG is on, and which instances there are is not known")


def _about_health(gpu: Gpu, use: Use) -> Iterator[str]:
    if use.ecc_uncorrected:
        command = f"`nvidia-smi -i {gpu.index} -q -d ECC`"
        yield say(
            "memory errors that ECC could not correct since the driver was loaded: {count}; {command} tells more",
            count=use.ecc_uncorrected,
            command=command,
        )
    if {"thermal_software", "thermal_hardware"} & set(use.slowdown):
        yield say("slowed down by heat{how}", how=_degrees(use))
    elif use.celsius is not None and use.celsius_max is not None and use.celsius >= use.celsius_max:
        yield say("hot enough to be slowed down{how}", how=_degrees(use))
    if "power_brake" in use.slowdown:
        yield say("slowed down because the power supply asks for it")


def _degrees(use: Use) -> str:
    return "" if use.celsius is None else say(", at {degrees} °C", degrees=use.celsius)


def _about_others(gpu: Gpu, use: Use) -> Iterator[str]:
    """Each that computes, and those that draw in one line: on a desktop they are many, and small."""
    others = _on_target(gpu, use)
    yield from (_held_by(each) for each in others if not each.graphics)
    drawing = [each for each in others if each.graphics]
    if drawing:
        size = _size(sum(each.memory or 0 for each in drawing) or None)
        yield say("processes that draw ({count}) hold {size}", count=len(drawing), size=size)


def _on_target(gpu: Gpu, use: Use) -> tuple[Holder, ...]:
    """The processes where a proof would run: of a GPU cut into MIG instances those on the largest."""
    if not gpu.mig:
        return use.processes
    return next((part.processes for part in use.parts if part.uuid == gpu.target), ())


def _free(gpu: Gpu, use: Use | None) -> int | None:
    if gpu.mig:
        return next((part.memory_free for part in (use.parts if use else ()) if part.uuid == gpu.target), None)
    return gpu.memory_free if use is None or use.memory_free is None else use.memory_free


def _held_by(holder: Holder) -> str:
    return say(
        "process {pid} of {user} ({name}) holds {size}",
        pid=holder.pid,
        user=holder.user or say("an unknown user"),
        name=holder.name or say("name unknown"),
        size=_size(holder.memory),
    )


def _size(memory: int | None) -> str:
    return say("an unknown amount of memory") if memory is None else human(memory)


def _prohibited(gpu: Gpu) -> Problem:
    command = f"`sudo nvidia-smi -i {gpu.index} -c DEFAULT`"
    return Problem(
        code="gpu_unavailable",
        what=say(
            "no program may compute on GPU {index}, {gpu}: needs compute mode default, found {mode}",
            index=gpu.index,
            gpu=gpu.label,
            mode=gpu.compute_mode,
        ),
        fix=(
            _another(),
            say("{command}, which lets programs use GPU {index}", command=command, index=gpu.index),
        ),
    )


def _taken(gpu: Gpu, others: list[Holder]) -> Problem:
    what = say(
        "GPU {index}, {gpu}, is taken: with compute mode {mode} it needs to be free of other processes, found {count}",
        index=gpu.index,
        gpu=gpu.label,
        mode=gpu.compute_mode,
        count=len(others),
    )
    return _held(what, others, may_be_free=True)


def _full(gpu: Gpu, use: Use | None, *, needed: int, free: int) -> Problem:
    others = [] if use is None else sorted(_on_target(gpu, use), key=lambda each: each.memory or 0, reverse=True)
    what = say(
        "too little free memory on GPU {index}, {gpu}: needs {needed}, found {found}",
        index=gpu.index,
        gpu=gpu.label,
        needed=human(needed),
        found=human(free),
    )
    total = gpu.memory_for_one
    return _held(what, others, may_be_free=total is None or total >= needed)


def _held(what: str, others: list[Holder], *, may_be_free: bool) -> Problem:
    """By `others`, as far as they are known; `may_be_free` tells whether it would do without them."""
    unknown = say("the driver does not say here which processes hold the rest") if may_be_free else ""
    return Problem(
        code="gpu_unavailable",
        what=what,
        fix=(_another(), *(_waiting(others) if may_be_free else ())),
        detail=joined("\n", (_held_by(each) for each in others)) if others else unknown,
    )


def _another() -> str:
    return say("take another GPU with `--gpu`")


def _waiting(others: list[Holder]) -> Iterator[str]:
    yield say("or try again when it is free")
    users = sorted({each.user for each in others if each.user and not each.graphics})
    if users:
        yield say("or ask {users} when that will be", users=", ".join(users))
