"""The shipped locks: conda-lock takes them, they follow from what people wrote, and they name no mirror."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from rigfit.catalog.load import load_templates
from rigfit.catalog.locate import catalog_dir
from rigfit.catalog.locks import read_lock
from rigfit.catalog.relock import check
from rigfit.catalog.sidecar import Size, read_sidecar
from rigfit.core.template import Variant

SHIPPED = catalog_dir(None)
VARIANTS = [variant for template in load_templates(SHIPPED) for variant in template.variants]
CONDA_LOCK = Path(sys.executable).with_name("conda-lock")
PIP_WHEEL = f"name: pip\n  version: {VARIANTS[-1].versions['pip']}\n  manager: pip"


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: f"{variant.template}-{variant.name}")
def test_conda_lock_renders_every_artifact_of_a_lock(variant: Variant, tmp_path: Path) -> None:
    command = [str(CONDA_LOCK), "render", "-k", "explicit", "-p", "linux-64", variant.lock_path]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    lines = (tmp_path / "conda-linux-64.lock").read_text(encoding="utf-8").splitlines()
    lock = read_lock(variant, "linux-64")
    fetched = [line for line in lines if line.startswith("https://")]
    assert {line.split("#")[0] for line in fetched} == {artifact.url for artifact in lock.conda}
    wheels = {line.removeprefix("# pip ") for line in lines if line.startswith("# pip ")}
    assert wheels == {f"{artifact.name} @ {artifact.url}#sha256={artifact.sha256}" for artifact in lock.pip}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: f"{variant.template}-{variant.name}")
def test_a_lock_has_one_variable_in_the_form_that_pip_expands(variant: Variant) -> None:
    text = Path(variant.lock_path).read_text(encoding="utf-8")
    assert set(re.findall(r"\$[^/\s]*", text)) == {"${RIGFIT_WHEELS}"}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: f"{variant.template}-{variant.name}")
def test_a_lock_names_no_path_of_a_machine_and_no_host_but_two(variant: Variant) -> None:
    text = Path(variant.lock_path).read_text(encoding="utf-8")
    hosts = set(re.findall(r"[a-z]+://([^/\s]+)", text))
    assert hosts <= {"conda.anaconda.org", "download.pytorch.org"}
    assert "file:" not in text
    assert not re.search(r": /\w", text)


def test_pip_is_locked_in_the_version_that_conda_brings() -> None:
    for variant in VARIANTS:
        lock = read_lock(variant, "linux-64")
        conda = {artifact.name: artifact.version for artifact in lock.conda}
        assert variant.versions["pip"] == conda["pip"]


@pytest.mark.parametrize("name", sorted({variant.template for variant in VARIANTS}))
def test_the_shipped_locks_pass_their_audit(name: str) -> None:
    assert check(SHIPPED, name) == []


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """The shipped catalog with the CPU variant alone, so that an audit takes one lock's time."""
    catalog = Path(shutil.copytree(SHIPPED, tmp_path / "catalog"))
    path = catalog / "current" / "template.toml"
    head, *tables = path.read_text(encoding="utf-8").split("[[variants]]\n")
    path.write_text("[[variants]]\n".join([head, tables[2]]), encoding="utf-8")
    return catalog


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def edit_lock(catalog: Path, old: str, new: str) -> None:
    """With the file of sizes brought into agreement, as somebody would who wants to hide it."""
    path = catalog / "current" / "cpu.conda-lock.yml"
    edit(path, old, new)
    beside = path.with_name("cpu.sizes.json")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    sidecar = replace(read_sidecar(beside), lock_sha256=digest)
    versions = {entry["name"]: entry["version"] for entry in pip_entries(path)}
    beside.write_text(replace(sidecar, versions=versions).to_text(), encoding="utf-8")


def pip_entries(path: Path) -> list[dict[str, str]]:
    return [entry for entry in yaml.safe_load(path.read_text())["package"] if entry["manager"] == "pip"]


def edit_environment(old: str, new: str) -> Callable[[Path], None]:
    return lambda catalog: edit(catalog / "current" / "environment.yml", old, new)


