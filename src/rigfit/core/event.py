"""What happens while a plan is carried out: one line each, the same for screen, program and log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal

from rigfit.core.problem import Problem
from rigfit.core.words import Words, say

CheckStatus = Literal["passed", "failed", "skipped"]
CHECK_WORDS: Mapping[CheckStatus, Words] = {
    "passed": say("passed"),
    "failed": say("failed"),
    "skipped": say("skipped"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """`steps` names every step to come, in order."""

    kind: ClassVar[str] = "run_started"
    environment: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted:
    """`total` is what the step is expected to process, in bytes; None where bytes say nothing."""

    kind: ClassVar[str] = "step_started"
    step: str
    title: str
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Bytes done so far in this step. May be coalesced. `item` is the artifact at work, where known."""

    kind: ClassVar[str] = "progress"
    step: str
    done: int
    total: int | None = None
    item: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    kind: ClassVar[str] = "log"
    text: str
    step: str = ""
    level: Literal["info", "warning"] = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStarted:
    kind: ClassVar[str] = "check_started"
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One verification check with its outcome; ids are those of `proof.check_ids`. `code` says what failed, where that is known."""

    kind: ClassVar[str] = "check"
    id: str
    status: CheckStatus
    measured: Any = None
    expected: Any = None
    seconds: float = 0.0
    why: str = ""
    code: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "status": self.status,
            "measured": self.measured,
            "expected": self.expected,
            "seconds": self.seconds,
            "why": self.why,
            "code": self.code,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A long training has come this far: `done` and `total` in seconds, `rate` in tokens a second."""

    kind: ClassVar[str] = "training"
    step: str
    done: float
    total: float
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished:
    kind: ClassVar[str] = "step_finished"
    step: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFailed:
    """`result` is that of the verification, where one came to its end."""

    kind: ClassVar[str] = "run_failed"
    problem: Problem
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """`result` is, as JSON, the receipt, the verification where there is none, or what was made but not proven."""

    kind: ClassVar[str] = "run_finished"
    seconds: float
    result: dict[str, Any] = field(default_factory=dict)


Event = (
    RunStarted | StepStarted | Progress | Log | CheckStarted | Check | Training | StepFinished | RunFailed | RunFinished
)
_KINDS: dict[str, type[Event]] = {
    kind.kind: kind
    for kind in (
        RunStarted,
        StepStarted,
        Progress,
        Log,
        CheckStarted,
        Check,
        Training,
        StepFinished,
        RunFailed,
        RunFinished,
    )
}


def event_to_json(event: Event) -> dict[str, Any]:
    """One flat JSON object with the key `event` for its kind."""
    content = {each.name: getattr(event, each.name) for each in fields(event)}
    if isinstance(event, RunFailed):
        content["problem"] = event.problem.to_json()
    return {"event": event.kind, **content}


def event_from_json(value: dict[str, Any]) -> Event:
    """Read a line of a run log back; raises KeyError or TypeError for what is not one."""
    content = {name: part for name, part in value.items() if name != "event"}
    kind = _KINDS[value["event"]]
    if kind is RunFailed:
        content["problem"] = Problem.from_json(content["problem"])
    if kind is RunStarted:
        content["steps"] = tuple(content["steps"])
    return kind(**content)
