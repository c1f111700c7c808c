"""The shipped facts: what they say of known machines, and that none comes without its source."""

from __future__ import annotations

import re
import shutil
from itertools import combinations
from pathlib import Path

import pytest
from packaging.version import Version as PackageVersion

from rigfit.catalog.load import load_facts, load_templates
from rigfit.catalog.locate import catalog_dir
from rigfit.core.machine import Driver, DriverFault, Gpu, Machine, Platform
from rigfit.core.problem import ProblemError
from rigfit.core.selection import Selection, Wish, select
from rigfit.core.version import Capability, Version

SHIPPED = catalog_dir(None)
FACTS = load_facts(SHIPPED)
GIB = 1 << 30


def judged(driver: Driver | DriverFault, *capabilities: str, memory: int = 24 * GIB) -> Selection:
    machine = Machine(
        platform=Platform(os="linux", arch="x86_64", glibc=Version("2.39")),
        driver=driver,
        gpus=tuple(
            Gpu(index=index, name="a GPU", compute_capability=Capability.parse(text), memory_total=memory)
            for index, text in enumerate(capabilities)
        ),
        memory_total=64 * GIB,
        disk_free=64 * GIB,
    )
    return select(machine, load_templates(SHIPPED), FACTS, Wish())


def chosen(driver: str, capability: str, memory: int = 24 * GIB) -> str | None:
    found = judged(Driver(version=Version(driver)), capability, memory=memory).chosen
    return found.variant.name if found else None


@pytest.mark.parametrize(
    ("driver", "capability", "variant"),
    [
        ("580.159.04", "9.0", "cu132"),  # H100
        ("580.65.06", "7.5", "cu132"),
        ("595.71.05", "12.1", "cu132"),  # code for 12.0 runs on 12.1
        ("580.65.05", "9.0", "cu128"),  # one short of CUDA 13's minimum
        ("535.104.05", "8.9", "cu128"),
        ("525.60.13", "8.6", "cu128"),
        ("525.60.12", "8.6", None),
        ("570.124.06", "7.0", None),  # code for it, but no 8-bit kernels
        ("580.159.04", "6.1", None),
        ("595.71.05", "11.0", None),
        ("595.71.05", "8.7", None),  # an integrated GPU, which runs only code made for it
    ],
)
def test_the_chosen_variant_follows_driver_and_gpu(driver: str, capability: str, variant: str | None) -> None:
    assert chosen(driver, capability) == variant


def test_a_gpu_with_less_than_four_gibibytes_is_refused() -> None:
    assert chosen("580.159.04", "8.6", memory=4 * GIB) == "cu132"
    assert chosen("580.159.04", "8.6", memory=4 * GIB - 1) is None


def test_every_verdict_on_an_h100_is_met_and_says_where_the_fact_was_read() -> None:
    best = judged(Driver(version=Version("580.159.04")), "9.0").candidates[0]
    assert best.fits
    sources = {verdict.requirement: verdict.source for verdict in best.verdicts}
    assert all(sources[name] for name in ("driver", "gpu_code", "quantization", "memory"))


def test_a_machine_without_device_gets_the_cpu_variant_and_a_faulty_driver_gets_none() -> None:
    absent = judged(DriverFault(fault="no_device", what="no NVIDIA device")).chosen
    assert absent is not None
    assert absent.variant.name == "cpu"
    assert judged(DriverFault(fault="not_loaded", what="the module is not loaded")).chosen is None


def test_every_build_cuda_of_torch_has_its_driver_minimum() -> None:
    assert {build.cuda for build in FACTS.torch} <= {row.cuda for row in FACTS.drivers}


def test_the_minimum_is_one_for_a_cuda_major_and_never_above_the_toolkit_driver() -> None:
    for row in FACTS.drivers:
        assert row.minimum <= row.toolkit
    for major in (11, 12, 13):
        assert len({row.minimum for row in FACTS.drivers if row.cuda.parts[0] == major}) == 1


def test_no_two_rows_speak_of_the_same_torch() -> None:
    for one, other in combinations(FACTS.torch, 2):
        assert one.arch != other.arch or one.until < other.since or other.until < one.since


def test_no_two_rows_speak_of_the_same_bitsandbytes_on_the_same_gpu() -> None:
    for one, other in combinations(FACTS.int8, 2):
        apart = one.until < other.since or other.until < one.since
        assert apart or one.highest < other.lowest or other.highest < one.lowest


def test_the_bitsandbytes_that_lies_on_a_cpu_is_excluded() -> None:
    assert PackageVersion("0.46.1") < FACTS.int8_on_cpu.since <= PackageVersion("0.47.0")


@pytest.mark.parametrize("name", ["drivers.toml", "torch.toml", "bitsandbytes.toml", "memory.toml"])
@pytest.mark.parametrize("key", ["source", "read"])
def test_a_fact_without_source_or_date_is_refused(tmp_path: Path, name: str, key: str) -> None:
    catalog = Path(shutil.copytree(SHIPPED, tmp_path / "catalog"))
    path = catalog / "facts" / name
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(rf"^{key} = .*\n", "", text, count=1, flags=re.MULTILINE), encoding="utf-8")
    with pytest.raises(ProblemError) as caught:
        load_facts(catalog)
    assert caught.value.problem.code == "catalog_invalid"
    assert re.search(rf"{name}: key `\S*{key}`: needs .*; found no such key", caught.value.problem.what)


@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        ("torch.toml", '"2.10.0"', '"2.7.0"', "until`: needs no less than `since`, 2.8.0; found 2.7.0"),
        ("torch.toml", '"x86_64"', '"x86"', "arch`: needs x86_64 or aarch64; found the text 'x86'"),
        ("torch.toml", '"12.0"]', '"sm_120"]', "cubins`: needs compute capabilities such as"),
        ("bitsandbytes.toml", '"fast"', '"quick"', "speed`: needs fast or slow"),
        ("bitsandbytes.toml", '"0.44.1"', '"0.44.x"', "until`: needs a package version"),
        ("memory.toml", "4_294_967_296", '"4 GiB"', "gpu_memory.least`: needs a whole number"),
    ],
)
def test_a_wrong_value_in_a_fact_is_named(tmp_path: Path, name: str, old: str, new: str, complaint: str) -> None:
    catalog = Path(shutil.copytree(SHIPPED, tmp_path / "catalog"))
    path = catalog / "facts" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ProblemError) as caught:
        load_facts(catalog)
    assert complaint in caught.value.problem.what


def test_a_fact_file_that_nothing_reads_is_refused(tmp_path: Path) -> None:
    catalog = Path(shutil.copytree(SHIPPED, tmp_path / "catalog"))
    (catalog / "facts" / "rumours.toml").write_text("", encoding="utf-8")
    with pytest.raises(ProblemError) as caught:
        load_facts(catalog)
    assert "rumours.toml" in caught.value.problem.what
