"""Templates from files: what is read, and how a broken file is named."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.stand_ins.catalogs import make_small_catalog
from tests.stand_ins.command import rigfit

from rigfit.catalog.load import load_facts, load_templates
from rigfit.catalog.locate import catalog_dir
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.version import Version

SHIPPED = catalog_dir(None)


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return make_small_catalog(tmp_path / "catalog")


def problem_of(act: Callable[[Path], object], catalog: Path) -> Problem:
    with pytest.raises(ProblemError) as caught:
        act(catalog)
    return caught.value.problem


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_shipped_variants_have_the_cuda_that_they_are_named_after() -> None:
    templates = load_templates(SHIPPED)
    assert templates[0].name == "current"
    for variant in (variant for template in templates for variant in template.variants):
        digits = "".join(variant.cuda.text.split(".")) if variant.cuda else None
        assert variant.name == (f"cu{digits}" if digits else "cpu")


def test_a_variant_carries_what_choosing_needs_without_its_lock_being_read(catalog: Path) -> None:
    (small,) = load_templates(catalog)
    cu121, cpu = small.variants
    Path(cu121.lock_path).write_text("no lock", encoding="utf-8")
    assert load_templates(catalog) == (small,)
    assert (cu121.is_cpu, cpu.is_cpu) == (False, True)
    assert (cu121.platforms, cpu.platforms) == (("linux-64", "linux-aarch64"), ("linux-64",))
    assert cu121.accepts == ("int8", "nf4")
    assert cpu.environment == f"small-cpu-{cpu.lock_sha256[:8]}"
    stack = cpu.stack("linux-64")
    assert stack.versions["torch"] == "2.13.0+cpu"
    assert (stack.python, stack.glibc, stack.glibc_because) == ("3.11.9", Version("2.17"), "python 3.11.9")
    assert 0 < stack.fetch < stack.disk


def test_templates_come_sorted_by_rank(catalog: Path) -> None:
    second = Path(shutil.copytree(catalog / "small", catalog / "another"))
    edit(second / "template.toml", 'name = "small"', 'name = "another"')
    edit(second / "template.toml", "rank = 1", "rank = 0")
    assert [template.name for template in load_templates(catalog)] == ["another", "small"]


@pytest.mark.parametrize(
    ("old", "new", "key", "needed", "found"),
    [
        ("rank = 1", "rank = 1\ncolour = 3", "colour", "one of the known keys", "an unknown key"),
        ("rank = 1", 'rank = "1"', "rank", "a whole number", "the text '1'"),
        ("rank = 1", "rank = true", "rank", "a whole number", "the boolean 'True'"),
        ("rank = 1", "", "rank", "a whole number", "no such key (there: name, title"),
        ('title = "', 'titel = "', "title", "a text", "titel"),
        ('name = "small"', 'name = "smell"', "name", "the name of its folder, `small`", "'smell'"),
        ('cuda = "12.1"', "cuda = 12.1", "variants[0].cuda", "a version in quotes", "the number '12.1'"),
        ('cuda = "12.1"', 'cuda = "12.x"', "variants[0].cuda", "a version in quotes", "'12.x'"),
        ('cuda = "12.1"', 'kuda = "12.1"', "variants[0].kuda", "one of the known keys (cuda,", "an unknown key"),
        ('name = "cpu"', 'name = "cu121"', "variants", "variants of different names", "`cu121` twice"),
        ('"torch ==2.1.2"', '"torch two"', "variants[0].pins", "requirements such as", "torch two"),
        ('["linux-64"]', '["solaris"]', "variants[1].platforms", "linux-64", "solaris"),
        ('["linux-64"]', "[]", "variants[1].platforms", "some of linux-64, linux-aarch64", "the list []"),
        ('["linux-64"]', '["linux-64", "linux-64"]', "variants[1].platforms", "each once", "linux-64"),
        ('glibc = "2.17"', 'glibc = "2.18"', "variants[0].glibc", "one of 2.17, 2.28, 2.31", "'2.18'"),
        ('glibc = "2.17"', "glibc = 2.17", "variants[0].glibc", "a text", "the number '2.17'"),
        ("read = 2026-11-22", "", "variants[1].wheels[0].read", "a date", "no such key"),
        ("read = 2026-11-22", 'read = "today"', "variants[1].wheels[0].read", "a date", "'today'"),
        ('sha256 = "1', 'sha256 = "', "variants[1].wheels[0].sha256", "a sha256 of 64", "the text"),
        ('imports = ["torch"', "imports = [3", "verify.imports", "a list of texts", "3"),
        ('quantization = ["int8", "nf4"]', "", "verify.quantization", "a list of texts", "no such key"),
        ('quantization = ["int8", "nf4"]', "quantization = []", "verify.quantization", "some of int8, nf4", "[]"),
        ('"nf4"', '"fp4"', "verify.quantization", "some of int8, nf4", "fp4"),
        ("[verify]", "[verify]\nlevel = 1", "verify.level", "the known keys (imports, quantization)", "an unknown key"),
    ],
)
def test_a_broken_template_is_named_by_file_key_needed_and_found(
    catalog: Path,
    old: str,
    new: str,
    key: str,
    needed: str,
    found: str,
) -> None:
    path = catalog / "small" / "template.toml"
    edit(path, old, new)
    problem = problem_of(load_templates, catalog)
    assert problem.code == "catalog_invalid"
    assert problem.what.startswith(f"{path}: key `{key}")
    assert re.search(f"needs .*{re.escape(needed)}.*; found .*{re.escape(found)}", problem.what)


def test_a_syntax_error_is_named_with_its_line(catalog: Path) -> None:
    path = catalog / "small" / "template.toml"
    path.write_text('name = "small"\nrank = = 1\n', encoding="utf-8")
    what = problem_of(load_templates, catalog).what
    assert what.startswith(f"{path}: needs TOML; found a syntax error")
    assert "line 2" in what


def test_bytes_that_are_no_text_are_a_problem_and_no_crash(catalog: Path) -> None:
    (catalog / "small" / "template.toml").write_bytes(b'name = "\xff"')
    assert "needs UTF-8 text; found the byte 0xff" in problem_of(load_templates, catalog).what


@pytest.mark.parametrize(
    ("name", "meaning"),
    [("cu121.conda-lock.yml", "the lock of variant `cu121`"), ("cu121.sizes.json", "the sizes of variant `cu121`")],
)
def test_a_missing_generated_file_is_named_with_the_command_that_makes_it(
    catalog: Path,
    name: str,
    meaning: str,
) -> None:
    (catalog / "small" / name).unlink()
    problem = problem_of(load_templates, catalog)
    assert name in problem.what
    assert meaning in problem.what
    assert problem.fix == ("rigfit lock small",)


def test_a_platform_that_is_not_locked_yet_is_named_with_the_command_that_locks_it(catalog: Path) -> None:
    edit(catalog / "small" / "template.toml", '["linux-64"]', '["linux-64", "linux-aarch64"]')
    problem = problem_of(load_templates, catalog)
    assert "cpu.sizes.json: key `platforms.linux-aarch64`: needs the sizes for linux-aarch64" in problem.what
    assert problem.what.endswith("found those for linux-64")
    assert problem.fix == ("rigfit lock small",)


def test_a_folder_without_template_is_noticed(catalog: Path) -> None:
    (catalog / "half-made").mkdir()
    problem = problem_of(load_templates, catalog)
    assert str(catalog / "half-made" / "template.toml") in problem.what


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"lock_sha256": "abc"}, "key `lock_sha256`: needs a sha256"),
        ({"more": 1}, "key `more`: needs one of the known keys"),
        ({"platforms": []}, "key `platforms`: needs a table"),
    ],
)
def test_a_broken_file_of_sizes_is_named_by_key(catalog: Path, change: dict[str, Any], found: str) -> None:
    path = catalog / "small" / "cu121.sizes.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    problem = problem_of(load_templates, catalog)
    assert found in problem.what
    assert problem.fix == ("rigfit lock small",)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"fetch": "much"}, "fetch`: needs a whole number"),
        ({"glibc": "old"}, "glibc`: needs a version"),
        ({"versions": {"torch": 2}}, "versions.bitsandbytes`: needs a locked version"),
        ({"versions": {"torch": 2, "bitsandbytes": "0.50"}}, "versions.torch`: needs a text"),
        ({"sizes": 3}, "sizes`: needs a table"),
        ({"more": 1}, "more`: needs one of the known keys"),
    ],
)
def test_a_broken_part_of_a_platform_is_named_by_key(catalog: Path, change: dict[str, Any], found: str) -> None:
    path = catalog / "small" / "cu121.sizes.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    values["platforms"]["linux-aarch64"] |= change
    path.write_text(json.dumps(values), encoding="utf-8")
    assert f"key `platforms.linux-aarch64.{found}" in problem_of(load_templates, catalog).what


def test_a_file_of_sizes_that_is_no_json_is_named(catalog: Path) -> None:
    (catalog / "small" / "cu121.sizes.json").write_text("{", encoding="utf-8")
    assert "cu121.sizes.json: needs JSON; found a syntax error" in problem_of(load_templates, catalog).what


def test_another_catalog_is_taken_where_one_is_named(catalog: Path) -> None:
    assert catalog_dir(catalog) == catalog.resolve()


@pytest.mark.parametrize("name", ["no-such-folder", "catalog/small", "catalog/facts"])
def test_a_folder_that_is_no_catalog_is_refused(catalog: Path, name: str) -> None:
    problem = problem_of(catalog_dir, catalog.parent / name)
    assert problem.code == "catalog_invalid"
    assert "needs a catalog" in problem.what


def test_loading_imports_neither_the_solver_nor_conda_lock() -> None:
    script = (
        "import sys; from pathlib import Path; from rigfit.catalog import load, locks; catalog = Path(sys.argv[1]);"
        "load.load_facts(catalog); templates = load.load_templates(catalog);"
        "locks.read_lock(templates[0].variants[0], 'linux-64');"
        "print(sorted({'conda_lock', 'rattler', 'pydantic', 'packaging.requirements'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(SHIPPED)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_fourteen_variants_on_two_platforms_are_loaded_in_15_ms(tmp_path: Path) -> None:
    """With as many libraries as the shipped ones have."""
    many = {f"library-{number}": "1.0" for number in range(80)} | {"torch": "2.1.2", "bitsandbytes": "0.44.1"}
    catalog = make_small_catalog(tmp_path / "catalog", {"cu121": many, "cpu": many})
    for number in range(1, 7):
        copy = Path(shutil.copytree(catalog / "small", catalog / f"small-{number}"))
        edit(copy / "template.toml", 'name = "small"', f'name = "small-{number}"')
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        assert sum(len(template.variants) for template in load_templates(catalog)) == 14
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.015


def test_facts_of_a_copied_catalog_are_those_shipped(tmp_path: Path) -> None:
    assert load_facts(Path(shutil.copytree(SHIPPED, tmp_path / "copy"))) == load_facts(SHIPPED)


def test_a_template_is_shown_with_its_platforms_versions_and_ways_to_quantize(catalog: Path) -> None:
    text = " ".join(rigfit("templates", "small", "--catalog", str(catalog)).out.split())
    assert "cu121 build CUDA 12.1; 8-bit, else 4-bit (NF4) linux-64: glibc" in text
    assert "linux-aarch64: glibc >= 2.17, Python 3.11.9, torch 2.1.2, peft 0.10.0, bitsandbytes 0.44.1" in text
    assert "cpu CPU build; 8-bit linux-64: glibc" in text


def test_the_stacks_of_a_template_are_in_its_json(catalog: Path) -> None:
    cu121, cpu = rigfit("templates", "small", "--json", "--catalog", str(catalog)).result["variants"]
    assert [stack["platform"] for stack in cu121["stacks"]] == ["linux-64", "linux-aarch64"]
    assert (cu121["cuda"], cpu["cuda"], cpu["accepts"]) == ("12.1", None, ["int8", "nf4"])
    assert cpu["stacks"][0]["versions"]["torch"] == "2.13.0+cpu"
    assert (cpu["stacks"][0]["glibc"], cpu["stacks"][0]["python"]) == ("2.17", "3.11.9")
