"""The shipped locks in the hands of the real conda-lock: it asks conda and pip for what rigfit installs, and for no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.utils import parse_wheel_filename
from packaging.version import Version
from rattler import Subdir
from tests.stand_ins.conda import asked, make_conda
from tests.stand_ins.plans import bare_environ

from rigfit.catalog.load import load_templates
from rigfit.catalog.locate import catalog_dir
from rigfit.catalog.locks import read_lock
from rigfit.core.template import Variant, file_name

VARIANTS = [variant for template in load_templates(catalog_dir(None)) for variant in template.variants]
NATIVE = str(Subdir.current())  # conda-lock installs for the machine that it runs on
CONDA_LOCK = str(Path(sys.executable).with_name("conda-lock"))
WHEELS = "https://wheels.example"
# One process for all locks, as starting conda-lock takes longer than its work; for a lock that it refuses, no file is
# written.
RENDER = """
import json, os, sys, traceback
from conda_lock.conda_lock import main
for folder, lock in json.load(sys.stdin):
    os.chdir(folder)
    try:
        main(["render", "-k", "explicit", lock], standalone_mode=False)
    except (Exception, SystemExit):
        traceback.print_exc()
"""


def name_of(variant: Variant) -> str:
    return f"{variant.template}-{variant.name}"


@dataclass(frozen=True)
class Installation:
    """What a `conda-lock install` asked of its conda, and how it ended."""

    code: int
    said: str
    notes: list[dict[str, Any]]

    @classmethod
    def of(cls, variant: Variant, folder: Path) -> Installation:
        environ = bare_environ(folder, RIGFIT_WHEELS=WHEELS)
        (folder / "user").mkdir(parents=True)
        conda = make_conda(folder / "stand-in", hollow=True)
        environ["PATH"] = os.pathsep.join((str(conda.parent), environ["PATH"]))
        words = ["install", "--conda", str(conda), "--prefix", str(folder / "prefix"), variant.lock_path]
        ran = subprocess.run([CONDA_LOCK, *words], env=environ, capture_output=True, text=True, check=False)
        return cls(ran.returncode, ran.stderr, asked(conda.parent))


@pytest.fixture(scope="module")
def installations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Installation]]]:
    folder = tmp_path_factory.mktemp("installed")
    with ThreadPoolExecutor(2) as pool:
        yield {
            name_of(variant): pool.submit(Installation.of, variant, folder / name_of(variant))
            for variant in VARIANTS
            if NATIVE in variant.platforms
        }
        pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each lock, with the explicit file for each of its platforms."""
    folder = tmp_path_factory.mktemp("rendered")
    for variant in VARIANTS:
        (folder / name_of(variant)).mkdir()
    jobs = [(str(folder / name_of(variant)), variant.lock_path) for variant in VARIANTS]
    ran = subprocess.run(
        [sys.executable, "-c", RENDER], input=json.dumps(jobs), capture_output=True, text=True, check=True
    )
    (folder / "said.txt").write_text(ran.stderr)
    return folder


def md5_by_url(variant: Variant) -> dict[str, str]:
    """What the lock has for other tools, and rigfit does not read: it goes by sha256."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    lock = yaml.load(Path(variant.lock_path).read_bytes(), Loader=loader)  # noqa: S506 - a safe loader, in C or in Python
    return {entry["url"]: entry["hash"]["md5"] for entry in lock["package"] if entry["manager"] == "conda"}


@pytest.mark.parametrize("variant", VARIANTS, ids=name_of)
def test_conda_lock_renders_every_artifact_of_a_lock_for_each_platform(variant: Variant, rendered: Path) -> None:
    folder, md5 = rendered / name_of(variant), md5_by_url(variant)
    files = sorted(path.name for path in folder.iterdir())
    assert files == sorted(f"conda-{each}.lock" for each in variant.platforms), (rendered / "said.txt").read_text()
    for platform in variant.platforms:
        lock = read_lock(variant, platform)
        lines = (folder / f"conda-{platform}.lock").read_text(encoding="utf-8").splitlines()
        assert f"# platform: {platform}" in lines
        packages = [line for line in lines if "://" in line and not line.startswith("#")]
        assert sorted(packages) == sorted(f"{each.url}#{md5[each.url]}" for each in lock.conda)
        wheels = [line for line in lines if line.startswith("# pip ")]
        assert sorted(wheels) == sorted(f"# pip {each.name} @ {each.url}#sha256={each.sha256}" for each in lock.pip)


@pytest.mark.parametrize("variant", [each for each in VARIANTS if NATIVE in each.platforms], ids=name_of)
def test_conda_lock_install_asks_for_what_rigfit_installs(
    variant: Variant, installations: dict[str, Future[Installation]]
) -> None:
    made = installations[name_of(variant)].result()
    assert made.code == 0, made.said
    lock, md5 = read_lock(variant, NATIVE), md5_by_url(variant)
    create, run, pip = made.notes
    assert run["run"][:4] == ["pip", "install", "--no-deps", "-r"]
    packages = [(each["name"], each["version"], each["url"], each["md5"]) for each in create["create"]]
    assert sorted(packages) == sorted((each.name, each.version, each.url, md5[each.url]) for each in lock.conda)
    wheels = [(each["name"], version_of(each["url"]), each["url"], each["sha256"]) for each in pip["pip"]]
    assert sorted(wheels) == sorted(
        (each.name, Version(each.version), each.url.replace("${RIGFIT_WHEELS}", WHEELS), each.sha256)
        for each in lock.pip
    )


def version_of(url: str) -> Version:
    return parse_wheel_filename(file_name(url))[1]
