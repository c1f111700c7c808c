"""Reading a lock: what comes out, and how a broken one is named."""

from __future__ import annotations

import hashlib
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from rigfit.catalog.load import load_templates
from rigfit.catalog.locate import catalog_dir
from rigfit.catalog.locks import read_lock
from rigfit.catalog.sidecar import read_sidecar
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.template import Variant

SHIPPED = catalog_dir(None)


@pytest.fixture
def cpu(tmp_path: Path) -> Variant:
    catalog = Path(shutil.copytree(SHIPPED, tmp_path / "catalog"))
    return load_templates(catalog)[0].variants[2]


def rewritten(variant: Variant, old: str, new: str) -> Variant:
    """The variant with another lock that its file of sizes agrees with."""
    path = Path(variant.lock_path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    beside = path.with_name("cpu.sizes.json")
    sidecar = replace(read_sidecar(beside), lock_sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    beside.write_text(sidecar.to_text(), encoding="utf-8")
    return replace(variant, lock_sha256=sidecar.lock_sha256)


def problem_of(variant: Variant, platform: str = "linux-64") -> Problem:
    with pytest.raises(ProblemError) as caught:
        read_lock(variant, platform)
    return caught.value.problem


def test_a_lock_gives_the_interpreter_and_the_libraries_with_hash_and_sizes(cpu: Variant) -> None:
    lock = read_lock(cpu, "linux-64")
    assert lock.sha256 == cpu.lock_sha256
    assert cpu.environment.endswith(lock.sha256[:8])
    assert {artifact.version for artifact in lock.conda if artifact.name == "python"} == {cpu.python}
    assert {artifact.name: artifact.version for artifact in lock.pip} == cpu.versions
    artifacts = (*lock.conda, *lock.pip)
    assert sum(artifact.size for artifact in artifacts) == cpu.fetch
    assert sum(artifact.unpacked for artifact in artifacts) == cpu.disk
    assert all(len(artifact.sha256) == 64 and artifact.size > 0 for artifact in artifacts)


def test_a_wheel_from_elsewhere_keeps_its_address_and_the_others_name_no_host(cpu: Variant) -> None:
    lock = read_lock(cpu, "linux-64")
    (torch,) = (artifact for artifact in lock.pip if not artifact.from_index)
    assert torch.url.startswith("https://download.pytorch.org/whl/cpu/torch-2.13.0%2Bcpu-")
    assert torch.filename == "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl"
    assert torch.size == 191_794_682


@pytest.mark.parametrize(
    ("old", "new", "key", "complaint"),
    [
        ("version: 1\n", "version: 7\n", "version", "needs conda-lock's version 1; found the whole number '7'"),
        ("version: 1\n", "", "version", "needs conda-lock's version 1; found the text 'none'"),
        ("package:\n", "packages:\n", "package", "needs a list of packages"),
        ("package:\n", "package:\n- 3\n", "package[0]", "needs a table; found the whole number '3'"),
        ("  manager: conda\n", "  manager: npm\n", "package[0].manager", "needs conda or pip; found the text 'npm'"),
        ("    sha256: ", "    sha1: ", "package[0].hash.sha256", "needs the sha256 of _openmp_mutex"),
        ("    sha256: ", "    sha256: abc", "package[0].hash.sha256", "needs the sha256 of _openmp_mutex"),
        (".conda\n", ".zip\n", "package[0].url", "needs the address of a .conda or .tar.bz2 file"),
        ("${RIGFIT_WHEELS}/", "${HOME}/", "package[27].url", "needs `${RIGFIT_WHEELS}/packages/.../FILE.whl`"),
        (
            "_openmp_mutex-4.5-20",
            "_openmp_mutex-4.5-21",
            "package[0]",
            "needs a file that cpu.sizes.json has the size of",
        ),
        ("  platform: linux-64\n", "", "package[0].platform", "needs a text; found none"),
        ("- name: _openmp_mutex\n", "- nome: x\n", "package[0].name", "needs a text; found none"),
    ],
)
def test_a_broken_lock_is_named_by_file_key_needed_and_found(
    cpu: Variant,
    old: str,
    new: str,
    key: str,
    complaint: str,
) -> None:
    problem = problem_of(rewritten(cpu, old, new))
    assert problem.code == "lock_invalid"
    assert problem.what.startswith(f"{cpu.lock_path}: key `{key}`: {complaint}")
    assert problem.fix == ("rigfit lock current",)


@pytest.mark.parametrize("text", ["package: [", "\x00", "just words"])
def test_a_lock_that_is_no_yaml_table_is_named(cpu: Variant, text: str) -> None:
    Path(cpu.lock_path).write_text(text, encoding="utf-8")
    problem = problem_of(cpu)
    assert problem.code == "lock_invalid"
    assert problem.what.startswith(f"{cpu.lock_path}: needs ")


def test_a_lock_that_was_edited_by_hand_is_stale(cpu: Variant) -> None:
    path = Path(cpu.lock_path)
    text = path.read_text(encoding="utf-8")
    digest = text.split("sha256: ")[1][:64]
    path.write_text(text.replace(digest, "0" * 64), encoding="utf-8")
    problem = problem_of(cpu)
    assert problem.code == "lock_stale"
    assert problem.fix == ("rigfit lock current",)


def test_a_lock_that_was_truncated_is_not_taken_for_a_shorter_one(cpu: Variant) -> None:
    path = Path(cpu.lock_path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.rindex("- name: ")], encoding="utf-8")
    assert problem_of(cpu).code == "lock_stale"


def test_a_platform_that_was_not_locked_is_named_with_those_that_were(cpu: Variant) -> None:
    assert problem_of(cpu, "linux-aarch64").what.endswith(
        "needs packages for linux-aarch64; found packages for linux-64"
    )


def test_a_lock_that_is_gone_is_a_problem_and_no_crash(cpu: Variant) -> None:
    Path(cpu.lock_path).unlink()
    assert "No such file" in problem_of(cpu).what


@pytest.mark.parametrize("number", [0, 1, 2])
def test_reading_a_real_lock_takes_less_than_60_ms(number: int) -> None:
    variant = load_templates(SHIPPED)[0].variants[number]
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        read_lock(variant, "linux-64")
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.060
