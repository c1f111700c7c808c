"""`rigfit templates --check`: every fault of a catalog is named, and the shipped catalog has none."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

import pytest
from packaging.version import Version as PackageVersion
from tests.stand_ins.catalogs import SMALL_CONDA, SMALL_VERSIONS, lock_by_hand, make_small_catalog
from tests.stand_ins.command import RIGFIT, rigfit

from rigfit.catalog.audit import check_against_facts, check_locks, check_ranks
from rigfit.catalog.load import load_facts
from rigfit.catalog.locate import catalog_dir
from rigfit.core.fact import (
    Architecture,
    Bound,
    DriverMinimum,
    Facts,
    GpuMemory,
    Int8OnCpu,
    Int8Support,
    LastDriver,
    Library,
    Names,
    TorchBuild,
    VirtualSeries,
)
from rigfit.core.problem import Problem
from rigfit.core.version import Capability, Version

SHIPPED = catalog_dir(None)
PIP = "- name: pip\n  version: '26.0'\n  manager: pip\n"
PEFT = "- name: peft\n  version: 0.10.0\n  manager: pip\n"


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return make_small_catalog(tmp_path / "catalog")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def edit_environment(old: str, new: str) -> Callable[[Path], None]:
    return lambda catalog: edit(catalog / "small" / "environment.yml", old, new)


def edit_template(old: str, new: str) -> Callable[[Path], None]:
    return lambda catalog: edit(catalog / "small" / "template.toml", old, new)


def edit_sizes(old: str, new: str) -> Callable[[Path], None]:
    return lambda catalog: edit(catalog / "small" / "cu121.sizes.json", old, new)


def edit_hash(key: str) -> Callable[[Path], None]:
    """Another lock's, or that of other inputs."""

    def change(catalog: Path) -> None:
        path = catalog / "small" / "cu121.sizes.json"
        values = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(values | {key: "7" * 64}), encoding="utf-8")

    return change


def edit_lock(old: str, new: str) -> Callable[[Path], None]:
    """With the recorded hash brought into agreement, as somebody would who wants to hide it."""

    def change(catalog: Path) -> None:
        path, beside = catalog / "small" / "cu121.conda-lock.yml", catalog / "small" / "cu121.sizes.json"
        before = hashlib.sha256(path.read_bytes()).hexdigest()
        edit(path, old, new)
        edit(beside, before, hashlib.sha256(path.read_bytes()).hexdigest())

    return change


def edit_glibc(glibc: str, because: str) -> Callable[[Path], None]:
    """In all sizes of the variant."""

    def change(catalog: Path) -> None:
        path = catalog / "small" / "cu121.sizes.json"
        values = json.loads(path.read_text(encoding="utf-8"))
        for part in values["platforms"].values():
            part |= {"glibc": glibc, "glibc_because": because}
        path.write_text(json.dumps(values), encoding="utf-8")

    return change


def test_a_catalog_without_a_fault_has_none(catalog: Path) -> None:
    assert check_locks(catalog, "small") == []


