"""Reading a lock: what comes out, and how a broken one is named."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.stand_ins.catalogs import make_small_catalog

from rigfit.catalog.load import load_templates
from rigfit.catalog.locate import catalog_dir
from rigfit.catalog.locks import read_lock
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.template import Stack, Template, Variant

SHIPPED = load_templates(catalog_dir(None))
STACKS = [(variant, stack) for template in SHIPPED for variant in template.variants for stack in variant.stacks]
EACH = pytest.mark.parametrize(
    ("variant", "stack"), STACKS, ids=[f"{v.template}-{v.name}-{stack.platform}" for v, stack in STACKS]
)


@pytest.fixture
def small(tmp_path: Path) -> Template:
    return load_templates(make_small_catalog(tmp_path / "catalog"))[0]


@pytest.fixture
def cpu(small: Template) -> Variant:
    return small.variants[1]


def beside(variant: Variant) -> Path:
    return Path(variant.lock_path).with_name(f"{variant.name}.sizes.json")


def change_sizes(variant: Variant, old: str, new: str) -> None:
    text = beside(variant).read_text(encoding="utf-8")
    assert old in text
    beside(variant).write_text(text.replace(old, new, 1), encoding="utf-8")


def rewritten(variant: Variant, old: str, new: str) -> Variant:
    """The variant with another lock that its file of sizes agrees with."""
    path = Path(variant.lock_path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    change_sizes(variant, variant.lock_sha256, digest)
    return replace(variant, lock_sha256=digest)


def problem_of(variant: Variant, platform: str = "linux-64") -> Problem:
    with pytest.raises(ProblemError) as caught:
        read_lock(variant, platform)
    return caught.value.problem


@EACH
def test_a_lock_gives_the_interpreter_and_the_libraries_with_hash_and_sizes(variant: Variant, stack: Stack) -> None:
    lock = read_lock(variant, stack.platform)
    assert lock.sha256 == variant.lock_sha256
    assert variant.environment.endswith(lock.sha256[:8])
    assert {artifact.version for artifact in lock.conda if artifact.name == "python"} == {stack.python}
    assert {artifact.name: artifact.version for artifact in lock.pip} == stack.versions
    artifacts = (*lock.conda, *lock.pip)
    assert sum(artifact.size for artifact in artifacts) == stack.fetch
    assert sum(artifact.unpacked for artifact in artifacts) == stack.disk
    assert all(len(artifact.sha256) == 64 and artifact.size > 0 for artifact in artifacts)


def test_a_wheel_from_elsewhere_keeps_its_address_and_the_others_name_no_host() -> None:
    current = next(template for template in SHIPPED if template.name == "current")
    cpu = next(variant for variant in current.variants if variant.is_cpu)
    (torch,) = (artifact for artifact in read_lock(cpu, "linux-64").pip if not artifact.from_index)
    assert torch.url.startswith("https://download.pytorch.org/whl/cpu/torch-2.13.0%2Bcpu-")
    assert torch.filename == "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl"
    assert torch.size == 191_794_682


def test_each_platform_of_a_lock_has_its_own_packages(small: Template) -> None:
    for platform, other in (("linux-64", "linux-aarch64"), ("linux-aarch64", "linux-64")):
        lock = read_lock(small.variants[0], platform)
        assert lock.platform == platform
        assert {artifact.url.split("/")[-2] for artifact in lock.conda} == {platform}
        assert not any(other in artifact.url for artifact in lock.conda)


@pytest.mark.parametrize(
    ("old", "new", "key", "complaint"),
    [
        ("version: 1\n", "version: 7\n", "version", "needs conda-lock's version 1; found the whole number '7'"),
        ("version: 1\n", "", "version", "needs conda-lock's version 1; found the text 'none'"),
        ("metadata:\n", "meta:\n", "metadata", "needs a table"),
        ("package:\n", "packages:\n", "package", "needs a list of packages"),
        ("package:\n", "package:\n- 3\n", "package[0]", "needs a table; found the whole number '3'"),
        ("  manager: conda\n", "  manager: npm\n", "package[0].manager", "needs conda or pip; found the text 'npm'"),
        ("    sha256: ", "    sha1: ", "package[0].hash.sha256", "needs the sha256 of libzlib"),
        ("    sha256: ", "    sha256: abc", "package[0].hash.sha256", "needs the sha256 of libzlib"),
        (".conda\n", ".zip\n", "package[0].url", "needs the address of a .conda or .tar.bz2 file"),
        ("${RIGFIT_WHEELS}/", "${HOME}/", "package[3].url", "needs `${RIGFIT_WHEELS}/packages/.../FILE.whl`"),
        ("libzlib-1.3.1-h1", "libzlib-1.3.1-h2", "package[0]", "needs a file that cpu.sizes.json has the size of"),
        ("  platform: linux-64\n", "", "package[0].platform", "needs a text; found none"),
        ("- name: libzlib\n", "- nome: x\n", "package[0].name", "needs a text; found none"),
        ("dependencies: {}", "dependencies: [x]", "package[0].dependencies", "needs specifiers by name"),
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
    assert problem.fix == ("rigfit lock small",)


@pytest.mark.parametrize("text", ["package: [", "\x00", "just words"])
def test_a_lock_that_is_no_yaml_table_is_named(cpu: Variant, text: str) -> None:
    Path(cpu.lock_path).write_text(text, encoding="utf-8")
    problem = problem_of(cpu)
    assert problem.code == "lock_invalid"
    assert problem.what.startswith(f"{cpu.lock_path}: needs ")


def test_a_lock_that_was_edited_by_hand_is_stale(cpu: Variant) -> None:
    path = Path(cpu.lock_path)
    path.write_text(path.read_text(encoding="utf-8").replace("2" * 64, "3" * 64), encoding="utf-8")
    problem = problem_of(cpu)
    assert problem.code == "lock_stale"
    assert problem.fix == ("rigfit lock small",)


def test_a_lock_that_was_truncated_is_not_taken_for_a_shorter_one(cpu: Variant) -> None:
    path = Path(cpu.lock_path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.rindex("- name: ")], encoding="utf-8")
    assert problem_of(cpu).code == "lock_stale"


def test_a_platform_that_was_not_locked_is_named_with_those_that_were(cpu: Variant) -> None:
    assert problem_of(cpu, "linux-aarch64").what.endswith(
        "needs packages for linux-aarch64; found packages for linux-64"
    )


def test_a_platform_without_sizes_is_named(small: Template) -> None:
    variant = small.variants[0]
    values = json.loads(beside(variant).read_text(encoding="utf-8"))
    del values["platforms"]["linux-aarch64"]
    beside(variant).write_text(json.dumps(values), encoding="utf-8")
    problem = problem_of(variant, "linux-aarch64")
    assert problem.code == "lock_stale"
    assert "needs a platform that cu121.sizes.json has the sizes for; found linux-aarch64" in problem.what
    assert read_lock(variant, "linux-64").platform == "linux-64"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"fetch": 700', '"fetch": 701', "key `platforms.linux-64.fetch`: needs the sum of all sizes, 700; found 701"),
        ('"disk": 28672', '"disk": 1', "key `platforms.linux-64.disk`: needs the sum of all sizes, 28672; found 1"),
        (
            '"unpacked": 4096',
            '"unpacked": "x"',
            "bitsandbytes-0.50.2-py3-none-any.whl].unpacked`: needs a whole number",
        ),
        ('"unpacked": 4096', '"packed": 4096', "bitsandbytes-0.50.2-py3-none-any.whl].unpacked`: needs a whole number"),
        (
            '{"fetch": 100,',
            '{"fetch": 100, "more": 1,',
            "bitsandbytes-0.50.2-py3-none-any.whl].more`: needs one of the known keys",
        ),
        ('{"fetch": 100, "unpacked": 4096}', "3", "bitsandbytes-0.50.2-py3-none-any.whl].fetch`: needs a whole number"),
    ],
)
def test_sizes_are_proven_when_a_lock_is_read(cpu: Variant, old: str, new: str, complaint: str) -> None:
    change_sizes(cpu, old, new)
    problem = problem_of(cpu)
    assert (problem.code, problem.fix) == ("catalog_invalid", ("rigfit lock small",))
    assert complaint in problem.what


def test_a_lock_that_is_gone_is_a_problem_and_no_crash(cpu: Variant) -> None:
    Path(cpu.lock_path).unlink()
    assert "No such file" in problem_of(cpu).what


@EACH
def test_reading_a_real_lock_takes_less_than_60_ms(variant: Variant, stack: Stack) -> None:
    seconds = []
    for _ in range(5):
        start = time.process_time()
        read_lock(variant, stack.platform)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.060
