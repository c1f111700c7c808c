"""Selection judges every variant, keeps the reasons, and takes nothing unknown for a yes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from packaging.version import Version as PackageVersion

from rigfit.core.fact import DriverMinimum, Facts, GpuMemory, Int8OnCpu, Int8Support, TorchBuild
from rigfit.core.machine import FAULTS, Driver, DriverFault, Fault, Gpu, Machine, Platform
from rigfit.core.problem import ProblemError
from rigfit.core.refusal import why_nothing
from rigfit.core.selection import Selection, Wish, select
from rigfit.core.template import Template, Variant
from rigfit.core.version import Capability, Version

GIB = 1 << 30
SAID = {"source": "a test", "read": "2026-11-22"}
FACTS = Facts(
    drivers=(
        DriverMinimum(cuda=Version("13.2"), minimum=Version("580.65.06"), toolkit=Version("595.45.04"), **SAID),
        DriverMinimum(cuda=Version("12.8"), minimum=Version("525.60.13"), toolkit=Version("570.26"), **SAID),
    ),
    torch=(
        TorchBuild(
            since=PackageVersion("2.15"),
            until=PackageVersion("2.15.9"),
            arch="x86_64",
            cuda=Version("13.2"),
            cubins=tuple(Capability.parse(c) for c in ("7.5", "8.0", "8.6", "9.0", "10.0", "12.0")),
            ptx=(Capability(12, 0),),
            **SAID,
        ),
        TorchBuild(
            since=PackageVersion("2.9"),
            until=PackageVersion("2.10.9"),
            arch="x86_64",
            cuda=Version("12.8"),
            cubins=tuple(Capability.parse(c) for c in ("7.0", "7.5", "8.0", "8.6", "9.0", "10.0", "12.0")),
            ptx=(),
            **SAID,
        ),
    ),
    int8=(
        Int8Support(
            since=PackageVersion("0.45.3"),
            until=PackageVersion("0.50.9"),
            lowest=Capability(7, 5),
            highest=Capability(12, 1),
            speed="fast",
            **SAID,
        ),
    ),
    int8_on_cpu=Int8OnCpu(since=PackageVersion("0.47"), **SAID),
    gpu_memory=GpuMemory(least=4 * GIB, why="a small model", **SAID),
)


def variant(name: str, cuda: str | None, torch: str) -> Variant:
    return Variant(
        template="current",
        name=name,
        cuda=Version(cuda) if cuda else None,
        python="3.11",
        platforms=("linux-64",),
        lock_path=f"{name}.conda-lock.yml",
        lock_sha256="0" * 64,
        versions={"torch": torch, "bitsandbytes": "0.50.2"},
        glibc=Version("2.28"),
        glibc_because="torch",
        fetch=GIB,
        disk=3 * GIB,
    )


CURRENT = Template(
    name="current",
    title="Current",
    purpose="For everyone.",
    rank=1,
    imports=("torch",),
    variants=(
        variant("cu132", "13.2", "2.15.0"),
        variant("cu128", "12.8", "2.10.0"),
        variant("cpu", None, "2.13.0+cpu"),
    ),
)


def gpu(index: int, capability: str | None, memory: int | None = 24 * GIB) -> Gpu:
    known = Capability.parse(capability) if capability else None
    return Gpu(index=index, name=f"card {index}", uuid=f"GPU-{index}", compute_capability=known, memory_total=memory)


def machine(driver: str | Fault, *gpus: Gpu) -> Machine:
    known = DriverFault(fault=driver, what=f"fault {driver}", fix=("mend it",)) if driver in FAULTS else None
    return Machine(
        platform=Platform(os="linux", arch="x86_64", glibc=Version("2.36")),
        driver=known or Driver(version=Version(driver), cuda=Version("13.0")),
        gpus=gpus,
        memory_total=64 * GIB,
        disk_free=100 * GIB,
    )


def chosen(seen: Machine, **wish: Any) -> str | None:
    best = select(seen, (CURRENT,), FACTS, Wish(**wish)).chosen
    return best.variant.name if best else None


def judged(seen: Machine, **wish: Any) -> Selection:
    return select(seen, (CURRENT,), FACTS, Wish(**wish))


def test_the_newest_build_whose_driver_minimum_is_met_is_chosen() -> None:
    assert chosen(machine("580.159.04", gpu(0, "9.0"))) == "cu132"
    assert chosen(machine("550.54.14", gpu(0, "9.0"))) == "cu128"


def test_a_machine_without_nvidia_device_gets_the_cpu_variant() -> None:
    assert chosen(machine("no_device")) == "cpu"


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "no_device"])
def test_a_driver_fault_never_becomes_a_silent_cpu_environment(fault: Fault) -> None:
    selection = judged(machine(fault))
    assert selection.chosen is None
    problem = why_nothing(selection, (CURRENT,), FACTS)
    assert problem.code == "driver_fault"
    assert problem.what == f"fault {fault}"
    assert problem.fix[0] == "mend it"
    assert "--variant cpu" in problem.fix[-1]


def test_the_cpu_variant_is_chosen_on_a_gpu_machine_only_when_it_is_asked_for() -> None:
    seen = machine("580.159.04", gpu(0, "9.0"))
    assert chosen(seen, variant="cpu") == "cpu"
    verdict = next(v for v in judged(seen).candidates[-1].verdicts if v.requirement == "driver")
    assert verdict.status == "unmet"


def test_a_driver_that_cannot_be_read_is_not_taken_for_met() -> None:
    for fault in ("timeout", "unknown"):
        seen = judged(machine(fault))
        statuses = {
            v.status for c in seen.candidates if not c.variant.is_cpu for v in c.verdicts if v.requirement == "driver"
        }
        assert statuses == {"unknown"}


def test_an_unknown_capability_or_memory_is_not_taken_for_met() -> None:
    assert chosen(machine("580.159.04", gpu(0, None))) is None
    assert chosen(machine("580.159.04", gpu(0, "9.0", memory=None))) is None


def test_an_unknown_glibc_or_disk_is_not_taken_for_met() -> None:
    whole = machine("580.159.04", gpu(0, "9.0"))
    assert chosen(replace(whole, platform=replace(whole.platform, glibc=None))) is None
    assert chosen(replace(whole, disk_free=None)) is None


def test_a_card_that_the_newest_build_has_no_code_for_gets_an_older_build_or_a_reason() -> None:
    selection = judged(machine("580.159.04", gpu(0, "7.0")))
    reasons = {c.variant.name: {v.requirement for v in c.against} for c in selection.candidates}
    assert selection.chosen is None
    assert reasons["cu132"] == {"gpu_code", "quantization"}
    assert reasons["cu128"] == {"quantization"}


def test_with_several_gpus_the_variant_that_covers_all_is_best() -> None:
    best = judged(machine("580.159.04", gpu(0, "8.6"), gpu(1, "9.0"))).chosen
    assert best is not None
    assert best.covers == (0, 1)
    assert best.left_out == ()


def test_a_gpu_that_no_variant_covers_is_named_as_left_out() -> None:
    best = judged(machine("580.159.04", gpu(0, "6.1"), gpu(1, "9.0"))).chosen
    assert best is not None
    assert (best.variant.name, best.covers, best.left_out) == ("cu132", (1,), (0,))


def test_gpu_decides_by_index_or_uuid_and_one_that_is_not_there_is_refused() -> None:
    seen = machine("580.159.04", gpu(0, "6.1"), gpu(1, "9.0"))
    assert chosen(seen, gpu="0") is None
    assert chosen(seen, gpu="GPU-1") == "cu132"
    with pytest.raises(ProblemError, match="no GPU `7`"):
        chosen(seen, gpu="7")


def test_ptx_needs_the_driver_of_the_toolkit() -> None:
    assert chosen(machine("580.159.04", gpu(0, "12.1")), variant="cu132") == "cu132"
    newer = gpu(0, "13.0")
    verdicts = judged(machine("580.159.04", newer), variant="cu132").candidates[0].verdicts
    code = next(v for v in verdicts if v.requirement == "gpu_code")
    assert (code.status, "595.45.04" in code.why) == ("unmet", True)
    verdicts = judged(machine("610.43.02", newer), variant="cu132").candidates[0].verdicts
    assert next(v for v in verdicts if v.requirement == "gpu_code").status == "met"


def test_an_unknown_template_or_variant_is_refused_with_those_that_exist() -> None:
    seen = machine("no_device")
    with pytest.raises(ProblemError, match="no template `lora-8bit`") as caught:
        chosen(seen, template="lora-8bit")
    assert caught.value.problem.fix == ("choose one of: current",)
    with pytest.raises(ProblemError, match="no variant `cu999`"):
        chosen(seen, template="current", variant="cu999")


def test_a_refusal_says_needed_found_why_and_what_to_do() -> None:
    seen = machine("550.54.14", gpu(0, "9.0"))
    problem = why_nothing(judged(seen, variant="cu132"), (CURRENT,), FACTS)
    assert problem.code == "nothing_fits"
    assert "needs driver >= 580.65.06; found driver 550.54.14" in problem.detail
    assert "runs on drivers from 580.65.06 on" in problem.detail
    assert any("rigfit setup current" in step for step in problem.fix)
    assert any("newer NVIDIA driver: driver >= 580.65.06" in step for step in problem.fix)


def test_a_refusal_names_equal_gpus_once_and_does_not_argue_for_the_cpu() -> None:
    problem = why_nothing(judged(machine("580.159.04", gpu(0, "6.1"), gpu(1, "6.1"))), (CURRENT,), FACTS)
    same = Gpu(index=1, name="card 0", uuid="x", compute_capability=Capability(6, 1), memory_total=24 * GIB)
    twins = why_nothing(judged(machine("580.159.04", gpu(0, "6.1"), same)), (CURRENT,), FACTS)
    assert "(GPU 0)" in problem.detail
    assert "(GPU 0, 1)" in twins.detail
    assert "cpu" not in problem.detail
    assert "`rigfit setup --variant cpu`" in problem.fix[0]


def test_another_gpu_of_the_machine_that_works_is_offered() -> None:
    seen = machine("580.159.04", gpu(0, "6.1"), gpu(1, "9.0"))
    problem = why_nothing(judged(seen, gpu="0"), (CURRENT,), FACTS)
    assert "`rigfit setup --gpu 1`" in problem.fix[0]


def test_where_only_the_disk_is_too_small_the_problem_is_the_disk() -> None:
    small = replace(machine("no_device"), disk_free=GIB)
    problem = why_nothing(judged(small), (CURRENT,), FACTS)
    assert problem.code == "disk_full"
    assert problem.exit_code == 5


def test_the_selection_as_json_holds_every_candidate_best_first() -> None:
    value = judged(machine("550.54.14", gpu(0, "9.0"))).to_json()
    assert value["chosen"] == {"template": "current", "variant": "cu128"}
    assert (value["covers"], value["left_out"]) == ([0], [])
    assert value["candidates"][0]["variant"] == "cu128"
    assert [c["fits"] for c in value["candidates"]] == [True, False, False]
    assert set(value["candidates"][0]["verdicts"][0]) >= {"requirement", "status", "needed", "found", "why", "source"}


def test_where_not_even_the_cpu_would_do_it_is_not_offered() -> None:
    alpine = machine("no_device")
    problem = why_nothing(judged(replace(alpine, platform=replace(alpine.platform, glibc=None))), (CURRENT,), FACTS)
    assert "current/cpu" in problem.detail
    assert problem.fix == ("nothing in the catalog works on this machine",)


def test_an_environment_that_stands_already_needs_no_room() -> None:
    small = replace(machine("no_device"), disk_free=GIB)
    assert chosen(small, standing=frozenset({CURRENT.variants[2].environment})) == "cpu"


def test_the_full_disk_is_told_with_the_numbers_of_what_would_fit() -> None:
    small = replace(machine("550.54.14", gpu(0, "9.0")), disk_free=2 * GIB)
    problem = why_nothing(judged(small), (CURRENT,), FACTS)
    assert "needs 3.0 GiB, found 2.0 GiB" in problem.what
    unknown = why_nothing(judged(replace(small, disk_free=None)), (CURRENT,), FACTS)
    assert unknown.code == "nothing_fits"


def test_a_bitsandbytes_that_no_fact_speaks_of_is_unknown() -> None:
    newer = replace(CURRENT.variants[0], versions={"torch": "2.15.0", "bitsandbytes": "0.60"})
    template = replace(CURRENT, variants=(newer,))
    verdicts = select(machine("580.159.04", gpu(0, "9.0")), (template,), FACTS, Wish()).candidates[0].verdicts
    assert next(v.status for v in verdicts if v.requirement == "quantization") == "unknown"
