"""All that a face draws of a run: a pure fold over its events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

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
    Training,
)
from rigfit.core.problem import Problem

_KEPT = 500  # lines; the log file of the run has all of them


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """One row. `done` and `total` in bytes."""

    step: str
    title: str = ""
    state: Literal["waiting", "running", "finished", "failed"] = "waiting"
    done: int = 0
    total: int | None = None
    item: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """`log` holds the last lines."""

    environment: str = ""
    steps: tuple[StepView, ...] = ()
    log: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    checking: str = ""
    training: Training | None = None
    problem: Problem | None = None
    finished: RunFinished | None = None

    def after(self, event: Event) -> RunView:
        """The view once `event` has happened."""
        match event:
            case RunStarted():
                steps = tuple(StepView(step=name) for name in event.steps)
                return RunView(environment=event.environment, steps=steps)
            case StepStarted():
                running = self._with(event.step, state="running", title=event.title, total=event.total)
                return replace(running, checks=(), training=None)  # of several GPUs each has its own
            case Progress():
                return self._with(event.step, done=event.done, total=event.total, item=event.item)
            case StepFinished():
                return self._with(event.step, state="finished", seconds=event.seconds, item="")
            case Log():
                return replace(self, log=(*self.log, event.text)[-_KEPT:])
            case CheckStarted() | Check() | Training():
                return self._proving(event)
            case RunFailed():
                failed = tuple(replace(s, state="failed") if s.state == "running" else s for s in self.steps)
                return replace(self, steps=failed, problem=event.problem, checking="")
            case RunFinished():
                return replace(self, finished=event, checking="")

    def _proving(self, event: CheckStarted | Check | Training) -> RunView:
        match event:
            case CheckStarted():
                return replace(self, checking=event.id)
            case Training():
                return replace(self, training=event)
            case Check():
                return replace(self, checks=(*self.checks, event), checking="", training=None)

    def _with(self, step: str, **changes: object) -> RunView:
        rows = tuple(replace(row, **changes) if row.step == step else row for row in self.steps)  # type: ignore[arg-type]
        return replace(self, steps=rows)
