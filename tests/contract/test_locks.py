"""The shipped locks: conda-lock takes them, they follow from what people wrote, and they name no mirror."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.stand_ins.catalogs import make_small_catalog
from tests.stand_ins.command import rigfit

from rigfit.catalog.load import load_templates
from rigfit.catalog.locate import catalog_dir
from rigfit.catalog.locks import read_lock
from rigfit.catalog.relock import check
from rigfit.core.template import Variant

SHIPPED = catalog_dir(None)
TEMPLATES = load_templates(SHIPPED)
VARIANTS = [variant for template in TEMPLATES for variant in template.variants]
CONDA_LOCK = Path(sys.executable).with_name("conda-lock")
EACH = pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: f"{variant.template}-{variant.name}")


@EACH
def test_conda_lock_renders_every_artifact_of_a_lock_for_each_platform(variant: Variant, tmp_path: Path) -> None:
    platforms = [word for platform in variant.platforms for word in ("-p", platform)]
    command = [str(CONDA_LOCK), "render", "-k", "explicit", *platforms, variant.lock_path]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    for platform in variant.platforms:
        lines = (tmp_path / f"conda-{platform}.lock").read_text(encoding="utf-8").splitlines()
        lock = read_lock(variant, platform)
        fetched = [line for line in lines if line.startswith("https://")]
        assert {line.split("#")[0] for line in fetched} == {artifact.url for artifact in lock.conda}
        wheels = {line.removeprefix("# pip ") for line in lines if line.startswith("# pip ")}
        assert wheels == {f"{artifact.name} @ {artifact.url}#sha256={artifact.sha256}" for artifact in lock.pip}


@EACH
def test_a_lock_has_one_variable_in_the_form_that_pip_expands(variant: Variant) -> None:
    text = Path(variant.lock_path).read_text(encoding="utf-8")
    assert set(re.findall(r"\$[^/\s]*", text)) == {"${RIGFIT_WHEELS}"}


@EACH
def test_a_lock_names_no_path_of_a_machine_and_no_host_but_two(variant: Variant) -> None:
    text = Path(variant.lock_path).read_text(encoding="utf-8")
    hosts = set(re.findall(r"[a-z]+://([^/\s]+)", text))
    assert hosts <= {"conda.anaconda.org", "download.pytorch.org"}
    assert "file:/" not in text
    assert not re.search(r": /\w", text)


@EACH
def test_pip_is_locked_in_the_version_that_conda_brings(variant: Variant) -> None:
    for stack in variant.stacks:
        conda = {artifact.name: artifact.version for artifact in read_lock(variant, stack.platform).conda}
        assert stack.versions["pip"] == conda["pip"]


@pytest.mark.parametrize("name", [template.name for template in TEMPLATES])
def test_the_shipped_locks_follow_and_conda_lock_takes_them(name: str) -> None:
    assert check(SHIPPED, name) == []


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return make_small_catalog(tmp_path / "catalog")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_lock_made_by_hand_is_taken(catalog: Path) -> None:
    assert check(catalog, "small") == []


def test_what_conda_lock_does_not_take_is_a_fault(catalog: Path) -> None:
    path = catalog / "small" / "cpu.conda-lock.yml"
    before = load_templates(catalog)[0].variants[1].lock_sha256
    edit(path, "  optional: false", "  optional: maybe")
    after = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[0]
    edit(path.with_name("cpu.sizes.json"), before, after)
    (problem,) = check(catalog, "small")
    assert problem.code == "lock_invalid"
    assert problem.what.startswith(f"{path}: needs what conda-lock reads; found ")
    assert "optional" in problem.what
    assert problem.fix == ("rigfit lock small",)


def test_the_command_tells_every_fault_of_a_lock(catalog: Path) -> None:
    edit(catalog / "small" / "environment.yml", "peft >=0.10", "peft >=0.99")
    ran = rigfit("lock", "--check", "small", "--json", "--catalog", catalog)
    assert (ran.code, ran.problem["code"], ran.problem["fix"]) == (4, "lock_stale", ["rigfit lock small"])
    assert "wheel peft`: needs peft >=0.99; found 0.10.0" in ran.problem["detail"]


def test_a_template_that_has_no_lock_yet_is_among_those_to_lock(catalog: Path) -> None:
    (catalog / "small" / "cpu.conda-lock.yml").unlink()
    ran = rigfit("lock", "--check", "--json", "--catalog", catalog)
    assert (ran.code, ran.problem["fix"]) == (4, ["rigfit lock small"])
    assert "cpu.conda-lock.yml: needs the lock of variant `cpu`" in ran.problem["what"]
