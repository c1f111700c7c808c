"""How busy and warm GPUs are: the real child and the real pynvml against the stand-in for NVIDIA's library."""

from __future__ import annotations

import time

from tests.stand_ins.nvml import StandIn

from rigfit.core.use import Use
from rigfit.probe.watching import ask_use


def test_each_gpu_tells_how_busy_and_warm_it_is(standin: StandIn) -> None:
    said = standin.environ("count=2", "gpu0.busy=87", "gpu0.celsius=64", "memory_free=1024", "gpu1.celsius=31")
    assert ask_use(root=standin.root, environ=said) == (
        Use(index=0, busy=87, celsius=64, memory_free=1024),
        Use(index=1, busy=0, celsius=31, memory_free=1024),
    )


def test_what_a_gpu_does_not_tell_is_left_open_and_costs_nothing_else(standin: StandIn) -> None:
    said = standin.environ("count=2", "gpu0.nvmlDeviceGetUtilizationRates=3", "gpu1.nvmlDeviceGetHandleByIndex=15")
    first, second = ask_use(root=standin.root, environ=said)
    assert (first.busy, first.celsius) == (None, 30)
    assert second == Use(index=1)


def test_where_nvml_is_silent_nobody_tells_and_nobody_waits(standin: StandIn) -> None:
    assert ask_use(root=standin.root, environ=standin.environ("nvmlInit=9")) == ()
    assert ask_use(root=standin.root, environ=standin.environ("nvmlInit=abort")) == ()
    started = time.monotonic()
    assert ask_use(root=standin.root, environ=standin.environ("nvmlInit=hang"), limit=0.5) == ()
    assert time.monotonic() - started < 5
