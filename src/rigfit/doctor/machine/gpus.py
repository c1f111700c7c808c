"""What keeps programs from the GPUs of a driver that answers, and what is worth knowing of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from rigfit.core.fact import LastDriver
from rigfit.core.finding import Finding, Severity
from rigfit.core.health import hindrance, notes_on
from rigfit.core.machine import Driver, Gpu, Machine
from rigfit.core.requirements.driver import last_driver
from rigfit.core.use import Use
from rigfit.core.visible import hidden_by
from rigfit.core.words import say

CODES = (
    "gpu_lost",
    "gpu_prohibited",
    "mig_without_instances",
    "gpu_taken",
    "gpu_full",
    "gpu_in_use",
    "gpu_mode",
    "gpu_memory_errors",
    "gpu_hot",
    "gpu_power",
    "gpus_hidden",
    "cuda_override",
    "last_driver_branch",
)
_VISIBLE, _ORDER, _OVERRIDE = "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "CONDA_OVERRIDE_CUDA"
_XID = "https://docs.nvidia.com/deploy/xid-errors/index.html"
_SMI = "https://docs.nvidia.com/deploy/nvidia-smi/index.html"
_HEAT = ("thermal_software", "thermal_hardware")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of all GPUs; `needed` are the bytes free that a proof takes on one."""

    last_drivers: tuple[LastDriver, ...]
    needed: int


def findings(machine: Machine, uses: tuple[Use, ...], variables: Mapping[str, str], known: Known) -> Iterator[Finding]:
    for gpu in machine.gpus:
        yield from _of(gpu, _use(gpu, uses), machine, known.needed)
    yield from _hidden(machine, variables)
    yield from _override(variables)
    yield from _last_branch(machine, known.last_drivers)


def _use(gpu: Gpu, uses: tuple[Use, ...]) -> Use | None:
    """By UUID; by number where one of the two has none."""
    same = (use for use in uses if use.index == gpu.index and None in (use.uuid, gpu.uuid))
    return next((use for use in uses if use.uuid is not None and use.uuid == gpu.uuid), next(same, None))


def _of(gpu: Gpu, use: Use | None, machine: Machine, needed: int) -> Iterator[Finding]:
    if gpu == Gpu(index=gpu.index):
        yield _lost(gpu)
        return
    idle = [each for each in machine.gpus if _computes(each)]
    severity: Severity = "warning" if idle else "error"
    if gpu.mig and gpu.slices == ():
        yield _without_instances(gpu, severity)
        return
    problem = hindrance(gpu, use, needed)
    modes = notes_on(gpu, None)
    if problem is None:
        yield from (_note("gpu_mode", note) for note in modes)
        others = notes_on(gpu, Use(index=gpu.index, processes=use.processes, parts=use.parts)) if use else ()
        yield from _in_use(gpu, others[len(modes) :])
    else:
        code = _code(gpu, use)
        because = (*modes, *(problem.detail.splitlines()))
        yield Finding(
            code=code,
            severity=severity if code == "gpu_prohibited" else "warning",
            what=problem.what,
            because=because,
            fix=problem.fix,
            source=_SMI,
        )
    if use is not None:
        yield from _health(gpu, use)


def _computes(gpu: Gpu) -> bool:
    return gpu.compute_mode != "prohibited" and not (gpu.mig and gpu.slices == ()) and gpu != Gpu(index=gpu.index)


def _code(gpu: Gpu, use: Use | None) -> str:
    if gpu.compute_mode == "prohibited":
        return "gpu_prohibited"
    computing = use is not None and any(not each.graphics for each in use.processes)
    return "gpu_taken" if computing and gpu.compute_mode != "default" and gpu.compute_mode else "gpu_full"


def _note(code: str, what: str) -> Finding:
    return Finding(code=code, severity="note", what=what, source=_SMI)


def _in_use(gpu: Gpu, notes: tuple[str, ...]) -> Iterator[Finding]:
    if notes:
        what = say("GPU {index}, {gpu}, is in use", index=gpu.index, gpu=gpu.label)
        yield Finding(code="gpu_in_use", severity="note", what=what, because=notes)


def _lost(gpu: Gpu) -> Finding:
    return Finding(
        code="gpu_lost",
        severity="warning",
        what=say(
            "GPU {index} is listed, and answers no question: it has stopped working, or may not be opened",
            index=gpu.index,
        ),
        because=(say("NVML tells neither its name nor its UUID nor its compute capability"),),
        fix=("sudo dmesg | grep -iE 'nvrm|xid'", "sudo reboot"),
        source=_XID,
    )


