"""Templates from files: what is read, and how a broken file is named."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rigfit.catalog.load import load_facts, load_templates
from rigfit.catalog.locate import catalog_dir
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.version import Version

SHIPPED = catalog_dir(None)


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "catalog"))


def problem_of(act: Callable[[Path], object], catalog: Path) -> Problem:
    with pytest.raises(ProblemError) as caught:
        act(catalog)
    return caught.value.problem


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_shipped_catalog_has_the_template_current_with_its_variants_best_first() -> None:
    (current,) = load_templates(SHIPPED)
    assert (current.name, [variant.name for variant in current.variants]) == ("current", ["cu132", "cu128", "cpu"])
    assert [str(variant.cuda) for variant in current.variants] == ["13.2", "12.8", "None"]
    assert {variant.platforms for variant in current.variants} == {("linux-64",)}
    assert "bitsandbytes" in current.imports


def test_a_variant_carries_what_choosing_needs_without_its_lock_being_read() -> None:
    cpu = load_templates(SHIPPED)[0].variants[2]
    assert cpu.is_cpu
    assert cpu.versions["torch"] == "2.13.0+cpu"
    assert cpu.python.startswith("3.11.")
    assert (cpu.glibc, cpu.glibc_because) == (Version("2.28"), "torch 2.13.0+cpu")
    assert 0 < cpu.fetch < cpu.disk
    assert cpu.environment == f"current-cpu-{cpu.lock_sha256[:8]}"


def test_templates_come_sorted_by_rank(catalog: Path) -> None:
    second = Path(shutil.copytree(catalog / "current", catalog / "another"))
    edit(second / "template.toml", 'name = "current"', 'name = "another"')
    edit(second / "template.toml", "rank = 1", "rank = 0")
    assert [template.name for template in load_templates(catalog)] == ["another", "current"]


@pytest.mark.parametrize(
    ("old", "new", "key", "needed", "found"),
    [
        ("rank = 1", "rank = 1\ncolour = 3", "colour", "one of the known keys", "an unknown key"),
        ("rank = 1", 'rank = "1"', "rank", "a whole number", "the text '1'"),
        ("rank = 1", "rank = true", "rank", "a whole number", "the boolean 'True'"),
        ("rank = 1", "", "rank", "a whole number", "no such key (there: name, title"),
        ('title = "', 'titel = "', "title", "a text", "titel"),
        ('name = "current"', 'name = "corrent"', "name", "the name of its folder, `current`", "'corrent'"),
        ('cuda = "13.2"', "cuda = 13.2", "variants[0].cuda", "a version in quotes", "the number '13.2'"),
        ('cuda = "13.2"', 'cuda = "13.x"', "variants[0].cuda", "a version in quotes", "'13.x'"),
        ('cuda = "12.8"', 'kuda = "12.8"', "variants[1].kuda", "one of the known keys (cuda,", "an unknown key"),
        ('name = "cu128"', 'name = "cu132"', "variants", "variants of different names", "`cu132` twice"),
        ('"torch ==2.15.0"', '"torch two"', "variants[0].pins", "requirements such as", "torch two"),
        ('["linux-64"]', '["solaris"]', "variants[0].platforms", "linux-64", "solaris"),
        ("read = 2026-11-22", "", "variants[2].wheels[0].read", "a date", "no such key"),
        ("read = 2026-11-22", 'read = "today"', "variants[2].wheels[0].read", "a date", "'today'"),
        ('sha256 = "6', 'sha256 = "', "variants[2].wheels[0].sha256", "a sha256 of 64", "the text"),
        ('imports = ["torch",', "imports = [3,", "verify.imports", "a list of texts", "3"),
        ("[verify]", "[verify]\nlevel = 1", "verify.level", "one of the known keys (imports)", "an unknown key"),
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
    path = catalog / "current" / "template.toml"
    edit(path, old, new)
    problem = problem_of(load_templates, catalog)
    assert problem.code == "catalog_invalid"
    assert problem.what.startswith(f"{path}: key `{key}")
    assert re.search(f"needs .*{re.escape(needed)}.*; found .*{re.escape(found)}", problem.what)


def test_a_syntax_error_is_named_with_its_line(catalog: Path) -> None:
    path = catalog / "current" / "template.toml"
    path.write_text('name = "current"\nrank = = 1\n', encoding="utf-8")
    what = problem_of(load_templates, catalog).what
    assert what.startswith(f"{path}: needs TOML; found a syntax error")
    assert "line 2" in what


def test_bytes_that_are_no_text_are_a_problem_and_no_crash(catalog: Path) -> None:
    (catalog / "current" / "template.toml").write_bytes(b'name = "\xff"')
    assert "needs UTF-8 text; found the byte 0xff" in problem_of(load_templates, catalog).what


@pytest.mark.parametrize(
    ("name", "meaning"),
    [("cu128.conda-lock.yml", "the lock of variant `cu128`"), ("cu128.sizes.json", "the sizes of variant `cu128`")],
)
def test_a_missing_generated_file_is_named_with_the_command_that_makes_it(
    catalog: Path,
    name: str,
    meaning: str,
) -> None:
    (catalog / "current" / name).unlink()
    problem = problem_of(load_templates, catalog)
    assert name in problem.what
    assert meaning in problem.what
    assert problem.fix == ("rigfit lock current",)


def test_a_folder_without_template_is_noticed(catalog: Path) -> None:
    (catalog / "half-made").mkdir()
    problem = problem_of(load_templates, catalog)
    assert str(catalog / "half-made" / "template.toml") in problem.what


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"fetch": 1}, "key `fetch`: needs the sum of all sizes"),
        ({"lock_sha256": "abc"}, "key `lock_sha256`: needs a sha256"),
        ({"versions": {"torch": 2}}, "key `versions.torch`: needs a text"),
        ({"versions": {"torch": "2.15.0"}}, "key `versions.bitsandbytes`: needs a locked version"),
        ({"sizes": {"a.whl": {"fetch": 1}}}, "key `sizes[a.whl].unpacked`: needs a whole number"),
        ({"more": 1}, "key `more`: needs one of the known keys"),
    ],
)
def test_a_broken_file_of_sizes_is_named_by_key(catalog: Path, change: dict[str, object], found: str) -> None:
    path = catalog / "current" / "cu132.sizes.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    assert found in problem_of(load_templates, catalog).what


def test_a_file_of_sizes_that_is_no_json_is_named(catalog: Path) -> None:
    (catalog / "current" / "cu132.sizes.json").write_text("{", encoding="utf-8")
    assert "cu132.sizes.json: needs JSON; found a syntax error" in problem_of(load_templates, catalog).what


def test_another_catalog_is_taken_where_one_is_named(catalog: Path) -> None:
    assert catalog_dir(catalog) == catalog.resolve()


@pytest.mark.parametrize("name", ["no-such-folder", "catalog/current", "catalog/facts"])
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


def test_facts_of_a_copied_catalog_are_those_shipped(catalog: Path) -> None:
    assert load_facts(catalog) == load_facts(SHIPPED)