@pytest.mark.parametrize(
    ("change", "code", "complaint"),
    [
        (edit_environment("<0.60", "<0.61"), "lock_stale", "needs a lock of environment.yml and template.toml as they"),
        (edit_environment("peft >=0.10", "peft >=0.99"), "lock_stale", "wheel peft`: needs peft >=0.99; found 0.10.0"),
        (edit_environment("python 3.11.*", "python 3.12.*"), "lock_stale", "needs python 3.12.*; found 3.11.9"),
        (edit_environment("python 3.11.*", "python >=3.12"), "lock_stale", "needs python >=3.12; found 3.11.9"),
        (
            edit_environment("[pip,", "[pip, einops,"),
            "lock_stale",
            "linux-aarch64 wheel einops`: needs einops; found none",
        ),
        (edit_environment("name: small", "name: other"), "catalog_invalid", "the template's name, `small`"),
        (edit_environment("[conda-forge]", "[defaults]"), "catalog_invalid", "needs [conda-forge]"),
        (edit_environment("dependencies:", "dependencies: ["), "catalog_invalid", "needs YAML"),
        (
            edit_environment("peft >=0.10", "peft = 0.10"),
            "catalog_invalid",
            """needs requirements such as ["torch ==2.15.0"]; found the text 'peft = 0.10' as number 3 of the list""",
        ),
        (
            edit_template('["torch ==2.1.2"]', '["torch ==2.1.2", 7]'),
            "catalog_invalid",
            "pins`: needs requirements such as [\"torch ==2.15.0\"]; found the whole number '7' as number 2 of the list",
        ),
        (
            edit_environment("python 3.11.*", "python 3.11"),
            "catalog_invalid",
            "dependencies`: needs `python 3.11.*`; without `.*` conda looks for that very version; found the text 'python",
        ),
        (edit_environment("python 3.11.*", "python==3.11"), "catalog_invalid", "found the text 'python==3.11'"),
        (edit_template("==2.1.2", "==2.1.1"), "lock_stale", "linux-64 wheel torch`: needs torch ==2.1.1; found 2.1.2"),
        (edit_template('sha256 = "11', 'sha256 = "12'), "lock_invalid", "needs the declared sha256 12"),
        (
            edit_template('"linux-aarch64"]', '"linux-64"]'),
            "catalog_invalid",
            "platforms`: needs some of linux-64, linux-aarch64, each once",
        ),
        (
            edit_template('"linux-64"]', '"linux-64", "linux-aarch64"]'),
            "catalog_invalid",
            "the sizes for linux-aarch64",
        ),
        (
            edit_lock("  - linux-aarch64\n", ""),
            "lock_stale",
            "key `metadata.platforms`: needs the platforms of template.",
        ),
        (edit_lock("    linux-64: ", "    linux-64: 0"), "lock_stale", "metadata.content_hash"),
        (edit_lock(PIP, PIP.replace("26", "25")), "lock_invalid", "26.0, the version that conda brings; found 25.0"),
        (edit_lock("torch: '>=2'", "torch: '>=3'"), "lock_invalid", "needs torch >=3, which bitsandbytes needs"),
        (edit_lock("libzlib: '>=1.3", "libzlib: '>=1.4"), "lock_invalid", "linux-64 conda package libzlib`: needs"),
        (edit_lock("libzlib: '>=", "libz: '>="), "lock_invalid", "conda package libz`: needs libz >=1.3"),
        (edit_lock("${RIGFIT_WHEELS}/", "https://mirror.example/"), "lock_invalid", "found https://mirror.example/"),
        (edit_lock("https://conda.anaconda.org/", "https://m.example/"), "lock_invalid", "https://conda.anaconda.org"),
        (
            edit_lock("forge/linux-64/", "forge/linux-32/"),
            "lock_invalid",
            "an address under https://conda.anaconda.org",
        ),
        (edit_lock(PEFT, PEFT.replace("0.10", "0.11")), "lock_invalid", "linux-64 versions`: needs the versions"),
        (edit_sizes('"python": "3.11.9"', '"python": "3.11.8"'), "lock_invalid", "needs the version of python in the"),
        (edit_sizes('"fetch": 700', '"fetch": 701'), "catalog_invalid", "needs the sum of all sizes, 700; found 701"),
        (
            edit_glibc("2.12", "python 3.11.9"),
            "lock_invalid",
            "linux-aarch64.glibc`: needs what the locked files ask for, 2.17 because of python 3.11.9; found 2.12 because",
        ),
        (edit_glibc("2.17", "torch 2.1.2"), "lock_invalid", "found 2.17 because of torch 2.1.2"),
        (edit_hash("lock_sha256"), "lock_stale", "needs the file that its sizes were written for (sha256 7777"),
        (edit_hash("inputs_sha256"), "lock_stale", "metadata.content_hash`: needs a lock of environment.yml and"),
    ],
)
def test_a_lock_that_does_not_follow_is_named(
    catalog: Path, change: Callable[[Path], None], code: str, complaint: str
) -> None:
    change(catalog)
    problems = check_locks(catalog, "small")
    assert any(problem.code == code and complaint in problem.what for problem in problems), problems


def test_what_is_left_of_a_platform_is_named_wherever_it_stands(catalog: Path) -> None:
    edit_template(', "linux-aarch64"]', "]")(catalog)
    words = " ".join(problem.what for problem in check_locks(catalog, "small"))
    for key in ("metadata.platforms", "package", "sizes"):
        needed = "needs the platforms of template.toml, linux-64; found linux-64, linux-aarch64"
        assert f"cu121.conda-lock.yml: key `{key}`: {needed}" in words


