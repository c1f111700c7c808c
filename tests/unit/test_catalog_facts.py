"""The shipped facts: what they say of known machines, and that none comes without its source."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest
from packaging.version import Version as PackageVersion

from rigfit.catalog.audit import check_facts
from rigfit.catalog.facts import FILES
from rigfit.catalog.load import load_facts, load_templates
from rigfit.catalog.locate import catalog_dir
from rigfit.core.fact import Fact, cubin_covers
from rigfit.core.machine import Driver, DriverFault, Gpu, Machine, Platform
from rigfit.core.problem import ProblemError
from rigfit.core.requirements.platform import PLATFORMS
from rigfit.core.selection import Selection, Wish, select
from rigfit.core.template import Stack, Variant
from rigfit.core.version import Capability, Version

SHIPPED = catalog_dir(None)
FACTS = load_facts(SHIPPED)
TEMPLATES = load_templates(SHIPPED)
MACHINES = Path(__file__).parent.parent / "machines"
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
    return select(machine, TEMPLATES, FACTS, Wish(template="current"))


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
        ("570.124.06", "7.0", "cu128"),  # V100: 4-bit only
        ("580.159.04", "6.1", "cu126"),  # GTX 1080 Ti: 4-bit only
        ("580.159.04", "5.2", None),  # bitsandbytes dropped Maxwell
        ("595.71.05", "11.0", None),  # Thor, whose code is in the aarch64 wheels alone
        ("595.71.05", "8.7", None),  # an integrated GPU, which runs only code made for it
    ],
)
def test_the_chosen_variant_follows_driver_and_gpu(driver: str, capability: str, variant: str | None) -> None:
    assert chosen(driver, capability) == variant


def test_a_gpu_that_the_smallest_model_does_not_fit_on_is_refused() -> None:
    assert chosen("580.159.04", "8.6", memory=4_292_870_144) == "cu132"  # what a card of 4 GB tells
    assert chosen("580.159.04", "8.6", memory=3 * GIB) is None


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


# What the locks need


GPU_STACKS = [
    pytest.param(variant, stack, id=f"{variant.template}-{variant.name}-{stack.platform}")
    for template in TEMPLATES
    for variant in template.variants
    if variant.cuda is not None
    for stack in variant.stacks
]
ALL_STACKS = [
    pytest.param(stack, id=f"{variant.template}-{variant.name}-{stack.platform}")
    for template in TEMPLATES
    for variant in template.variants
    for stack in variant.stacks
]


@pytest.mark.parametrize(("variant", "stack"), GPU_STACKS)
def test_the_facts_speak_of_what_a_variant_locks(variant: Variant, stack: Stack) -> None:
    arch = PLATFORMS[stack.platform]
    torch, bitsandbytes = (PackageVersion(stack.versions[name]) for name in ("torch", "bitsandbytes"))
    assert variant.cuda in {row.cuda for row in FACTS.drivers}
    assert [row.cuda for row in FACTS.torch if row.arch == arch and row.since <= torch <= row.until] == [variant.cuda]
    assert any(row.arch == arch and row.since <= bitsandbytes <= row.until for row in FACTS.libraries)
    assert any(row.since <= bitsandbytes <= row.until for row in FACTS.int8)


@pytest.mark.parametrize("stack", ALL_STACKS)
def test_no_lock_breaks_a_bound(stack: Stack) -> None:
    locked = {package: PackageVersion(text) for package, text in stack.versions.items()}
    for bound in FACTS.bounds:
        needed = locked.get(bound.needs)
        if not bound.concerns(locked) or (bound.to == "check" and needed is None):
            continue
        assert needed is not None, bound.why
        assert bound.allows(needed), bound.why


def test_a_bound_beside_a_third_package_holds_next_to_it_alone() -> None:
    (bound,) = [row for row in FACTS.bounds if row.beside and row.package == "transformers"]
    versions = {"transformers": bound.since, "bitsandbytes": PackageVersion("0.48.0")}
    assert bound.concerns(versions)
    assert not bound.concerns({**versions, "bitsandbytes": PackageVersion("0.47.0")})
    assert not bound.concerns({"transformers": bound.since})


# What the rows say


def test_every_cuda_from_11_to_13_4_has_its_driver() -> None:
    released = [*(f"11.{minor}" for minor in range(9)), *(f"12.{minor}" for minor in (0, 1, 2, 3, 4, 5, 6, 8, 9))]
    released += [f"13.{minor}" for minor in range(5)]
    assert {Version(text) for text in released} <= {row.cuda for row in FACTS.drivers}


def test_the_facts_do_not_contradict_themselves() -> None:
    assert check_facts(SHIPPED, FACTS) == []


def test_the_minimum_is_one_for_a_cuda_major_and_never_above_the_toolkit_driver() -> None:
    for row in FACTS.drivers:
        assert row.minimum <= row.toolkit
        assert row.windows_toolkit is None or row.windows <= row.windows_toolkit
    for major in (11, 12, 13):
        rows = [row for row in FACTS.drivers if row.cuda.parts[0] == major and row.cuda != Version("11.0")]
        assert len({(row.minimum, row.windows) for row in rows}) == 1


def test_a_later_cuda_came_with_a_later_driver() -> None:
    rows = sorted(FACTS.drivers, key=lambda row: row.cuda)
    for earlier, later in combinations(rows, 2):
        assert earlier.minimum <= later.minimum
        assert earlier.toolkit < later.toolkit


def test_every_architecture_that_is_made_code_for_has_its_name() -> None:
    named = {row.capability for row in FACTS.architectures}
    assert {code for build in FACTS.torch for code in build.cubins} <= named
    known = "3.5 3.7 5.0 5.2 6.0 6.1 7.0 7.2 7.5 8.0 8.6 8.7 8.9 9.0 10.0 10.3 10.7 11.0 12.0 12.1"
    assert {Capability.parse(text) for text in known.split()} <= named


def test_the_integrated_gpus_share_the_memory_of_the_machine() -> None:
    unified = {str(row.capability) for row in FACTS.architectures if row.unified}
    assert {"5.3", "6.2", "7.2", "8.7", "11.0", "12.1"} <= unified
    assert not {"7.0", "7.5", "8.0", "8.6", "8.9", "9.0", "10.0", "12.0"} & unified


@pytest.mark.parametrize(
    "name",
    [
        "NVIDIA GeForce GTX 1660 Ti",
        "NVIDIA GeForce GTX 1650 with Max-Q Design",
        "NVIDIA GeForce MX450",
        "NVIDIA T1000 8GB",
        "NVIDIA T600 Laptop GPU",
        "Quadro T2000 with Max-Q Design",
    ],
)
def test_a_turing_card_without_tensor_cores_is_known_by_its_name(name: str) -> None:
    assert FACTS.no_tensor_cores.name(name)


def test_no_other_card_goes_by_such_a_name() -> None:
    names = {example for row in FACTS.architectures for example in row.examples if "GTX 16" not in example}
    for path in MACHINES.glob("*.json"):
        gpus = json.loads(path.read_text(encoding="utf-8"))["gpus"]
        names |= {gpu["name"] for gpu in gpus if gpu["name"] and gpu["compute_capability"] != "7.5"}
    names |= {"Tesla T4", "Tesla T40 24GB", "Quadro RTX 4000", "Quadro RTX 6000", "NVIDIA RTX A400", "NVIDIA TITAN RTX"}
    assert not [name for name in names if FACTS.no_tensor_cores.name(name)]


@pytest.mark.parametrize(
    ("bitsandbytes", "arch", "cuda", "capability", "there"),
    [
        ("0.41.2.post2", "x86_64", "12.1", "7.0", True),
        ("0.41.2.post2", "x86_64", "11.7", "8.9", True),  # by its code for 8.6
        ("0.41.2.post2", "x86_64", "11.7", "9.0", False),
        ("0.41.2.post2", "x86_64", "12.4", "8.0", False),  # no such library
        ("0.40.1", "x86_64", "11.8", "6.1", False),  # the release that lacked the library for cards below 7.5
        ("0.40.2", "x86_64", "11.8", "6.1", True),
        ("0.44.1", "x86_64", "12.5", "9.0", True),
        ("0.45.0", "x86_64", "11.8", "9.0", False),
        ("0.45.5", "x86_64", "12.8", "7.0", True),
        ("0.46.1", "x86_64", "12.8", "7.0", False),
        ("0.47.0", "x86_64", "12.8", "7.0", True),
        ("0.47.0", "x86_64", "12.6", "5.2", True),
        ("0.48.0", "x86_64", "12.6", "5.2", False),
        ("0.50.2", "x86_64", "13.2", "12.1", True),
        ("0.48.2", "aarch64", "13.0", "11.0", True),
        ("0.46.0", "aarch64", "12.8", "12.0", False),
        ("0.50.2", "aarch64", "13.2", "8.7", False),
    ],
)
def test_a_library_has_code_for_a_gpu(bitsandbytes: str, arch: str, cuda: str, capability: str, *, there: bool) -> None:
    version, gpu = PackageVersion(bitsandbytes), Capability.parse(capability)
    cubins = [
        code
        for row in FACTS.libraries
        if row.arch == arch and row.since <= version <= row.until and row.cuda == Version(cuda)
        for code in row.cubins
    ]
    assert any(cubin_covers(code, gpu) for code in cubins) is there


def test_bitsandbytes_looks_for_a_library_of_the_same_major_from_0_50_on() -> None:
    for row in FACTS.libraries:
        assert (row.match == "nearest") is (row.since >= PackageVersion("0.50.0"))


def test_gtx_16_cards_are_slow_where_bitsandbytes_knows_them_apart_and_else_nothing_is_said() -> None:
    rows = [row for row in FACTS.int8 if row.only]
    assert {(row.speed, str(row.since), str(row.until)) for row in rows} == {("slow", "0.38.0", "0.44.1")}
    assert all(FACTS.no_tensor_cores.name(name) for row in rows for name in row.only)


@pytest.mark.parametrize(
    ("package", "version", "needs", "found", "allowed"),
    [
        ("peft", "0.14.0", "transformers", "4.42.4", False),  # cannot import name 'EncoderDecoderCache'
        ("peft", "0.14.0", "transformers", "4.28.0", False),
        ("peft", "0.14.0", "transformers", "4.43.0", True),
        ("peft", "0.17.1", "transformers", "5.23.0", False),  # cannot import name 'HybridCache'
        ("peft", "0.17.1", "transformers", "4.43.4", False),
        ("peft", "0.17.1", "transformers", "4.57.6", True),
        ("peft", "0.18.0", "transformers", "5.23.0", True),
        ("peft", "0.10.0", "transformers", "5.23.0", True),
        ("transformers", "4.27.2", "accelerate", "1.11.0", False),
        ("transformers", "4.28.0", "accelerate", "1.12.0", True),
        ("transformers", "4.34.1", "accelerate", "0.32.1", False),
        ("peft", "0.13.2", "bitsandbytes", "0.45.0", False),
        ("peft", "0.13.2", "bitsandbytes", "0.44.1", True),
        ("peft", "0.14.0", "bitsandbytes", "0.50.2", True),
        ("torch", "2.0.1", "numpy", "2.2.6", False),
        ("torch", "2.3.0", "numpy", "2.2.6", True),
        ("accelerate", "0.17.1", "setuptools", "82.0.0", False),
        ("accelerate", "0.17.1", "setuptools", "81.0.0", True),
        ("accelerate", "0.21.0", "setuptools", "82.0.0", True),
        ("transformers", "5.23.0", "torch", "2.4.1", False),
    ],
)
def test_which_versions_stand_each_other(package: str, version: str, needs: str, found: str, *, allowed: bool) -> None:
    rows = [row for row in FACTS.bounds if row.speaks_of(package, PackageVersion(version)) and row.needs == needs]
    assert all(row.allows(PackageVersion(found)) for row in rows if row.to != "seq2seq") is allowed


@pytest.mark.parametrize(
    ("peft", "transformers", "allowed"),
    [("0.21.1", "5.18.0", False), ("0.21.1", "5.17.0", True), ("0.21.2", "5.23.0", True), ("0.13.2", "5.18.0", True)],
)
def test_which_versions_train_encoder_decoder_models(peft: str, transformers: str, *, allowed: bool) -> None:
    rows = [row for row in FACTS.bounds if row.to == "seq2seq" and row.speaks_of("peft", PackageVersion(peft))]
    assert all(row.allows(PackageVersion(transformers)) for row in rows) is allowed


@pytest.mark.parametrize(
    ("package", "version", "needs", "there"),
    [
        ("triton", "2.0.0", "setuptools", True),
        ("triton", "3.0.0", "setuptools", True),
        ("triton", "3.2.0", "setuptools", True),
        ("triton", "3.3.0", "setuptools", False),
        ("bitsandbytes", "0.41.2.post2", "scipy", True),
        ("bitsandbytes", "0.42.0", "scipy", False),
    ],
)
def test_what_is_imported_and_not_declared(package: str, version: str, needs: str, *, there: bool) -> None:
    rows = [row for row in FACTS.bounds if row.speaks_of(package, PackageVersion(version)) and row.needs == needs]
    assert [row.to for row in rows] == (["import"] if there else [])


def test_the_bitsandbytes_that_lies_on_a_cpu_is_excluded() -> None:
    assert PackageVersion("0.46.1") < FACTS.int8_on_cpu.since <= PackageVersion("0.47.0")


# What is refused


def edited(folder: Path, name: str, edit: Callable[[str], str]) -> str:
    """The complaint about shipped facts of which one file is edited; the edit must change it."""
    catalog = folder / "catalog"
    shutil.copytree(SHIPPED / "facts", catalog / "facts")
    path = catalog / "facts" / name
    text = path.read_text(encoding="utf-8")
    changed = edit(text)
    assert changed != text
    path.write_text(changed, encoding="utf-8")
    with pytest.raises(ProblemError) as caught:
        load_facts(catalog)
    assert caught.value.problem.code == "catalog_invalid"
    return caught.value.problem.what


TABLES = [
    (name, header)
    for name in FILES
    for header in dict.fromkeys(
        re.findall(r"^\[.*?\]+", (SHIPPED / "facts" / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    if header != "[sources]"
]


@pytest.mark.parametrize(("name", "header"), TABLES)
@pytest.mark.parametrize("key", ["source", "read"])
def test_a_fact_without_source_or_date_is_refused(tmp_path: Path, name: str, header: str, key: str) -> None:
    def without(text: str) -> str:
        before, row = text.split(f"{header}", 1)
        return before + header + re.sub(rf"^{key} = .*\n", "", row, count=1, flags=re.MULTILINE)

    complaint = edited(tmp_path, name, without)
    assert re.search(rf"{name}: key `{header.strip('[]')}\S*{key}`: needs .*; found no such key", complaint)


@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        ("torch.toml", 'until = "2.10.0"', 'until = "2.7.0"', "until`: needs no less than `since`, 2.8.0; found 2.7.0"),
        ("torch.toml", '"x86_64"', '"x86"', "arch`: needs x86_64 or aarch64; found the text 'x86'"),
        ("torch.toml", '"12.0"]', '"sm_120"]', "cubins`: needs compute capabilities such as"),
        ("drivers.toml", 'cuda = "13.4"', "cuda = 13.4", "cuda`: needs a version in quotes"),
        ("drivers.toml", "branch = 470", 'branch = "470"', "branch`: needs a whole number"),
        ("drivers.toml", 'highest = "3.7"', 'highest = "2.9"', "highest`: needs no less than `lowest`, 3.0; found 2.9"),
        ("drivers.toml", 'windows = "527.41"', 'windos = "527.41"', "windows`: needs a version in quotes"),
        ("drivers.toml", "windows_toolkit =", "windows_toolkits =", "windows_toolkits`: needs one of the known keys"),
        ("drivers.toml", 'source = "tables"', 'source = "table"', "source`: needs an address"),
        ("drivers.toml", "[sources]\n", '[sources]\nnobody = "a note"\n', "nobody`: needs a row that names it"),
        ("drivers.toml", "[[last_driver]]", "[[last_drivers]]", "last_drivers`: needs one of the known keys"),
        ("bitsandbytes.toml", '"fast"', '"quick"', "speed`: needs fast or slow"),
        ("models.toml", 'family = "llama"', 'family = "lama"', "family`: needs llama or mistral or qwen2"),
        ("models.toml", "layers = 32", "layers = 0", "layers`: needs a whole number, 1 or more; found"),
        ("models.toml", "tied = false", 'tied = "no"', "tied`: needs true or false, without quotes"),
        ("bitsandbytes.toml", '"exact"', '"about"', "match`: needs exact or nearest"),
        ("bitsandbytes.toml", '"0.44.1"', '"0.44.x"', "until`: needs a package version"),
        ("bitsandbytes.toml", 'cuda = ["10.2"]', 'cuda = "10.2"', 'cuda`: needs versions such as ["12.0", "12.1"]'),
        ("bitsandbytes.toml", 'cuda = ["10.2"]', "cuda = []", "cuda`: needs versions such as"),
        ("bitsandbytes.toml", 'only = ["GTX 1630"', 'only = [1630, "GTX"', "only`: needs a list of texts"),
        ("versions.toml", 'to = "int8"', 'to = "train"', "to`: needs import or use or check or int8 or seq2seq"),
        ("measured.toml", 'at_least = "4.43.0"\n', "", "bound[0]`: needs `at_least` or `below`; found neither"),
        (
            "measured.toml",
            'below = "5.0.0"',
            'below = "4.44.0"',
            "below`: needs more than `at_least`, 4.44.0; found 4.44.0",
        ),
        (
            "measured.toml",
            'free = "0.18.0"',
            'free = "0.17.1"',
            "free`: needs a version after `until`, 0.17.1; found 0.17.1",
        ),
        ("measured.toml", "beside = { package =", "beside = { name =", "beside.package`: needs a name"),
        ("measured.toml", ', at_least = "0.48.0" }', " }", "beside.at_least`: needs a package version"),
        ("gpus.toml", "unified = true", 'unified = "true"', "unified`: needs true or false"),
        ("gpus.toml", "[virtual_series]", "[virtual]", "virtual_series`: needs a table"),
        ("memory.toml", "4_026_531_840", '"4 GiB"', "gpu_memory.least`: needs a whole number"),
    ],
)
def test_a_wrong_value_in_a_fact_is_named(tmp_path: Path, name: str, old: str, new: str, complaint: str) -> None:
    assert complaint in edited(tmp_path, name, lambda text: text.replace(old, new, 1))


def test_a_source_that_has_a_name_is_told_in_full() -> None:
    rows: list[Fact] = [*FACTS.drivers, *FACTS.libraries, *FACTS.int8, *FACTS.bounds, *FACTS.architectures]
    assert all(" " in row.source or "://" in row.source for row in rows)
    assert "docs.nvidia.com" in FACTS.drivers[0].source


def test_a_fact_file_that_nothing_reads_is_refused(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED / "facts", tmp_path / "facts")
    (tmp_path / "facts" / "rumours.toml").write_text("", encoding="utf-8")
    with pytest.raises(ProblemError) as caught:
        load_facts(tmp_path)
    assert "rumours.toml" in caught.value.problem.what
