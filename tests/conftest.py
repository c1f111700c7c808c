"""What all tests stand on."""

from __future__ import annotations

import signal

import pytest


@pytest.fixture(scope="session", autouse=True)
def interrupts_are_heard() -> None:
    """A test run in the background may inherit an ignored SIGINT, and would hand that on to what it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
