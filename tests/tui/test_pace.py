"""Rate and time left, from the last seconds."""

from __future__ import annotations

from datetime import datetime

from rigfit.core.pace import Pace
from rigfit.core.size import clock
from rigfit_installer.draw.receipt import age


def told(pace: Pace) -> tuple[float | None, float | None]:
    """The rate, and the time left of a hundred bytes."""
    return pace.rate, pace.left(100)


def test_the_rate_is_that_of_the_last_seconds_and_not_of_a_slow_beginning() -> None:
    pace = Pace()
    pace.begin("libraries", 0)
    for second in range(30):
        pace.note("libraries", 0 if second < 20 else (second - 20) * 1000, second)
    assert pace.rate == 1000
    assert pace.left(19_000) == 10
    assert pace.elapsed(29) == 29


def test_nothing_is_said_before_there_is_something_to_tell_it_from() -> None:
    pace = Pace()
    assert told(pace) == (None, None)
    pace.note("base", 10, 0.0)
    pace.note("base", 20, 0.5)
    assert told(pace) == (None, None)


def test_a_new_step_begins_anew_and_a_standstill_has_no_end() -> None:
    pace = Pace()
    pace.note("base", 500, 0)
    pace.note("base", 900, 2)
    pace.note("libraries", 0, 3)
    assert told(pace) == (None, None)
    pace.note("libraries", 0, 6)
    assert told(pace) == (0, None)


def test_times_are_told_as_a_clock_and_as_an_age() -> None:
    assert [clock(seconds) for seconds in (7.4, 750, 3720)] == ["0:07", "12:30", "1:02:00"]
    now = "2026-11-22T12:00:00+00:00"
    ages = ("2026-11-22T11:55:00+00:00", "2026-11-22T09:00:00+00:00", "2026-11-10T12:00:00+00:00", "no time")
    assert [age(since, datetime.fromisoformat(now)) for since in ages] == ["5 min", "3 h", "12 d", "no time"]