def test_a_size_of_a_file_that_is_not_locked_is_named(catalog: Path) -> None:
    path = catalog / "small" / "cu121.sizes.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    part = values["platforms"]["linux-aarch64"]
    part["sizes"]["left.whl"] = {"fetch": 1, "unpacked": 1}
    part |= {"fetch": part["fetch"] + 1, "disk": part["disk"] + 1}
    path.write_text(json.dumps(values), encoding="utf-8")
    (problem,) = check_locks(catalog, "small")
    assert "key `linux-aarch64 sizes[left.whl]`: needs sizes of locked files only" in problem.what
    assert problem.fix == ("rigfit lock small",)


def test_a_fault_of_one_platform_does_not_hide_those_of_another(catalog: Path) -> None:
    edit_sizes('"fetch": 700', '"fetch": 701')(catalog)
    edit_environment("peft >=0.10", "peft >=0.99")(catalog)
    words = [problem.what for problem in check_locks(catalog, "small")]
    assert any("platforms.linux-64.fetch" in what for what in words)
    assert any("linux-aarch64 wheel peft" in what for what in words)
    assert any("cpu.conda-lock.yml: key `linux-64 wheel peft" in what for what in words)


def test_a_comment_may_change_without_a_new_lock(catalog: Path) -> None:
    edit_environment("name: small", "# more words\nname: small")(catalog)
    edit_template("rank = 1", "rank = 1  # more words")(catalog)
    assert check_locks(catalog, "small") == []


def test_the_glibc_is_that_of_the_wheels_tags_and_torch_is_named_before_others(catalog: Path) -> None:
    for name, older, newer in (
        ("peft-0.10.0", "py3-none-any", "cp311-cp311-manylinux2014_x86_64.manylinux_2_24_x86_64"),
        ("pip-26.0", "py3-none-any", "cp311-cp311-manylinux_2_28_x86_64"),
        ("torch-2.1.2", "py3-none-any", "cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64"),
    ):
        edit_lock(f"{name}-{older}.whl", f"{name}-{newer}.whl")(catalog)
        edit_sizes(f"{name}-{older}.whl", f"{name}-{newer}.whl")(catalog)
    (problem,) = check_locks(catalog, "small")
    needed = "needs what the locked files ask for, 2.28 because of pip 26.0; found 2.17 because of python 3.11.9"
    assert problem.what == f"{catalog}/small/cu121.sizes.json: key `platforms.linux-64.glibc`: {needed}"
    assert problem.fix == ("rigfit lock small",)
    edit_lock("manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl", "manylinux_2_28_x86_64.whl")(catalog)
    edit_sizes("manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl", "manylinux_2_28_x86_64.whl")(catalog)
    (problem,) = check_locks(catalog, "small")
    assert "2.28 because of torch 2.1.2; found" in problem.what


def test_a_name_of_a_wheel_that_has_no_tags_is_refused(catalog: Path) -> None:
    edit_lock("peft-0.10.0-py3-none-any.whl", "peft.whl")(catalog)
    edit_sizes("peft-0.10.0-py3-none-any.whl", "peft.whl")(catalog)
    assert any("needs the tags of each wheel in its file's name" in each.what for each in check_locks(catalog, "small"))


def test_a_lock_without_a_pip_of_conda_is_refused_with_what_to_write(catalog: Path) -> None:
    edit(catalog / "small" / "environment.yml", "  - pip\n", "")
    without = {name: row for name, row in SMALL_CONDA.items() if name != "pip"}
    lock_by_hand(catalog / "small", SMALL_VERSIONS, without)
    problem, *_ = check_locks(catalog, "small")
    needed = "needs pip, with which `conda-lock install` lays the wheels; found none"
    assert problem.what == f"{catalog}/small/cu121.conda-lock.yml: key `linux-64 conda package pip`: {needed}"
    assert problem.fix == ("write `- pip` beside python in environment.yml", "rigfit lock small")


@pytest.mark.parametrize("name", ["cu118.conda-lock.yml", "cu118.sizes.json"])
def test_a_generated_file_of_no_variant_is_refused_with_its_removal(catalog: Path, name: str) -> None:
    left = catalog / "small" / name
    left.write_text("", encoding="utf-8")
    (problem,) = check_locks(catalog, "small")
    needed = "needs a file of one of the variants of template.toml, cu121, cpu; found a file of none of them"
    assert problem.what == f"{left}: {needed}"
    assert problem.fix == (f"git rm {left}", "or write that variant into template.toml")


