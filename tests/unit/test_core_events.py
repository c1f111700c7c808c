"""Events survive their log, and the view folds them without looking elsewhere."""

from __future__ import annotations

import json

import pytest

from rigfit.core.cancel import Cancel
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
    event_from_json,
    event_to_json,
)
from rigfit.core.problem import EXIT_CODES, Problem
from rigfit.core.progress import RunView

PROBLEM = Problem(code="disk_full", what="full", fix=("free some",))
EVENTS: tuple[Event, ...] = (
    RunStarted(environment="current-cpu-00000000", steps=("base", "libraries", "verify")),
    StepStarted(step="base", title="Python"),
    StepFinished(step="base", seconds=0.1),
    StepStarted(step="libraries", title="63 libraries", total=100),
    Progress(step="libraries", done=40, total=100, item="torch"),
    Log(text="Downloading torch", step="libraries"),
    StepFinished(step="libraries", seconds=2.0),
    StepStarted(step="verify", title="prove it"),
    CheckStarted(id="imports"),
    Check(id="imports", status="passed", measured=7, expected="all", seconds=1.0),
    RunFinished(seconds=3.0, result={"environment": "current-cpu-00000000"}),
)


@pytest.mark.parametrize("event", [*EVENTS, RunFailed(problem=PROBLEM)], ids=lambda event: event.kind)
def test_an_event_survives_its_line_in_the_log(event: Event) -> None:
    assert event_from_json(json.loads(json.dumps(event_to_json(event)))) == event


def test_a_view_of_a_whole_run_shows_each_step_and_check() -> None:
    view = RunView()
    for event in EVENTS:
        view = view.after(event)
    assert [(row.step, row.state) for row in view.steps] == [
        ("base", "finished"),
        ("libraries", "finished"),
        ("verify", "running"),
    ]
    assert view.steps[1].done == 40
    assert [check.id for check in view.checks] == ["imports"]
    assert view.log == ("Downloading torch",)
    assert view.finished is not None


def test_a_long_log_is_shown_by_its_last_lines() -> None:
    view = RunView()
    for number in range(2000):
        view = view.after(Log(text=f"line {number}", step="libraries"))
    assert len(view.log) < 1000
    assert view.log[-2:] == ("line 1998", "line 1999")


def test_a_failure_marks_the_step_that_was_running() -> None:
    view = RunView()
    for event in (*EVENTS[:5], RunFailed(problem=PROBLEM)):
        view = view.after(event)
    assert [row.state for row in view.steps] == ["finished", "failed", "waiting"]
    assert view.problem == PROBLEM


def test_a_cancel_wakes_what_is_blocked_even_when_it_came_first() -> None:
    cancel, woken = Cancel(), []
    with cancel.on_cancel(lambda: woken.append("early")):
        cancel.request()
        cancel.request()
    with cancel.on_cancel(lambda: woken.append("late")):
        pass
    assert woken == ["early", "late"]


def test_every_problem_code_has_an_exit_code_of_the_contract() -> None:
    assert set(EXIT_CODES.values()) <= {1, 2, 3, 4, 5, 6, 7, 130}
    with pytest.raises(ValueError, match="unregistered"):
        Problem(code="no_such_code", what="")


def test_a_problem_survives_json() -> None:
    assert Problem.from_json(json.loads(json.dumps(PROBLEM.to_json()))) == PROBLEM
