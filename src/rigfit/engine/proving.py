"""One Python tried on one GPU or on the CPU: nothing in the way, watched while it works, told with what is worth knowing."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from rigfit.core.cancel import Cancel
from rigfit.core.event import CheckStarted, Event, StepFinished, StepStarted
from rigfit.core.ground import Ground, faulty, ground_of, shown_to_programs
from rigfit.core.health import hindrance, notes_on
from rigfit.core.machine import DriverFault, Machine
from rigfit.core.plan import Step
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.proof import Level
from rigfit.core.receipt import Making, Receipt, Verification
from rigfit.core.visible import hidden_by
from rigfit.core.words import say
from rigfit.engine.settings import Settings
from rigfit.engine.watching import Watch, use_of
from rigfit.verify.run import Trial, prove

# Bytes free, for CUDA's context (0.8 GiB on an H100, CUDA 13.0, measured 2026-11-22 by tests/bench/fits_points.py) and the
# smallest models with what their kernels work in; tests/gpu proves that this is enough.
NEEDED = 5 << 28
_NAMED = 3  # of the GPUs that could be taken instead


def trial_of(making: Making, ground: Ground, *, level: Level = "full", seconds: float = 0, chosen: str = "") -> Trial:
    """Of an environment that rigfit made; `chosen` is how the GPU was asked for on the command line, if it was."""
    name = making.environment
    return Trial(
        environment=name,
        python=Path(making.prefix) / "bin" / "python",
        imports=tuple(making.imports),
        device=ground.device,
        visible=ground.visible,
        gpu_used=ground.used,
        quantization=making.quantization,
        level=level,
        seconds=seconds if level == "stress" else 0,
        fix=(f"rigfit verify {name}{chosen} -v", f"rigfit repair {name}"),
    )


def same_ground(made: Making, machine: Machine) -> Ground:
    """The GPU of the proof. Raises ProblemError where it cannot be reached now."""
    if isinstance(machine.driver, DriverFault):
        raise ProblemError(faulty(machine.driver, instead=without_a_gpu(made)))
    found = ground_of(machine, made.gpu)
    if found is None:
        what = say(
            "the GPU on which {name} was proven, {gpu}, is not in this machine now",
            name=made.environment,
            gpu=made.gpu or say("of unknown UUID"),
        )
        fix = (f"rigfit verify {made.environment} --gpu 0", f"rigfit setup {made.template}")
        raise ProblemError(Problem(code="unknown_gpu", what=what, fix=fix))
    return found


def without_a_gpu(made: Making) -> str:
    """What can be done on a machine that has none."""
    if made.device == "cpu":
        return say(
            "{name} needs no GPU: `{command}`", name=made.environment, command=f"rigfit verify {made.environment}"
        )
    return say("{name} is built for a GPU; `rigfit setup` makes what fits without one", name=made.environment)


def receipt_of(making: Making, machine: Machine, done: Verification) -> Receipt:
    """The receipt as it would be, passed or not."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return Receipt(making=making, proven=now, machine=machine.to_json(), verification=done)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proving:
    """On the machine as it was seen. `command` is the one that asks for it, without `--gpu`; empty where none can have that."""

    settings: Settings
    machine: Machine
    cancel: Cancel
    command: str = ""

    def tried(self, trial: Trial, ground: Ground, step: Step) -> Generator[Event, None, Verification]:
        """Yield the events of the step; the value is what came out, passed or not.

        Raises ProblemError `gpu_hidden` or `gpu_unavailable` before anything is started on a GPU that is not to be had.
        """
        yield StepStarted(step=step.id, title=step.title)
        started = time.monotonic()
        notes = () if trial.level == "imports" else self.clear(ground)
        done = yield from self._watched(trial, ground)
        yield StepFinished(step=step.id, seconds=time.monotonic() - started)
        return replace(done, notes=(*notes, *done.notes))

    def clear(self, ground: Ground) -> tuple[str, ...]:
        """The notes on a GPU that can be had; none on the CPU. Raises ProblemError for one that cannot."""
        gpu, environ = ground.gpu, self.settings.environ
        if gpu is None:
            return ()
        visible, order = environ.get("CUDA_VISIBLE_DEVICES"), environ.get("CUDA_DEVICE_ORDER")
        if visible is not None and hidden_by(gpu, self.machine.gpus, visible, order):
            raise ProblemError(_hidden(ground, visible, shown_to_programs(self.machine, visible, order), self.command))
        use = use_of(gpu, self.settings)
        problem = hindrance(gpu, use, NEEDED)
        if problem is not None:
            raise ProblemError(problem)
        return notes_on(gpu, use)

    def _watched(self, trial: Trial, ground: Ground) -> Generator[Event, None, Verification]:
        """A GPU that is to work for long is looked at meanwhile."""
        if ground.gpu is None or trial.level != "stress":
            return (yield from prove(trial, self.cancel, self.settings.environ))
        watch = Watch(self.settings, ground.gpu)
        try:
            done = yield from prove(trial, self.cancel, self.settings.environ)
        finally:
            health = watch.end()
        yield CheckStarted(id=health.id)
        yield health
        return replace(done, checks=(*done.checks, health))


def _hidden(ground: Ground, value: str, others: tuple[Ground, ...], command: str) -> Problem:
    what = say(
        "CUDA_VISIBLE_DEVICES={value} keeps {place} from programs; nothing was tried on it",
        value=value or '""',
        place=ground.label,
    )
    given = (
        say("{place} is given to you: `{command}`", place=other.label, command=f"{command} --gpu {other.visible}")
        for other in others[:_NAMED]
        if command
    )
    unset = say("if nobody has given you only some: `unset CUDA_VISIBLE_DEVICES`")
    return Problem(code="gpu_hidden", what=what, fix=(*given, unset))