def test_two_templates_of_one_rank_are_refused(catalog: Path) -> None:
    shutil.copytree(catalog / "small", catalog / "other")
    edit(catalog / "other" / "template.toml", 'name = "small"', 'name = "other"')
    (problem,) = check_ranks(catalog, ["other", "small"])
    needed = "needs a rank of its own; the lower one comes first; found 1, which is also that of `other`"
    assert problem.what == f"{catalog}/small/template.toml: key `rank`: {needed}"
    (problem,) = check_ranks(catalog, ["other"])
    assert f"{catalog}/other/template.toml" in problem.what
    assert problem.fix == ("choose another whole number; taken are 1",)
    edit(catalog / "other" / "template.toml", "rank = 1", "rank = 2")
    assert check_ranks(catalog, ["other", "small"]) == []


# Beside the facts


class Said(TypedDict):
    source: str
    read: str


SAID = Said(source="made for a test", read="2026-11-22")
V, C = PackageVersion, Capability
FACTS = Facts(
    drivers=(
        DriverMinimum(
            cuda=Version("12.1"),
            minimum=Version("525.60.13"),
            toolkit=Version("530.30.02"),
            windows=Version("528.33"),
            windows_toolkit=Version("531.14"),
            **SAID,
        ),
    ),
    last_drivers=(LastDriver(lowest=C(3, 0), highest=C(3, 7), branch=470, **SAID),),
    torch=tuple(
        TorchBuild(since=V("2.1.0"), until=V("2.1.2"), arch=arch, cuda=Version("12.1"), cubins=cubins, ptx=(), **SAID)
        for arch, cubins in (("x86_64", (C(3, 7), C(8, 0))), ("aarch64", (C(8, 0),)))
    ),
    libraries=tuple(
        Library(
            since=V("0.40"),
            until=V("0.50.2"),
            arch=arch,
            cuda=Version("12.1"),
            cubins=(C(8, 0),),
            match="exact",
            **SAID,
        )
        for arch in ("x86_64", "aarch64")
    ),
    int8=(Int8Support(since=V("0.40"), until=V("0.50.2"), lowest=C(7, 5), highest=C(8, 9), speed="fast", **SAID),),
    nf4=(),
    nf4_first=(),
    int8_on_cpu=Int8OnCpu(since=V("0.47.0"), **SAID),
    bounds=(
        Bound(
            package="peft",
            since=V("0.2.0"),
            until=V("0.13.2"),
            needs="bitsandbytes",
            at_least=None,
            below=V("0.45.0"),
            to="int8",
            why="it reads memory_efficient_backward, which went away",
            free=V("0.14.0"),
            **SAID,
        ),
        Bound(
            package="torch",
            since=V("2.1.0"),
            until=V("2.13.0"),
            needs="python",
            at_least=V("3.10"),
            below=None,
            to="import",
            why="its code has the operator | for types",
            **SAID,
        ),
    ),
    architectures=(
        Architecture(capability=C(3, 7), name="Kepler", examples=("Tesla K80",), unified=False, **SAID),
        Architecture(capability=C(8, 6), name="Ampere", examples=("NVIDIA RTX A6000",), unified=False, **SAID),
    ),
    no_tensor_cores=Names(parts=("GTX 16",), **SAID),
    virtual_series=VirtualSeries(without_cuda=("B",), **SAID),
    gpu_memory=GpuMemory(least=1, why="a small model", **SAID),
)


def against(catalog: Path, facts: Facts) -> Problem:
    (problem,) = check_against_facts(catalog, "small", facts)
    return problem


def lock_again(catalog: Path, **versions: str) -> None:
    """The CUDA variant with other versions, from a recipe that allows them."""
    path = catalog / "small" / "template.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(', "linux-aarch64"]', "]"), encoding="utf-8")
    lock_by_hand(catalog / "small", SMALL_VERSIONS | {"cu121": SMALL_VERSIONS["cu121"] | versions})


def test_a_catalog_that_agrees_with_the_facts_has_no_fault(catalog: Path) -> None:
    assert check_against_facts(catalog, "small", FACTS) == []


