"""The real `detect`, its real child and the real pynvml against a stand-in for NVIDIA's library, compiled from C."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.stand_ins.command import RIGFIT
from tests.stand_ins.nvml import StandIn, compile_library

from rigfit.core.machine import Driver, DriverFault, Gpu, Machine, Slice
from rigfit.core.version import Capability, Version
from rigfit.probe.asking import Silence
from rigfit.probe.asking import ask as ask_nvml
from rigfit.probe.machine import detect, read_machine
from rigfit.process import child

TESTS = Path(__file__).parents[1]
CODES = (*range(1, 31), 999)  # every nvmlReturn_t of a failure
FIELDS = {
    "nvmlDeviceGetName": ("name",),
    "nvmlDeviceGetUUID": ("uuid",),
    "nvmlDeviceGetCudaComputeCapability": ("compute_capability",),
    "nvmlDeviceGetMemoryInfo": ("memory_total", "memory_free"),
    "nvmlDeviceGetMigMode": ("mig",),
    "nvmlDeviceGetPciInfo": ("pci",),
    "nvmlDeviceGetComputeMode": ("compute_mode",),
}
SLICE_FIELDS = {"nvmlDeviceGetName": "name", "nvmlDeviceGetUUID": "uuid", "nvmlDeviceGetMemoryInfo": "memory_total"}
NOT_FOUND = 6  # at a MIG instance's index: there is none


def with_card(standin: StandIn) -> StandIn:
    standin.card()
    return standin


def fault(machine: Machine) -> DriverFault:
    assert isinstance(machine.driver, DriverFault), machine.driver
    assert machine.driver.what
    return machine.driver


def test_a_healthy_h100_is_described_as_it_was_recorded(standin: StandIn) -> None:
    recorded = read_machine(TESTS / "machines/h100-580.json")
    machine = standin.detect()
    assert (machine.driver, machine.gpus) == (recorded.driver, recorded.gpus)


def test_two_gpus_of_different_kinds_keep_their_own_values(standin: StandIn) -> None:
    machine = standin.detect(
        "count=2",
        "cuda=12040",
        "gpu0.name=NVIDIA GeForce RTX 3090",
        "gpu0.capability=8.6",
        "gpu0.mig=0",
        "gpu1.name=NVIDIA A100-SXM4-80GB",
        "gpu1.capability=8.0",
        "gpu1.mig=1",
        "gpu1.pci=00010000:E1:00.0",
        "gpu1.compute_mode=3",
        "gpu1.memory_total=42949672960",
        "gpu1.memory_free=0",
    )
    assert machine.driver == Driver(version=Version("580.159.04"), cuda=Version("12.4"))
    first, second = machine.gpus
    assert (first.name, first.compute_capability, first.mig) == ("NVIDIA GeForce RTX 3090", Capability(8, 6), False)
    assert second == Gpu(
        index=1,
        name="NVIDIA A100-SXM4-80GB",
        uuid="GPU-00000000-0000-0000-0000-000000000002",
        compute_capability=Capability(8, 0),
        memory_total=42949672960,
        memory_free=0,
        mig=True,
        pci="10000:e1:00.0",
        compute_mode="exclusive_process",
        slices=(),
    )


def test_cuda_visible_devices_hides_nothing(standin: StandIn) -> None:
    assert len(standin.detect("count=2", CUDA_VISIBLE_DEVICES="", CUDA_DEVICE_ORDER="FASTEST_FIRST").gpus) == 2


def test_an_old_driver_without_the_newer_questions_answers_the_older_ones(tmp_path: Path, standin: StandIn) -> None:
    old = replace(standin, library=compile_library(tmp_path / "old", "-DOLD"))
    machine = old.detect("driver=450.248.02", "cuda=11000")
    assert machine.driver == Driver(version=Version("450.248.02"), cuda=Version("11.0"))
    assert [gpu.mig for gpu in machine.gpus] == [None]
    assert machine.gpus[0].name is not None


def test_every_code_at_the_start_is_a_fault_that_says_what_nvml_said(standin: StandIn) -> None:
    machines = standin.detect_each([[f"nvmlInit={code}"] for code in CODES])
    faults = {code: fault(machine) for code, machine in zip(CODES, machines, strict=True)}
    told_apart = {4: "no_permission", 17: "no_permission", 18: "version_mismatch", 10: "timeout"}
    without_any_trace = {9: "no_device", 12: "no_device", 28: "no_device"}
    assert {code: found.fault for code, found in faults.items()} == (
        dict.fromkeys(CODES, "unknown") | told_apart | without_any_trace
    )
    assert all(f"(code {code})" in faults[code].what for code in CODES if faults[code].fault == "unknown")
    assert all(found.fix for found in faults.values() if found.fault != "no_device")


def test_every_code_at_the_count_of_gpus_is_a_fault(standin: StandIn) -> None:
    machines = standin.detect_each([[f"nvmlDeviceGetCount={code}"] for code in CODES])
    assert {fault(machine).fault for machine in machines} == {"no_permission", "timeout", "no_library", "unknown"}


def test_every_code_at_the_versions_costs_the_version_and_keeps_the_gpus(standin: StandIn) -> None:
    standin.trace(
        "proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Wed Jan 22\n"
    )
    lists = [
        [
            f"nvmlSystemGetDriverVersion={code}",
            f"nvmlSystemGetCudaDriverVersion_v2={code}",
            f"nvmlSystemGetCudaDriverVersion={code}",
        ]
        for code in CODES
    ]
    for code, machine in zip(CODES, standin.detect_each(lists), strict=True):
        assert [gpu.compute_capability for gpu in machine.gpus] == [Capability(9, 0)]
        if code == 12:
            assert fault(machine).fault == "no_library"
            assert "libcuda.so.1" in fault(machine).what
        else:
            assert machine.driver == Driver(version=Version("570.86.15"), cuda=None)


def test_a_driver_whose_version_nobody_tells_is_a_fault(standin: StandIn) -> None:
    for said in ("nvmlSystemGetDriverVersion=3", "driver=rubbish", "driver="):
        assert fault(standin.detect(said)).fault == "unknown"


@pytest.mark.parametrize("function", FIELDS)
def test_every_code_at_one_question_costs_that_field_alone(standin: StandIn, function: str) -> None:
    refusals = [f"gpu{index}.{function}={code}" for index, code in enumerate(CODES)]
    whole = standin.detect(f"count={len(CODES)}")
    machine = standin.detect(f"count={len(CODES)}", *refusals)
    lost = dict.fromkeys(FIELDS[function])
    assert isinstance(machine.driver, Driver)
    assert machine.gpus == tuple(replace(gpu, **lost) for gpu in whole.gpus)  # type: ignore[arg-type]


def test_the_instances_of_a_gpu_with_mig_are_read_across_the_gaps_in_their_numbers(standin: StandIn) -> None:
    machine = standin.detect(
        "count=2",
        "gpu0.mig=1",
        "gpu0.slices=3",
        f"gpu0.slice0.nvmlDeviceGetMigDeviceHandleByIndex={NOT_FOUND}",
        "gpu0.slice1.name=NVIDIA A100-SXM4-40GB MIG 2g.10gb",
        "gpu0.slice1.uuid=MIG-11111111-2222-3333-4444-555555555555",
        "gpu0.slice1.memory_total=10401873920",
        "gpu0.slice2.name=",
        "gpu0.slice2.uuid=MIG-GPU-00000000-0000-0000-0000-000000000001/7/0",
        "gpu0.slice2.memory_total=0",
    )
    assert [gpu.slices for gpu in machine.gpus] == [
        (
            Slice(
                uuid="MIG-11111111-2222-3333-4444-555555555555",
                name="NVIDIA A100-SXM4-40GB MIG 2g.10gb",
                memory_total=10401873920,
            ),
            Slice(uuid="MIG-GPU-00000000-0000-0000-0000-000000000001/7/0"),
        ),
        None,
    ]


def test_mig_without_an_instance_is_told_from_mig_that_cannot_be_looked_into(standin: StandIn) -> None:
    assert standin.detect("mig=1").gpus[0].slices == ()
    every_index = (f"gpu0.slice{index}.nvmlDeviceGetMigDeviceHandleByIndex=4" for index in range(7))
    assert standin.detect("mig=1", "slices=7", *every_index).gpus[0].slices is None


def test_every_code_at_the_number_of_instances_costs_them_alone(standin: StandIn) -> None:
    refusals = [f"gpu{index}.nvmlDeviceGetMaxMigDeviceCount={code}" for index, code in enumerate(CODES)]
    whole = standin.detect(f"count={len(CODES)}", "mig=1", "slices=2")
    machine = standin.detect(f"count={len(CODES)}", "mig=1", "slices=2", *refusals)
    assert {len(gpu.slices or ()) for gpu in whole.gpus} == {2}
    assert machine.gpus == tuple(replace(gpu, slices=None) for gpu in whole.gpus)


def test_every_code_at_one_instance_costs_that_instance_alone(standin: StandIn) -> None:
    refusals = [f"gpu{index}.slice0.nvmlDeviceGetMigDeviceHandleByIndex={code}" for index, code in enumerate(CODES)]
    whole = standin.detect(f"count={len(CODES)}", "mig=1", "slices=2")
    machine = standin.detect(f"count={len(CODES)}", "mig=1", "slices=2", *refusals)
    assert machine.gpus == tuple(replace(gpu, slices=(gpu.slices or ())[1:]) for gpu in whole.gpus)


@pytest.mark.parametrize("function", SLICE_FIELDS)
def test_every_code_at_one_question_to_an_instance_costs_that_field_alone(standin: StandIn, function: str) -> None:
    refusals = [f"gpu{index}.slice0.{function}={code}" for index, code in enumerate(CODES)]
    whole = standin.detect(f"count={len(CODES)}", "mig=1", "slices=2")
    machine = standin.detect(f"count={len(CODES)}", "mig=1", "slices=2", *refusals)
    for gpu, before in zip(machine.gpus, whole.gpus, strict=True):
        first, second = before.slices or ()
        lost: dict[str, None] = {SLICE_FIELDS[function]: None}
        assert gpu == replace(before, slices=(replace(first, **lost), second))


def test_a_memory_of_nothing_is_null(standin: StandIn) -> None:
    gpu = standin.detect("memory_total=0", "memory_free=0").gpus[0]
    assert (gpu.memory_total, gpu.memory_free) == (None, None)


def test_a_gpu_that_cannot_be_opened_is_listed_with_its_index_alone(standin: StandIn) -> None:
    refusals = [f"gpu{index}.nvmlDeviceGetHandleByIndex={code}" for index, code in enumerate(CODES)]
    machine = standin.detect(f"count={len(CODES) + 1}", *refusals)
    assert isinstance(machine.driver, Driver)
    assert machine.gpus[:-1] == tuple(Gpu(index=index) for index in range(len(CODES)))
    assert machine.gpus[-1].compute_capability == Capability(9, 0)


def test_a_driver_that_opens_none_of_its_gpus_is_a_fault_and_still_lists_them(standin: StandIn) -> None:
    machine = standin.detect("count=2", "nvmlDeviceGetHandleByIndex=15")
    assert fault(machine).fault == "unknown"
    assert "nvmlDeviceGetHandleByIndex: GPU is lost (code 15)" in fault(machine).what
    assert machine.gpus == (Gpu(index=0), Gpu(index=1))


def test_values_that_no_driver_should_say_are_null(standin: StandIn) -> None:
    machine = standin.detect("pci=somewhere", "compute_mode=7", "cuda=0", "name=", "uuid=")
    assert machine.driver == Driver(version=Version("580.159.04"), cuda=None)
    assert replace(machine.gpus[0], memory_total=None, memory_free=None) == Gpu(
        index=0, compute_capability=Capability(9, 0), mig=False
    )


def test_a_name_that_is_no_text_is_null(standin: StandIn) -> None:
    said = standin.says("placeholder")
    said.write_bytes(b"name=\xff\xfe\n")
    environ = {**standin.environ(), "NVML_STANDIN": str(said)}
    machine = detect(home=standin.place, cache=standin.place, root=standin.root, environ=environ)
    assert (machine.gpus[0].name, machine.gpus[0].pci) == (None, "0000:00:06.0")


def test_a_library_that_prints_does_not_garble_the_answer(standin: StandIn) -> None:
    assert len(standin.detect("nvmlInit=print", "nvmlDeviceGetName=print").gpus) == 1


@pytest.fixture
def still(standin: StandIn) -> Iterator[Callable[[str], tuple[Machine, float]]]:
    """Detect with a library that hangs somewhere; afterwards, let go of whatever still hangs."""
    file = standin.says("placeholder")

    def hang(where: str) -> tuple[Machine, float]:
        file.write_text(f"{where}=hang\n")
        environ = {**standin.environ(), "NVML_STANDIN": str(file)}
        started = time.monotonic()
        machine = detect(home=file, cache=file, root=standin.root, environ=environ, limit=0.4)
        return machine, time.monotonic() - started

    yield hang
    file.write_text("")


@pytest.mark.parametrize("where", ["nvmlInit", "nvmlDeviceGetMemoryInfo"])
def test_a_driver_that_hangs_is_given_up_at_the_limit(
    still: Callable[[str], tuple[Machine, float]], where: str
) -> None:
    machine, seconds = still(where)
    assert fault(machine).fault == "timeout"
    assert "within 0.4 s" in fault(machine).what
    assert 0.4 <= seconds < 1.4


def test_a_child_that_cannot_be_killed_is_left_behind(
    still: Callable[[str], tuple[Machine, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A process stuck in the kernel survives SIGKILL; here it survives because none is sent.
    monkeypatch.setattr(child, "_kill_group", lambda _pid: None)
    machine, seconds = still("nvmlInit")
    assert fault(machine).fault == "timeout"
    assert seconds < 3


def test_a_library_that_crashes_is_a_fault_that_names_the_signal(standin: StandIn) -> None:
    for where in ("nvmlInit", "nvmlDeviceGetUUID"):
        assert fault(standin.detect(f"{where}=abort")).fault == "unknown"
        assert "signal 6" in fault(standin.detect(f"{where}=abort")).what


def test_no_library_and_no_trace_is_no_device(standin: StandIn, tmp_path: Path) -> None:
    machine = replace(standin, library=tmp_path).detect()
    assert (fault(machine).fault, machine.gpus) == ("no_device", ())


def test_no_library_and_a_card_is_no_driver(standin: StandIn, tmp_path: Path) -> None:
    found = fault(replace(with_card(standin), library=tmp_path).detect())
    assert (found.fault, "0000:01:00.0" in found.what) == ("no_driver", True)


def test_a_library_that_does_not_load_is_named_with_the_loaders_words(standin: StandIn, tmp_path: Path) -> None:
    (tmp_path / "libnvidia-ml.so.1").write_text("no library at all")
    # The library is looked for below the root, too, so that the fault can name it.
    standin.trace(f"{tmp_path}/libnvidia-ml.so.1".lstrip("/"), "no library at all")
    found = fault(replace(with_card(standin), library=tmp_path).detect())
    assert found.fault == "no_library"
    assert str(tmp_path / "libnvidia-ml.so.1") in found.what
    assert "file too short" in found.what or "invalid ELF header" in found.what


def test_module_and_library_of_different_versions_are_both_named(standin: StandIn) -> None:
    standin.module("570.133.20")
    found = fault(standin.detect("nvmlInit=18"))
    assert found.fault == "version_mismatch"
    assert (found.module_version, found.library_version) == (Version("570.133.20"), Version("580.159.04"))
    assert "570.133.20" in found.what
    assert "580.159.04" in found.what
    assert found.fix == ("sudo reboot",)


def test_a_container_with_nvml_and_without_libcuda_lacks_the_compute_capability(standin: StandIn) -> None:
    standin.trace(".dockerenv")
    machine = standin.detect("nvmlSystemGetCudaDriverVersion_v2=12")
    assert fault(machine).fault == "no_library"
    assert "NVIDIA_DRIVER_CAPABILITIES=compute,utility" in fault(machine).fix[0]
    assert len(machine.gpus) == 1


def test_an_answer_without_gpus_is_a_fault_by_the_traces(standin: StandIn) -> None:
    assert fault(standin.detect("count=0")).fault == "no_device"
    with_card(standin)
    assert fault(standin.detect("count=0")).fault == "unknown"
    standin.trace(".dockerenv")
    assert fault(standin.detect("count=0")).fault == "no_permission"


def test_wsls_own_library_is_used_before_any_other(standin: StandIn, tmp_path: Path) -> None:
    folder = standin.root / "usr/lib/wsl"
    folder.mkdir(parents=True)
    shutil.copytree(standin.library, folder / "lib")
    assert len(replace(standin, library=tmp_path).detect().gpus) == 1


def test_an_empty_override_says_that_there_is_no_driver_and_is_never_silent(standin: StandIn) -> None:
    for empty in ("", "  "):
        found = fault(standin.detect(CONDA_OVERRIDE_CUDA=empty))
        assert (found.fault, found.fix) == ("no_driver", ("unset CONDA_OVERRIDE_CUDA",))
        assert "CONDA_OVERRIDE_CUDA" in found.what


def test_an_override_changes_the_drivers_cuda_and_nothing_else(standin: StandIn) -> None:
    plain, overridden = standin.detect(), standin.detect(CONDA_OVERRIDE_CUDA="12.4")
    assert overridden.driver == Driver(version=Version("580.159.04"), cuda=Version("12.4"))
    assert overridden.gpus == plain.gpus


def test_an_override_makes_no_driver_where_there_is_none(standin: StandIn) -> None:
    assert fault(standin.detect("nvmlInit=18", CONDA_OVERRIDE_CUDA="12.4")).fault == "version_mismatch"


def test_an_override_that_is_no_version_is_a_fault(standin: StandIn) -> None:
    found = fault(standin.detect(CONDA_OVERRIDE_CUDA="twelve"))
    assert (found.fault, "'twelve'" in found.what) == ("unknown", True)


def test_the_other_distribution_called_pynvml_is_never_asked(
    standin: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impostor = tmp_path / "site/pynvml/__init__.py"
    impostor.parent.mkdir(parents=True)
    impostor.write_text("raise SystemExit('the impostor was imported')")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    assert len(standin.detect().gpus) == 1  # NVIDIA's is further down the path, and is found
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    said = ask_nvml(root=standin.root, environ={})
    assert isinstance(said, Silence)
    assert (said.reason, str(impostor) in said.text) == ("binding", True)
    assert fault(with_card(standin).detect()).fault == "unknown"


def test_a_child_that_cannot_be_started_is_a_fault(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert fault(standin.detect()).fault == "unknown"


@pytest.mark.skipif(os.path.exists("/dev/nvidiactl"), reason="this machine has an NVIDIA driver")  # noqa: PTH110
def test_a_machine_without_a_gpu_says_so(tmp_path: Path) -> None:
    machine = detect(home=tmp_path, cache=tmp_path)
    assert fault(machine).fault == "no_device"
    assert machine.memory_total is not None
    assert machine.disk_free is not None


def test_the_child_that_asks_does_not_survive_a_rigfit_that_is_killed(standin: StandIn) -> None:
    environ = {**os.environ, **standin.environ("nvmlInit=hang")}
    asking = subprocess.Popen([RIGFIT, "detect", "--json"], env=environ, stdout=subprocess.DEVNULL)
    child = _soon(lambda: _children(asking.pid))[0]
    assert asking.poll() is None
    asking.kill()
    assert asking.wait() == -signal.SIGKILL
    _soon(lambda: _has_ended(child))


def _has_ended(pid: str) -> bool:
    """A zombie has, that nobody waits for."""
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def _children(pid: int) -> list[str]:
    """Those that have become the program that asks NVML."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    children = [child for thread in threads for child in (thread / "children").read_text().split()]
    return [child for child in children if "nvml.py" in Path(f"/proc/{child}/cmdline").read_text()]


def _soon(ask: Callable[[], Any], patience: float = 20) -> Any:
    """What it gives as soon as it gives something."""
    end = time.monotonic() + patience
    while not (found := ask()):
        assert time.monotonic() < end, "in vain"
        time.sleep(0.01)
    return found
