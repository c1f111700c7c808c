"""Which Python is meant, and that asking it never takes longer than somebody wants to wait."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from rigfit.core.cancel import Cancel
from rigfit.core.problem import ProblemError
from rigfit.verify import interpreter as module
from rigfit.verify.interpreter import interpreter


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    path = tmp_path / "python"
    path.write_text("#!/bin/sh\nexec sleep 60\n")
    path.chmod(0o755)
    return path


def test_a_python_that_does_not_answer_in_time_is_told_as_slow(slow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LIMIT", 1.0)
    with pytest.raises(ProblemError) as caught:
        interpreter(slow)
    problem = caught.value.problem
    assert problem.code == "python_invalid"
    assert "does not answer within 1 s" in problem.detail


def test_whoever_waits_for_a_slow_python_can_stop_it(slow: Path) -> None:
    cancel, started = Cancel(), time.monotonic()
    threading.Timer(0.3, cancel.request).start()
    with pytest.raises(ProblemError) as caught:
        interpreter(slow, cancel)
    assert caught.value.problem.code == "stopped"
    assert time.monotonic() - started < 10