def test_a_pair_of_versions_that_cannot_work_is_named_with_the_reason_and_its_source(catalog: Path) -> None:
    lock_again(catalog, bitsandbytes="0.45.0")
    assert check_locks(catalog, "small") == []
    problem = against(catalog, FACTS)
    assert problem.code == "lock_invalid"
    needed = "needs bitsandbytes <0.45.0, which peft 0.10.0 needs to train on 8-bit layers"
    found = "found bitsandbytes 0.45.0: it reads memory_efficient_backward, which went away (made for a test)"
    assert problem.what.endswith(f"cu121.conda-lock.yml: key `linux-64 wheel bitsandbytes`: {needed}; {found}")
    assert problem.source == "made for a test"
    assert problem.fix == (
        "write `bitsandbytes <0.45.0` in environment.yml, then `rigfit lock small`",
        "or `peft >=0.14.0`, which has no such bound",
    )


def test_a_bound_on_8_bit_training_is_none_for_a_template_of_4_bit(catalog: Path) -> None:
    edit_template('["int8", "nf4"]', '["nf4"]')(catalog)
    lock_again(catalog, bitsandbytes="0.45.0")
    assert check_against_facts(catalog, "small", FACTS) == []


def test_a_bound_on_the_interpreter_counts_and_a_local_version_is_the_public_one(catalog: Path) -> None:
    python = replace(FACTS.bounds[1], at_least=V("3.12"))
    words = [p.what for p in check_against_facts(catalog, "small", replace(FACTS, bounds=(python,)))]
    assert len(words) == 3  # cu121 on two platforms, cpu on one
    assert "needs python >=3.12, which torch 2.13.0+cpu needs to be imported; found python 3.11.9" in words[2]


def test_what_must_be_imported_and_is_not_locked_is_named(catalog: Path) -> None:
    scipy = replace(FACTS.bounds[1], package="peft", since=V("0.10"), until=V("0.10.0"), needs="scipy", at_least=V("0"))
    optional = replace(scipy, to="check")
    assert check_against_facts(catalog, "small", replace(FACTS, bounds=(optional,))) == []
    problem, _ = check_against_facts(catalog, "small", replace(FACTS, bounds=(scipy,)))
    needed = "needs scipy, which peft 0.10.0 needs to be imported; found none: "
    assert f"linux-64 wheel scipy`: {needed}" in problem.what
    assert problem.fix[0] == "write `scipy` in environment.yml, then `rigfit lock small`"


def test_a_variant_whose_cuda_no_library_serves_is_given_to_no_machine(catalog: Path) -> None:
    libraries = tuple(replace(library, cuda=Version("11.7")) for library in FACTS.libraries)
    first, second = check_against_facts(catalog, "small", replace(FACTS, libraries=libraries))
    assert first.code == "catalog_invalid"
    assert f"{catalog}/small/template.toml: key `variants[cu121].platforms`" in first.what
    assert "needs a machine that can be given small/cu121 on linux-64; found none" in first.what
    assert "the nearest (x86_64, NVIDIA RTX A6000, driver 530.30.02)" in first.what
    assert "libraries for CUDA 11.7, and none for torch's CUDA 12.1" in first.what
    assert "on linux-aarch64; found none; the nearest (aarch64," in second.what
    assert "leave that variant or platform out" in first.fix


def test_a_variant_of_which_no_fact_speaks_is_given_to_no_machine(catalog: Path) -> None:
    torch = tuple(build for build in FACTS.torch if build.arch == "x86_64")
    problem = against(catalog, replace(FACTS, torch=torch))
    assert "small/cu121 on linux-aarch64; found none" in problem.what
    assert "no fact says which GPUs torch 2.1.2 has code for" in problem.what
    assert "or add the fact that is missing" in problem.fix


def test_an_old_card_is_not_imagined_with_a_driver_that_it_never_got(catalog: Path) -> None:
    old = Int8Support(since=V("0.40"), until=V("0.50.2"), lowest=C(3, 5), highest=C(3, 7), speed="slow", **SAID)
    libraries = tuple(replace(library, cubins=(C(3, 7),)) for library in FACTS.libraries)
    only = replace(FACTS, int8=(old,), libraries=libraries, architectures=FACTS.architectures[:1])
    first, _ = check_against_facts(catalog, "small", only)
    assert "the nearest (x86_64, Tesla K80, driver 470.999): driver: needs driver >= 525.60.13" in first.what


def test_a_cpu_build_whose_numbers_are_wrong_is_given_to_no_machine(catalog: Path) -> None:
    problem = against(catalog, replace(FACTS, int8_on_cpu=Int8OnCpu(since=V("0.60"), **SAID)))
    assert "small/cpu on linux-64; found none; the nearest (x86_64, no NVIDIA device)" in problem.what
    assert "bitsandbytes >= 0.60" in problem.what


