"""How GPUs are used: the real child and the real pynvml against the stand-in for NVIDIA's library."""

from __future__ import annotations

import json
import os
import pwd
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.stand_ins.nvml import (
    IDLE,
    OF_A_CONTAINER,
    OF_THE_MACHINE,
    SET_BY_SOMEBODY,
    SLOWDOWNS,
    StandIn,
    as_said,
    as_used,
    compile_library,
)

from rigfit.core.use import Holder, Part, Use
from rigfit.probe.watching import ask_use

MACHINES = Path(__file__).parents[1] / "machines"
CODES = (*range(1, 31), 999)  # every nvmlReturn_t of a failure
FUNCTION_NOT_FOUND, NO_PERMISSION = 13, 4
GIB = 1 << 30
ME = pwd.getpwuid(os.geteuid()).pw_name
AT_WORK = Use(
    index=0,
    uuid="GPU-11111111-2222-3333-4444-555555555555",
    busy=97,
    celsius=64,
    celsius_max=87,
    memory_free=GIB,
    clock=1755,
    clock_max=1980,
    slowdown=("power_cap",),
    ecc_uncorrected=3,
    processes=(
        Holder(pid=4711, user=ME, name="python3", memory=61 * GIB),
        Holder(pid=4712, user=ME, name="Xorg", memory=GIB // 4, graphics=True),
    ),
)
LOST: dict[str, dict[str, object]] = {
    "nvmlDeviceGetUtilizationRates": {"busy": None},
    "nvmlDeviceGetTemperature": {"celsius": None},
    "nvmlDeviceGetTemperatureThreshold": {"celsius_max": None},
    "nvmlDeviceGetMemoryInfo": {"memory_free": None},
    "nvmlDeviceGetClockInfo": {"clock": None},
    "nvmlDeviceGetMaxClockInfo": {"clock_max": None},
    "nvmlDeviceGetCurrentClocksEventReasons": {"slowdown": ()},
    "nvmlDeviceGetTotalEccErrors": {"ecc_uncorrected": None},
    "nvmlDeviceGetComputeRunningProcesses": {"processes": AT_WORK.processes[1:]},
    "nvmlDeviceGetGraphicsRunningProcesses": {"processes": AT_WORK.processes[:1]},
}


def same_on_each(use: Use, count: int) -> list[str]:
    return [f"count={count}", *(line for index in range(count) for line in as_used(replace(use, index=index)))]


def pids(holders: Sequence[Holder]) -> list[int]:
    return [holder.pid for holder in holders]


def test_a_gpu_at_work_tells_everything(standin: StandIn) -> None:
    standin.processes(OF_THE_MACHINE, 4711, 4712)
    assert standin.use(*as_used(AT_WORK)) == (AT_WORK,)


def test_a_gpu_at_rest_tells_that_nothing_slows_it_and_nobody_holds_it(standin: StandIn) -> None:
    recorded = json.loads((MACHINES / "a100-exclusive-580.json").read_text())
    own = [{"uuid": gpu["uuid"], "memory_free": gpu["memory_free"]} for gpu in recorded["gpus"]]
    idle = Use(index=0, busy=0, celsius=30, celsius_max=87, clock=345, clock_max=1980, ecc_uncorrected=0)
    expected = tuple(replace(idle, index=index, **each) for index, each in enumerate(own))
    assert standin.use(*as_said(recorded), f"reasons={IDLE | SET_BY_SOMEBODY}") == expected


@pytest.mark.parametrize("function", LOST)
def test_every_code_at_one_question_costs_that_answer_alone(standin: StandIn, function: str) -> None:
    standin.processes(OF_THE_MACHINE, 4711, 4712)
    refusals = [f"gpu{index}.{function}={code}" for index, code in enumerate(CODES) if code != FUNCTION_NOT_FOUND]
    uses = standin.use(*refusals, *same_on_each(AT_WORK, len(CODES)))
    for index, code in enumerate(CODES):
        lost = {} if code == FUNCTION_NOT_FOUND else LOST[function]
        assert uses[index] == replace(AT_WORK, index=index, **lost)  # type: ignore[arg-type]


def test_what_a_gpu_does_not_tell_is_left_open_and_costs_nothing_else(standin: StandIn) -> None:
    said = ("count=2", "gpu0.nvmlDeviceGetUtilizationRates=3", "gpu1.nvmlDeviceGetHandleByIndex=15")
    first, second = standin.use(*said)
    assert (first.busy, first.celsius) == (None, 30)
    assert second == Use(index=1)


def test_each_slowdown_has_its_word(standin: StandIn) -> None:
    for word, bits in SLOWDOWNS.items():
        assert standin.use(f"reasons={bits | IDLE}")[0].slowdown == (word,)
    assert standin.use("reasons=108")[0].slowdown == ("power_cap", "thermal_software", "thermal_hardware")


def test_memory_that_a_gpu_shares_with_the_machine_is_not_taken_for_full(standin: StandIn) -> None:
    assert standin.use("memory_total=0", "memory_free=0")[0].memory_free is None


def test_an_old_driver_tells_what_it_can(tmp_path: Path, standin: StandIn) -> None:
    old = replace(standin, library=compile_library(tmp_path / "old", "-DOLD"))
    use = old.use(f"reasons={SLOWDOWNS['thermal_hardware']}", "compute=4711:1024")[0]
    assert (use.slowdown, use.processes, use.clock) == (("thermal_hardware",), (), 345)


@pytest.mark.parametrize("option", ["-DOF_535_86", "-DWITHOUT_V2"])
def test_processes_are_read_right_from_drivers_that_tell_them_in_another_way(
    tmp_path: Path, standin: StandIn, option: str
) -> None:
    other = replace(standin, library=compile_library(tmp_path / "other", option))
    use = other.use("compute=4711:1024,4712:2048,4713:4096")[0]
    assert [(holder.pid, holder.memory) for holder in use.processes] == [(4711, 1024), (4712, 2048), (4713, 4096)]


def test_a_process_that_is_told_twice_is_one_process(standin: StandIn) -> None:
    use = standin.use("compute=4711:1024,4712:1024", "mps=4712:1024,4713:1024", "graphics=4711:1024,4714:1024")[0]
    assert pids(use.processes) == [4711, 4712, 4713, 4714]
    assert [holder.graphics for holder in use.processes] == [False, False, False, True]


def test_memory_of_a_process_that_the_driver_does_not_tell_is_left_open(standin: StandIn) -> None:
    use = standin.use("compute=4711,4712:0")[0]
    assert [(holder.pid, holder.memory) for holder in use.processes] == [(4711, None), (4712, None)]


def test_a_process_is_called_by_its_program_without_folder_and_options(standin: StandIn) -> None:
    standin.processes(OF_THE_MACHINE, 1, 2, 3)
    said = ("process1=/usr/lib/chrome/chrome --type=gpu-process --token=secret", "process2=python")
    use = standin.use("compute=1:1024,2:1024,3:1024,4:1024", *said)[0]
    assert [holder.name for holder in use.processes] == ["chrome", "python", "comm", None]
    assert [holder.user for holder in use.processes] == [ME, ME, ME, None]


@pytest.mark.parametrize(
    ("namespace", "holding", "named"),
    [
        (OF_THE_MACHINE, "/dev/null", True),
        (OF_A_CONTAINER, "/dev/null", False),
        (OF_A_CONTAINER, "/dev/nvidiactl", False),
        (OF_A_CONTAINER, "/dev/nvidia0", True),
    ],
)
def test_a_container_names_no_process_that_only_shares_the_number(
    standin: StandIn, namespace: int, holding: str, *, named: bool
) -> None:
    standin.processes(namespace, 4711, holding=holding)
    use = standin.use("compute=4711:1024,4712:1024", "process4711=python", "process4712=bash")[0]
    known = Holder(pid=4711, user=ME if named else None, name="python" if named else None, memory=1024)
    assert use.processes == (known, Holder(pid=4712, memory=1024))


def test_a_directory_of_users_that_does_not_answer_costs_their_names_alone(tmp_path: Path, standin: StandIn) -> None:
    slow = replace(standin, library=compile_library(tmp_path / "slow", "-DSLOW_DIRECTORY"))
    slow.processes(OF_THE_MACHINE, 4711)
    environ = slow.environ("compute=4711:1024", "busy=97")
    environ["LD_PRELOAD"] = str(slow.library / "libnvidia-ml.so.1")
    (use,) = ask_use(root=slow.root, environ=environ, limit=1.0)
    assert (use.busy, use.processes) == (97, (Holder(pid=4711, name="comm", memory=1024),))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder to somebody else")
def test_a_user_whom_nobody_knows_is_told_by_number(standin: StandIn) -> None:
    standin.processes(OF_THE_MACHINE, 4711)
    os.chown(standin.root / "proc/4711", 3999999, -1)
    assert standin.use("compute=4711:1024")[0].processes[0].user == "3999999"


def test_a_gpu_that_opens_in_parts_tells_of_each(standin: StandIn) -> None:
    standin.processes(OF_THE_MACHINE, 1, 2)
    uuids = [f"MIG-00000000-0000-0000-0000-00000000000{index}" for index in range(2)]
    said = [f"gpu0.slice{index}.uuid={uuid}" for index, uuid in enumerate(uuids)]
    said += ["gpu0.slice0.compute=1:1024", "gpu0.slice1.compute=2:2048", "process1=python", "process2=vllm"]
    said += ["gpu0.slice0.memory_free=512", f"gpu0.slice1.nvmlDeviceGetMemoryInfo={NO_PERMISSION}"]
    first = Holder(pid=1, user=ME, name="python", memory=1024)
    second = Holder(pid=2, user=ME, name="vllm", memory=2048)
    whole = f"gpu0.nvmlDeviceGetComputeRunningProcesses={NO_PERMISSION}"
    use = standin.use("mig=1", "slices=2", whole, *said)[0]
    assert use.parts == (
        Part(uuid=uuids[0], memory_free=512, processes=(first,)),
        Part(uuid=uuids[1], processes=(second,)),
    )
    assert use.processes == (first, second)


def test_where_nvml_is_silent_nobody_tells_and_nobody_waits(standin: StandIn) -> None:
    assert standin.use("nvmlInit=9") == ()
    assert standin.use("nvmlInit=abort") == ()
    for where in ("nvmlInit", "nvmlDeviceGetComputeRunningProcesses", "nvmlDeviceGetTotalEccErrors"):
        started = time.monotonic()
        assert standin.use(f"{where}=hang", limit=0.5) == ()
        assert time.monotonic() - started < 5
