"""Selection judges every variant, keeps the reasons, and takes nothing unknown for a yes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest
from packaging.version import Version as PackageVersion

from rigfit.core.advice import advised
from rigfit.core.fact import (
    Architecture,
    Bound,
    DriverMinimum,
    Facts,
    First,
    GpuMemory,
    Int8OnCpu,
    Int8Support,
    LastDriver,
    Library,
    Names,
    Nf4Support,
    Speed,
    TorchBuild,
    VirtualSeries,
)
from rigfit.core.machine import FAULTS, Driver, DriverFault, Fault, Gpu, Machine, Platform, Slice
from rigfit.core.problem import ProblemError
from rigfit.core.refusal import why_nothing
from rigfit.core.selection import Selection, Wish, select
from rigfit.core.template import Stack, Template, Variant
from rigfit.core.verdict import Verdict
from rigfit.core.version import Capability, Version

GIB = 1 << 30
SOURCE, READ = "a test", "2026-11-22"


def driver_row(cuda: str, minimum: str, toolkit: str, windows: str) -> DriverMinimum:
    return DriverMinimum(
        cuda=Version(cuda),
        minimum=Version(minimum),
        toolkit=Version(toolkit),
        windows=Version(windows),
        windows_toolkit=None,
        source=SOURCE,
        read=READ,
    )


def codes(text: str) -> tuple[Capability, ...]:
    return tuple(Capability.parse(code) for code in text.split())


def torch_row(since: str, until: str, cuda: str, cubins: str, ptx: str = "", arch: str = "x86_64") -> TorchBuild:
    return TorchBuild(
        since=PackageVersion(since),
        until=PackageVersion(until),
        arch=arch,
        cuda=Version(cuda),
        cubins=codes(cubins),
        ptx=codes(ptx),
        source=SOURCE,
        read=READ,
    )


def library(since: str, until: str, cuda: str, cubins: str, match: Literal["exact", "nearest"] = "exact") -> Library:
    return Library(
        since=PackageVersion(since),
        until=PackageVersion(until),
        arch="x86_64",
        cuda=Version(cuda),
        cubins=codes(cubins),
        match=match,
        source=SOURCE,
        read=READ,
    )


def int8_row(since: str, until: str, capabilities: str, speed: Speed = "fast", *only: str) -> Int8Support:
    lowest, highest = codes(capabilities)
    return Int8Support(
        since=PackageVersion(since),
        until=PackageVersion(until),
        lowest=lowest,
        highest=highest,
        speed=speed,
        only=only,
        source=SOURCE,
        read=READ,
    )


def nf4_row(since: str, until: str, capabilities: str) -> Nf4Support:
    lowest, highest = codes(capabilities)
    return Nf4Support(
        since=PackageVersion(since),
        until=PackageVersion(until),
        lowest=lowest,
        highest=highest,
        source=SOURCE,
        read=READ,
    )


def bound(package: str, since: str, until: str, needs: str, **bounds: str) -> Bound:
    versions = {name: PackageVersion(text) for name, text in bounds.items()}
    return Bound(
        package=package,
        since=PackageVersion(since),
        until=PackageVersion(until),
        needs=needs,
        at_least=versions.get("at_least"),
        below=versions.get("below"),
        free=versions.get("free"),
        to="int8",
        why="a test says so",
        source=SOURCE,
        read=READ,
    )


def architecture(capability: str, name: str, *, unified: bool = False) -> Architecture:
    known = Capability.parse(capability)
    return Architecture(capability=known, name=name, examples=("a card",), unified=unified, source=SOURCE, read=READ)


FACTS = Facts(
    drivers=(
        driver_row("13.2", "580.65.06", "595.45.04", "580.00"),
        driver_row("12.8", "525.60.13", "570.26", "527.41"),
        driver_row("12.1", "525.60.13", "530.30.02", "527.41"),
    ),
    last_drivers=(LastDriver(lowest=Capability(3, 5), highest=Capability(3, 7), branch=470, source=SOURCE, read=READ),),
    torch=(
        torch_row("2.15", "2.15.9", "13.2", "7.5 8.0 8.6 9.0 10.0 12.0", "12.0"),
        torch_row("2.9", "2.10.9", "12.8", "7.0 7.5 8.0 8.6 9.0 10.0 12.0"),
        torch_row("2.1", "2.4.1", "12.1", "3.7 5.0 6.0 7.0 7.5 8.0 8.6 9.0"),
        torch_row("2.15", "2.15.9", "13.2", "8.0 9.0 10.0 11.0 12.0", arch="aarch64"),
    ),
    libraries=(
        library("0.40", "0.44.1", "12.1", "3.7 5.0 6.0 7.0 7.5 8.0 8.6 8.9 9.0"),
        library("0.50", "0.50.9", "12.8", "7.0 7.5 8.0 8.6 8.9 9.0 10.0 12.0", "nearest"),
        library("0.50", "0.50.9", "13.0", "7.5 8.0 8.6 8.9 9.0 10.0 12.0", "nearest"),
    ),
    int8=(
        int8_row("0.40", "0.44.1", "7.5 8.9"),
        int8_row("0.40", "0.44.1", "7.5 7.5", "slow", "GTX 1660"),
        int8_row("0.40", "0.44.1", "5.0 7.2", "slow"),
        int8_row("0.45", "0.50.9", "7.5 12.1"),
    ),
    nf4=(nf4_row("0.40", "0.44.1", "5.0 9.0"), nf4_row("0.45", "0.50.9", "6.0 12.1")),
    nf4_first=(First(package="transformers", since=PackageVersion("4.30"), source=SOURCE, read=READ),),
    int8_on_cpu=Int8OnCpu(since=PackageVersion("0.47"), source=SOURCE, read=READ),
    bounds=(
        bound("peft", "0.2.0", "0.13.2", "bitsandbytes", below="0.45", free="0.14.0"),
        bound("peft", "0.14.0", "0.15.2", "transformers", at_least="4.43.0"),
    ),
    architectures=(
        architecture("9.0", "Hopper"),
        architecture("7.0", "Volta"),
        architecture("12.1", "Blackwell", unified=True),
    ),
    no_tensor_cores=Names(parts=("GTX 1660",), source=SOURCE, read=READ),
    virtual_series=VirtualSeries(without_cuda=("A", "B"), source=SOURCE, read=READ),
    gpu_memory=GpuMemory(least=4 * GIB, why="a small model", source=SOURCE, read=READ),
)
NEWEST = {"transformers": "5.23.0", "peft": "0.21.2", "bitsandbytes": "0.50.2"}
OLD = {"transformers": "4.27.2", "peft": "0.2.0", "bitsandbytes": "0.41.2.post2"}


def stack(versions: dict[str, str], platform: str = "linux-64") -> Stack:
    return Stack(
        platform=platform,
        python="3.11",
        versions=versions,
        glibc=Version("2.28"),
        glibc_because="torch",
        fetch=GIB,
        disk=3 * GIB,
    )


def variant(name: str, cuda: str | None, torch: str, *, template: str = "current") -> Variant:
    old = template != "current"
    return Variant(
        template=template,
        name=name,
        cuda=Version(cuda) if cuda else None,
        accepts=("int8",) if old else ("int8", "nf4"),
        lock_path=f"{name}.conda-lock.yml",
        lock_sha256="0" * 64,
        stacks=(stack({"torch": torch, **(OLD if old else NEWEST)}),),
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
LEGACY = Template(
    name="lora-8bit",
    title="The recipe",
    purpose="For a course.",
    rank=2,
    imports=("torch",),
    variants=(variant("cu121", "12.1", "2.4.1", template="lora-8bit"),),
)
BOTH = (CURRENT, LEGACY)


def gpu(index: int, capability: str | None, memory: int | None = 24 * GIB, **more: Any) -> Gpu:
    known = Capability.parse(capability) if capability else None
    named = {"name": f"card {index}", "uuid": f"GPU-{index}", **more}
    return Gpu(index=index, compute_capability=known, memory_total=memory, **named)


def machine(driver: str | Fault, *gpus: Gpu) -> Machine:
    known = DriverFault(fault=driver, what=f"fault {driver}", fix=("mend it",)) if driver in FAULTS else None
    return Machine(
        platform=Platform(os="linux", arch="x86_64", glibc=Version("2.36")),
        driver=known or Driver(version=Version(driver)),
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


def test_a_card_for_which_only_4_bit_is_left_gets_the_build_that_has_code_for_it_with_a_warning() -> None:
    selection = judged(machine("580.159.04", gpu(0, "7.0", name="V100")))
    best = selection.chosen
    assert best is not None
    assert (best.variant.name, best.quantization(0)) == ("cu128", "nf4")
    assert any("8-bit does not work on V100" in warning and "4-bit" in warning for warning in selection.warnings)
    assert "the last bitsandbytes with 8-bit on 7.0 (Volta) is 0.44.1" in selection.warnings[0]
    assert selection.to_json()["quantization"] == "nf4"
    assert {v.requirement for v in selection.candidates[1].against} >= {"gpu_code"}


def test_a_template_that_still_works_in_8_bits_on_that_card_is_named() -> None:
    seen = machine("580.159.04", gpu(0, "7.0", name="V100"))
    selection = advised(select(seen, BOTH, FACTS, Wish(template="current")), BOTH, FACTS)
    assert selection.warnings[-1] == "for 8-bit on V100: `rigfit setup lora-8bit` (cu121)"


def test_slow_8_bit_fits_and_is_said() -> None:
    for card in (gpu(0, "7.0"), gpu(0, "7.5", name="NVIDIA GeForce GTX 1660")):
        selection = select(machine("580.159.04", card), BOTH, FACTS, Wish(template="lora-8bit"))
        assert selection.chosen is not None
        assert selection.chosen.quantization(0) == "int8"
        assert "8-bit is slow" in selection.warnings[0]


def test_a_card_without_tensor_cores_is_not_taken_for_one_with() -> None:
    verdict = quantization(CURRENT, gpu(0, "7.5", name="NVIDIA GeForce GTX 1660"))
    assert (verdict.status, verdict.quantization) == ("unknown", None)
    assert "without tensor cores" in verdict.why
    assert quantization(CURRENT, gpu(0, "7.5", name="Tesla T4")).status == "met"


def test_a_refusal_for_want_of_8_bit_kernels_tells_the_whole_chain() -> None:
    seen = machine("580.159.04", gpu(0, "9.0", name="H100"))
    selection = select(seen, BOTH, FACTS, Wish(template="lora-8bit"))
    problem = why_nothing(selection, BOTH, FACTS)
    chain = "8-bit on 9.0 (Hopper) needs bitsandbytes >= 0.45, so PEFT >= 0.14.0, so transformers >= 4.43.0"
    assert problem.detail.splitlines()[0] == (
        "`lora-8bit` (cu121) needs 8-bit code for its GPU, which bitsandbytes 0.41.2.post2 has for 7.5 to 8.9 and,"
        f" slowly, 5.0 to 7.2. Here is H100 of compute capability 9.0 (GPU 0), and {chain}. `lora-8bit` holds"
        " bitsandbytes 0.41.2.post2, peft 0.2.0, transformers 4.27.2."
    )
    assert problem.fix == ("`rigfit setup current`, which fits (cu132)",)


def test_a_refusal_without_any_gpu_tells_why_the_cpu_will_not_do_and_offers_what_will() -> None:
    problem = why_nothing(select(machine("no_device"), BOTH, FACTS, Wish(template="lora-8bit")), BOTH, FACTS)
    assert problem.detail.startswith(
        "This machine has no NVIDIA GPU. `lora-8bit` has builds for GPUs alone. 8-bit on a"
    )
    assert "CPU needs bitsandbytes >= 0.47, so PEFT >= 0.14.0, so transformers >= 4.43.0" in problem.detail
    assert problem.fix == ("`rigfit setup current`, which fits (cpu)",)


def test_a_library_that_bitsandbytes_does_not_ship_or_has_no_code_in_is_told_apart() -> None:
    other = replace(LEGACY, variants=(replace(LEGACY.variants[0], cuda=Version("12.8"), name="cu128"),))
    verdict = quantization(other, gpu(0, "8.6"))
    assert (verdict.status, verdict.why) == (
        "unmet",
        "it has libraries for CUDA 12.1, and none for torch's CUDA 12.8",
    )
    verdict = quantization(CURRENT, gpu(0, "6.1"))
    assert (verdict.status, verdict.why) == (
        "unmet",
        "its library for CUDA 13.0 has no code for 6.1; the last with code for it is bitsandbytes 0.44.1",
    )


def quantization(template: Template, card: Gpu) -> Verdict:
    variants = select(machine("580.159.04", card), (template,), FACTS, Wish(variant=template.variants[0].name))
    return next(v for v in variants.candidates[0].verdicts if v.requirement == "quantization")


def test_on_wsl_the_driver_is_compared_with_those_of_windows() -> None:
    seen = machine("527.41", gpu(0, "8.6"))
    assert chosen(replace(seen, platform=replace(seen.platform, wsl=True))) == "cu128"
    assert chosen(replace(seen, driver=Driver(version=Version("525.60.13")))) == "cu128"
    older = replace(seen, driver=Driver(version=Version("525.60.13")), platform=replace(seen.platform, wsl=True))
    problem = why_nothing(judged(older), (CURRENT,), FACTS)
    assert problem.fix == ("install a newer Windows NVIDIA driver: 527.41 or later, instead of 525.60.13",)


def test_a_card_that_only_an_old_template_covers_does_not_change_the_choice_of_template() -> None:
    pair = machine("580.159.04", gpu(0, "8.6", name="RTX 3090"), gpu(1, "6.1", name="GTX 1060"))
    selection = advised(select(pair, BOTH, FACTS, Wish()), BOTH, FACTS)
    assert selection.to_json()["chosen"] == {"template": "current", "variant": "cu132"}
    assert selection.warnings[0].startswith("GPU 1 (GTX 1060) is left out of current/cu132: ")
    assert selection.warnings[-1] == "for all of these GPUs: `rigfit setup lora-8bit` (cu121)"


def test_a_full_disk_never_changes_the_choice_of_variant() -> None:
    bigger = replace(CURRENT.variants[0], stacks=(replace(CURRENT.variants[0].stacks[0], disk=9 * GIB),))
    templates = (replace(CURRENT, variants=(bigger, *CURRENT.variants[1:])), LEGACY)
    seen = replace(machine("580.159.04", gpu(0, "8.6")), disk_free=4 * GIB)
    selection = select(seen, templates, FACTS, Wish())
    assert selection.chosen is None
    problem = why_nothing(selection, templates, FACTS)
    assert (problem.code, problem.what[-28:]) == ("disk_full", "needs 9.0 GiB, found 4.0 GiB")
    assert problem.fix[-1] == "or take what fits as it is: `rigfit setup current --variant cu128`"


def test_an_old_driver_that_costs_the_best_template_is_said() -> None:
    old = replace(FACTS.drivers[2], minimum=Version("450.80.02"))
    facts = replace(FACTS, drivers=(*FACTS.drivers[:2], old))
    selection = advised(select(machine("470.256.02", gpu(0, "8.6")), BOTH, facts, Wish()), BOTH, facts)
    assert selection.to_json()["chosen"] == {"template": "lora-8bit", "variant": "cu121"}
    step = "install a newer NVIDIA driver: 525.60.13 or later, instead of 470.256.02"
    assert selection.warnings == (f"for `current`: {step}",)


def test_what_mends_an_unusable_gpu_is_the_first_thing_to_do() -> None:
    shut = machine("550.54.14", gpu(0, "8.0", compute_mode="prohibited"))
    problem = why_nothing(judged(shut), (CURRENT,), FACTS)
    assert problem.fix[0].startswith("`sudo nvidia-smi -i 0 -c DEFAULT`")
    assert problem.detail.startswith("`current` (cu128) needs a compute mode")


def test_no_driver_that_is_older_than_the_present_one_is_advised() -> None:
    seen = replace(
        machine("580.126.20", gpu(0, "8.0")), driver=Driver(version=Version("580.126.20"), cuda=Version("11.8"))
    )
    problem = why_nothing(judged(seen), (CURRENT,), FACTS)
    assert problem.fix[0].startswith("`unset CONDA_OVERRIDE_CUDA` if it is set")
    assert not any("install" in step for step in problem.fix)


def test_a_driver_without_any_gpu_and_a_cuda_of_nothing_are_no_crash() -> None:
    problem = why_nothing(judged(machine("580.159.04")), (CURRENT,), FACTS)
    assert "the driver answers, and names no GPU" in problem.detail
    none = replace(machine("580.159.04", gpu(0, "8.0")), driver=Driver(version=Version("0"), cuda=Version("0")))
    assert judged(none).chosen is None


def test_the_cpu_is_offered_for_a_faulty_driver_only_where_it_works() -> None:
    faulty = machine("not_loaded")
    assert "--variant cpu" in why_nothing(judged(faulty), (CURRENT,), FACTS).fix[-1]
    old = replace(faulty, platform=replace(faulty.platform, glibc=Version("2.17")))
    assert not any("--variant cpu" in step for step in why_nothing(judged(old), (CURRENT,), FACTS).fix)
    asked = why_nothing(judged(old, variant="cpu"), (CURRENT,), FACTS)
    assert (asked.code, "glibc" in asked.detail) == ("nothing_fits", True)


def test_a_small_mig_instance_is_no_proving_ground_beside_a_whole_card() -> None:
    cut = gpu(0, "8.0", 40 * GIB, mig=True, slices=(Slice(uuid="MIG-a", memory_total=5 * GIB),))
    selection = judged(machine("580.159.04", cut, gpu(1, "8.0", 40 * GIB)))
    assert selection.proving_ground is not None
    assert selection.proving_ground.index == 1


def test_a_capability_that_no_fact_speaks_of_is_unknown() -> None:
    facts = replace(
        FACTS,
        libraries=tuple(replace(row, cubins=codes("10.0")) for row in FACTS.libraries),
        int8=(int8_row("0.45", "0.50.9", "7.5 10.3"),),
        nf4=(nf4_row("0.45", "0.50.9", "6.0 10.3"),),
    )
    verdicts = select(machine("595.71.05", gpu(0, "10.7")), (CURRENT,), facts, Wish()).candidates[0].verdicts
    verdict = next(v for v in verdicts if v.requirement == "quantization")
    assert (verdict.status, verdict.why) == ("unknown", "no fact says whether bitsandbytes works on 10.7")


def test_no_newer_driver_is_asked_for_where_none_will_ever_come() -> None:
    problem = why_nothing(select(machine("470.256.02", gpu(0, "3.7", name="K80")), BOTH, FACTS, Wish()), BOTH, FACTS)
    assert not any("driver" in step for step in problem.fix)
    assert "the last drivers for K80 are of the 470 branch" in problem.detail


def test_the_drivers_own_word_on_cuda_decides_where_its_number_cannot() -> None:
    thor = machine("580.00", gpu(0, "9.0"))
    assert chosen(replace(thor, driver=Driver(version=Version("580.00"), cuda=Version("13.2")))) == "cu132"
    assert chosen(replace(thor, driver=Driver(version=Version("580.00"), cuda=Version("13.0")))) == "cu128"
    overridden = replace(thor, driver=Driver(version=Version("595.71.05"), cuda=Version("12.4")))
    assert chosen(overridden) == "cu128"
    assert "this one supports CUDA 12.4" in judged(overridden).candidates[1].against[0].why


def test_a_driver_newer_than_every_fact_is_fine() -> None:
    assert chosen(machine("999.10", gpu(0, "9.0"))) == "cu132"


def test_of_mig_instances_the_largest_counts_and_is_what_verify_uses() -> None:
    slices = (
        Slice(uuid="MIG-a", name="1g.5gb", memory_total=5 * GIB),
        Slice(uuid="MIG-b", name="3g", memory_total=20 * GIB),
    )
    cut = gpu(0, "8.0", 40 * GIB, mig=True, slices=slices)
    selection = judged(machine("580.159.04", cut))
    assert selection.chosen is not None
    assert selection.proving_ground is not None
    assert selection.proving_ground.target == "MIG-b"
    assert "the largest with 20.0 GiB" in str(selection.chosen.verdicts)
    assert judged(machine("580.159.04", cut), gpu="MIG-a").proving_ground.target == "MIG-a"  # type: ignore[union-attr]


def test_mig_without_instances_or_of_unread_ones_is_no_yes() -> None:
    none, unread = gpu(0, "8.0", mig=True, slices=()), gpu(0, "8.0", mig=True)
    assert chosen(machine("580.159.04", none)) is None
    assert chosen(machine("580.159.04", unread)) is None
    against = judged(machine("580.159.04", none)).candidates[0].against
    assert any("nvidia-smi mig -i 0 -cgi" in verdict.why for verdict in against)


def test_a_gpu_that_no_program_may_use_is_refused_with_the_way_out() -> None:
    shut = judged(machine("580.159.04", gpu(0, "8.0", compute_mode="prohibited")))
    assert shut.chosen is None
    assert any("nvidia-smi -i 0 -c DEFAULT" in verdict.why for verdict in shut.candidates[0].against)
    assert chosen(machine("580.159.04", gpu(0, "8.0", compute_mode="exclusive_process"))) == "cu132"
    desktop = judged(machine("580.159.04", gpu(0, "7.5", name="GRID T4-2B")))
    assert desktop.chosen is None
    assert chosen(machine("580.159.04", gpu(0, "7.5", name="GRID T4-8C"))) == "cu132"


def test_a_gpu_that_shares_the_memory_of_the_machine_is_judged_by_that() -> None:
    spark = machine("580.95.05", gpu(0, "12.1", None, name="NVIDIA GB10"))
    assert chosen(spark) == "cu132"
    assert chosen(replace(spark, memory_total=2 * GIB)) is None
    assert chosen(replace(spark, memory_total=None)) is None


def test_on_another_architecture_the_code_of_that_build_counts() -> None:
    arm = replace(CURRENT.variants[0], stacks=(*CURRENT.variants[0].stacks, stack(CURRENT_ARM, "linux-aarch64")))
    library_too = replace(FACTS.libraries[2], arch="aarch64")
    facts = replace(FACTS, libraries=(*FACTS.libraries, library_too))
    seen = machine("580.95.05", gpu(0, "9.0"))
    seen = replace(seen, platform=replace(seen.platform, arch="aarch64"))
    templates = (replace(CURRENT, variants=(arm, *CURRENT.variants[1:])),)
    assert select(seen, templates, facts, Wish()).chosen is not None
    turing = replace(seen, gpus=(gpu(0, "7.5"),))
    against = select(turing, templates, facts, Wish()).candidates[0].against
    assert "gpu_code" in {verdict.requirement for verdict in against}


CURRENT_ARM = {"torch": "2.15.0", **NEWEST}


def test_a_build_that_the_driver_must_compile_comes_after_one_that_runs_as_it_is() -> None:
    ptx = replace(FACTS.torch[0], ptx=codes("7.5"), cubins=codes("7.5"))
    facts = replace(FACTS, torch=(ptx, *FACTS.torch[1:]))
    best = select(machine("610.43.02", gpu(0, "8.6")), (CURRENT,), facts, Wish())
    assert best.chosen is not None
    assert best.chosen.variant.name == "cu128"
    asked = select(machine("610.43.02", gpu(0, "8.6")), (CURRENT,), facts, Wish(variant="cu132"))
    assert any("must compile torch's code" in warning for warning in asked.warnings)


def test_it_is_proven_on_the_most_capable_card_that_works_in_8_bits() -> None:
    selection = judged(machine("580.159.04", gpu(0, "7.0"), gpu(1, "8.6"), gpu(2, "8.6", 48 * GIB)))
    assert selection.chosen is not None
    assert selection.chosen.covers == (0, 1, 2)
    assert selection.proving_ground is not None
    assert selection.proving_ground.index == 2
    assert selection.to_json()["quantization"] == "int8"


def test_with_several_gpus_the_variant_that_covers_all_is_best() -> None:
    best = judged(machine("580.159.04", gpu(0, "8.6"), gpu(1, "9.0"))).chosen
    assert best is not None
    assert best.covers == (0, 1)
    assert best.left_out == ()


def test_a_gpu_that_no_variant_covers_is_named_as_left_out() -> None:
    selection = judged(machine("580.159.04", gpu(0, "6.1"), gpu(1, "9.0")))
    best = selection.chosen
    assert best is not None
    assert (best.variant.name, best.covers, best.left_out) == ("cu132", (1,), (0,))
    why = "it has none for 6.1; the last torch that has is 2.4.1"
    assert selection.warnings == (f"GPU 0 (card 0) is left out of current/cu132: {why}; `--gpu` decides",)


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
    assert "install a newer NVIDIA driver: 580.65.06 or later, instead of 550.54.14" in problem.fix


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
    assert problem.fix == ("what could not be read is not taken for a yes: see `rigfit detect`",)
    old = replace(alpine, platform=replace(alpine.platform, glibc=Version("2.17")))
    assert why_nothing(judged(old), (CURRENT,), FACTS).fix == ("nothing in the catalog works on this machine",)


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
    newer = replace(CURRENT.variants[0], stacks=(stack({"torch": "2.15.0", "bitsandbytes": "0.60"}),))
    template = replace(CURRENT, variants=(newer,))
    verdicts = select(machine("580.159.04", gpu(0, "9.0")), (template,), FACTS, Wish()).candidates[0].verdicts
    assert next(v.status for v in verdicts if v.requirement == "quantization") == "unknown"