# As a command


def test_the_shipped_catalog_passes_its_check() -> None:
    ran = rigfit("templates", "--check", "--json")
    assert ran.code == 0, ran.out
    assert "current" in ran.result["checked"]


def copied(folder: Path, *templates: str) -> Path:
    """The shipped catalog with these templates only."""
    catalog = folder / "copy"
    shutil.copytree(SHIPPED / "facts", catalog / "facts")
    for template in templates:
        shutil.copytree(SHIPPED / template, catalog / template)
    return catalog


@pytest.mark.parametrize("key", ["source", "read"])
def test_a_fact_without_source_or_date_fails_the_check(tmp_path: Path, key: str) -> None:
    catalog = copied(tmp_path, "current")
    path = catalog / "facts" / "drivers.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    first_row = next(number for number, line in enumerate(lines) if line.startswith("[[driver]]"))
    gone = next(number for number in range(first_row, len(lines)) if lines[number].startswith(f"{key} = "))
    path.write_text("\n".join(lines[:gone] + lines[gone + 1 :]), encoding="utf-8")
    ran = rigfit("templates", "--check", "--json", "--catalog", catalog)
    assert ran.code == 4
    assert ran.problem["code"] == "catalog_invalid"
    assert f"{path}: key `driver[0].{key}`: needs " in ran.problem["what"]


def test_facts_ranks_and_what_is_left_over_fail_the_check(tmp_path: Path) -> None:
    catalog = copied(tmp_path, "current", "peft-0.10")
    edit(catalog / "facts" / "drivers.toml", 'cuda = "12.2"', 'cuda = "12.1"')
    edit(catalog / "peft-0.10" / "template.toml", "rank = 2", "rank = 1")
    (catalog / "current" / "cu118.sizes.json").write_text("", encoding="utf-8")
    ran = rigfit("templates", "--check", "--catalog", catalog)
    assert ran.code == 4
    for words in ('two: cuda = "12.1"', "1, which is also that of `current`", "a file of none of them", "git rm "):
        assert words in ran.err


def test_an_import_that_is_not_declared_is_refused_by_the_shipped_facts(catalog: Path) -> None:
    lock_again(catalog, triton="3.1.0")
    problems = check_against_facts(catalog, "small", load_facts(SHIPPED))
    needed = "needs setuptools, which triton 3.1.0 needs to be imported; found none: it imports setuptools and does not"
    assert any(needed in problem.what for problem in problems)
    lock_again(catalog, triton="3.1.0", setuptools="81.0.0")
    assert not any("triton" in problem.what for problem in check_against_facts(catalog, "small", load_facts(SHIPPED)))


def test_every_fault_is_told_and_what_to_do_about_each(catalog: Path) -> None:
    edit_environment("peft >=0.10", "peft >=0.99")(catalog)
    ran = rigfit("templates", "--check", "small", "--catalog", catalog)
    assert (ran.code, ran.out) == (4, "")
    assert ran.err.startswith(f"error: {catalog}/small/cu121.conda-lock.yml: key `metadata.content_hash`: needs a lock")
    for line in ("linux-64 wheel peft`: needs peft >=0.99; found 0.10.0", "linux-aarch64 wheel peft`", "found 0.21.2"):
        assert line in ran.err
    assert "try: rigfit lock small" in ran.err


def test_a_template_that_is_not_there_is_no_fault_of_the_catalog(catalog: Path) -> None:
    ran = rigfit("templates", "--check", "big", "--json", "--catalog", catalog)
    assert (ran.code, ran.problem["code"]) == (2, "unknown_template")


def test_the_check_needs_neither_conda_lock_nor_a_network(tmp_path: Path) -> None:
    """Conda-lock is hidden behind a package that cannot be imported."""
    hidden = tmp_path / "hidden" / "conda_lock"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError('not installed')\n", encoding="utf-8")
    environ = {**os.environ, "PYTHONPATH": str(hidden.parent)}
    unshare = ["unshare", "--user", "--map-root-user", "--net"]
    alone = subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode == 0
    argv = [*(unshare if alone else []), RIGFIT, "templates", "--check", "current"]
    ran = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "facts, templates and locks agree: current\n"), ran.stderr
    locked = rigfit("lock", "--check", "current", "--json", environ=environ)
    assert (locked.code, locked.problem["fix"]) == (2, ["pip install 'rigfit[lock]'"])