def edit_template(old: str, new: str) -> Callable[[Path], None]:
    return lambda catalog: edit(catalog / "current" / "template.toml", old, new)


def edit_locked(old: str, new: str) -> Callable[[Path], None]:
    return lambda catalog: edit_lock(catalog, old, new)


def add_a_size(catalog: Path) -> None:
    beside = catalog / "current" / "cpu.sizes.json"
    sidecar = read_sidecar(beside)
    more = replace(sidecar, sizes={**sidecar.sizes, "left.whl": Size(fetch=1, unpacked=1)})
    beside.write_text(more.to_text(), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "code", "complaint"),
    [
        (edit_environment("<0.22", "<0.23"), "lock_stale", "found an older one"),
        (edit_environment("peft >=0.21,<0.22", "peft >=0.99"), "lock_stale", "needs peft >=0.99; found 0.21."),
        (edit_environment("python 3.11.*", "python 3.12.*"), "lock_stale", "needs python 3.12.*; found 3.11."),
        (edit_environment("      - evaluate", "      - einops\n      - evaluate"), "lock_stale", "einops; found none"),
        (edit_environment("name: current", "name: other"), "catalog_invalid", "the template's name, `current`"),
        (edit_environment("- conda-forge", "- defaults"), "catalog_invalid", "needs [conda-forge]"),
        (edit_environment("dependencies:", "dependencies: ["), "catalog_invalid", "needs YAML"),
        (edit_environment("peft >=0.21", "peft at 0.21"), "catalog_invalid", "dependencies.pip`: needs requirements"),
        (edit_template("==2.13.0+cpu", "==2.13.1+cpu"), "lock_stale", "needs torch ==2.13.1+cpu; found 2.13.0+cpu"),
        (edit_template('sha256 = "67', 'sha256 = "68'), "lock_invalid", "needs the declared sha256 68"),
        (edit_locked("name: numpy\n  version: 2.", "name: numpy\n  version: 1."), "lock_invalid", "package numpy"),
        (edit_locked("name: tqdm\n", "name: tqbm\n"), "lock_invalid", "package tqdm`: needs tqdm"),
        (edit_locked("name: libzlib\n  version: 1", "name: libzlib\n  version: 0"), "lock_invalid", "package libzlib`"),
        (
            edit_locked(PIP_WHEEL, PIP_WHEEL.replace("26", "25")),
            "lock_invalid",
            "the version that conda brings; found 25",
        ),
        (edit_locked("${RIGFIT_WHEELS}/", "https://mirror.example/"), "lock_invalid", "found https://mirror.example/"),
        (edit_locked("packages/8a/4c/", "packages/pool/"), "lock_invalid", "of the form ${RIGFIT_WHEELS}/packages/AA"),
        (
            edit_locked("https://conda.anaconda.org/", "https://m.example/"),
            "lock_invalid",
            "https://conda.anaconda.org",
        ),
        (edit_locked("  optional: false", "  optional: maybe"), "lock_invalid", "needs what conda-lock reads"),
        (edit_locked("    linux-64: ", "    linux-64: 0"), "lock_stale", "found an older one"),
        (add_a_size, "lock_invalid", "sizes of locked files only"),
    ],
)
def test_an_audit_notices(catalog: Path, change: Callable[[Path], None], code: str, complaint: str) -> None:
    change(catalog)
    problems = check(catalog, "current")
    assert any(problem.code == code and complaint in problem.what for problem in problems), problems


def test_an_audit_needs_no_network(catalog: Path) -> None:
    script = "import sys; from pathlib import Path; from rigfit.catalog.relock import check; print(check(Path(sys.argv[1]), 'current'))"
    unshare = ["unshare", "--user", "--map-root-user", "--net"]
    if subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no network namespace can be made here")
    command = [*unshare, sys.executable, "-c", script, str(catalog)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ})
    assert done.stdout.strip() == "[]"


def test_a_comment_may_change_without_a_new_lock(catalog: Path) -> None:
    edit(catalog / "current" / "environment.yml", "name: current", "# more words\nname: current")
    edit(catalog / "current" / "template.toml", "rank = 1", "rank = 1  # more words")
    assert check(catalog, "current") == []
