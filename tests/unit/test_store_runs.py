"""A run's log never hides the run."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from tests.stand_ins.disks import small_disk

from rigfit.core.event import Event, Log, RunFailed, RunFinished, RunStarted, event_from_json
from rigfit.engine.framing import Work, framed
from rigfit.store.paths import Home
from rigfit.store.runs import recorded


def test_every_event_is_written_before_it_is_seen(tmp_path: Path) -> None:
    events = recorded(iter([Log(text="one"), RunFinished(seconds=1.0)]), Home(tmp_path))
    next(events)
    (log,) = (tmp_path / "runs").iterdir()
    assert event_from_json(json.loads(log.read_text())) == Log(text="one")
    list(events)
    assert len(log.read_text().splitlines()) == 2


def test_a_full_disk_does_not_hide_the_events(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as small:
        (small / "runs").mkdir()
        said: list[Event] = [Log(text="x" * 3_000_000), RunFinished(seconds=1.0)]
        assert list(recorded(iter(said), Home(small))) == said


def test_a_log_that_cannot_be_opened_is_the_failure_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where the folder should be")
    (only,) = recorded(iter([Log(text="never seen")]), Home(tmp_path))
    assert isinstance(only, RunFailed)
    assert str(tmp_path / "runs") in only.problem.what


@pytest.mark.parametrize(("lock", "kinds"), [(nullcontext(), [RunFailed]), (None, [RunStarted, Log, RunFinished])])
def test_only_a_run_that_keeps_something_needs_a_home_that_can_be_written(
    tmp_path: Path, lock: AbstractContextManager[object] | None, kinds: list[type[Event]]
) -> None:
    (tmp_path / "runs").write_text("a file where the folder should be")

    def work() -> Work:
        yield Log(text="at work")
        return {"done": True}

    assert [type(event) for event in framed("it", (), work(), Home(tmp_path), lock)] == kinds


def test_old_logs_are_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    for number in range(120):
        (tmp_path / "runs" / f"20260101T000000.{number:06}Z.jsonl").touch()
    list(recorded(iter([Log(text="one")]), Home(tmp_path)))
    assert len(list((tmp_path / "runs").iterdir())) == 100