def _without_instances(gpu: Gpu, severity: Severity) -> Finding:
    return Finding(
        code="mig_without_instances",
        severity=severity,
        what=say(
            "GPU {index}, {gpu}, runs nothing: MIG is on, and it is cut into no instance",
            index=gpu.index,
            gpu=gpu.label,
        ),
        because=(say("NVML lists no MIG instance of it"),),
        fix=(
            say(
                "{command}  # makes one instance of all of it", command=f"sudo nvidia-smi mig -i {gpu.index} -cgi 0 -C"
            ),
            say("or turn MIG off: {command}", command=f"sudo nvidia-smi -i {gpu.index} -mig 0"),
        ),
        source="https://docs.nvidia.com/datacenter/tesla/mig-user-guide/",
    )


def _health(gpu: Gpu, use: Use) -> Iterator[Finding]:
    """Each kind by itself, in the words that a proof has for it."""
    slow = Use(index=use.index)
    kinds = (
        ("gpu_memory_errors", replace(slow, ecc_uncorrected=use.ecc_uncorrected)),
        (
            "gpu_hot",
            replace(
                slow,
                celsius=use.celsius,
                celsius_max=use.celsius_max,
                slowdown=tuple(each for each in use.slowdown if each in _HEAT),
            ),
        ),
        ("gpu_power", replace(slow, slowdown=tuple(each for each in use.slowdown if each == "power_brake"))),
    )
    plain = Gpu(index=gpu.index)
    for code, part in kinds:
        for note in notes_on(plain, part):
            yield Finding(code=code, severity="warning", what=note, fix=_FIXES[code], source=_SMI)


_FIXES = {
    "gpu_memory_errors": (
        say("restart the machine; if it counts such errors again, the card wants to be replaced"),
        "nvidia-smi -q -d ECC,ROW_REMAPPER",
    ),
    "gpu_hot": (say("look after its fans and the air around it"), "nvidia-smi -q -d TEMPERATURE,PERFORMANCE"),
    "gpu_power": (say("look after the power supply and its cables"), "nvidia-smi -q -d POWER,PERFORMANCE"),
}


def _hidden(machine: Machine, variables: Mapping[str, str]) -> Iterator[Finding]:
    value = variables.get(_VISIBLE)
    if value is None:
        return
    hidden = [gpu for gpu in machine.gpus if hidden_by(gpu, machine.gpus, value, variables.get(_ORDER))]
    if hidden:
        every = len(hidden) == len(machine.gpus)
        names = ", ".join(f"{gpu.index}" for gpu in hidden)
        what = say("CUDA_VISIBLE_DEVICES hides some GPUs from programs: {names}", names=names)
        if every:
            what = say("CUDA_VISIBLE_DEVICES hides all GPUs from programs")
        yield Finding(
            code="gpus_hidden",
            severity="warning" if every else "note",
            what=what,
            because=(f"{_VISIBLE}={value}",),
            fix=(say("if nobody has given you only some of them: `unset CUDA_VISIBLE_DEVICES`"),),
            source="https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html",
        )


def _override(variables: Mapping[str, str]) -> Iterator[Finding]:
    value = variables.get(_OVERRIDE)
    if value is not None:
        yield Finding(
            code="cuda_override",
            severity="note",
            what=say("driver CUDA is taken to be {cuda}, because a variable says so", cuda=value),
            because=(f"{_OVERRIDE}={value}",),
            fix=(f"unset {_OVERRIDE}",),
            source="https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-virtual.html",
        )


def _last_branch(machine: Machine, rows: tuple[LastDriver, ...]) -> Iterator[Finding]:
    """One for each branch, with the first of the GPUs that end there."""
    assert isinstance(machine.driver, Driver)  # noqa: S101 - of a fault nobody asks
    ends: dict[int, tuple[Gpu, LastDriver]] = {}
    for gpu in machine.gpus:
        row = last_driver(gpu, rows)
        if row is not None:
            ends.setdefault(row.branch, (gpu, row))
    for branch, (gpu, row) in ends.items():
        yield Finding(
            code="last_driver_branch",
            severity="note",
            what=say("the last drivers for {gpu} are of the {branch} branch", gpu=gpu.label, branch=branch),
            because=(
                say("compute capability {capability}", capability=gpu.compute_capability),
                say("driver: {version}", version=machine.driver.version),
            ),
            source=row.source,
        )
