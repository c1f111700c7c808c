"""The real `conda-lock install` of a lock that `rigfit lock` wrote: it installs what rigfit installs, or nothing."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import distributions
from pathlib import Path

import pytest
from tests.stand_ins.catalogs import FACTS, TEMPLATE
from tests.stand_ins.channel import MINOR, make_python, make_real_pip, make_whole_python, write_records
from tests.stand_ins.command import rigfit
from tests.stand_ins.conda import asked, make_conda
from tests.stand_ins.plans import bare_environ, make_plan
from tests.stand_ins.web import Site, serve
from tests.stand_ins.wheels import Wheel, make_wheel, put_on_whole_index

from rigfit.catalog.load import load_templates
from rigfit.catalog.locks import read_lock
from rigfit.catalog.sidecar import lock_path, sidecar_path
from rigfit.core.cancel import Cancel
from rigfit.core.template import Lock
from rigfit.provision.conda import CondaBase
from rigfit.provision.wheels import Wheels

CONDA_LOCK = str(Path(sys.executable).with_name("conda-lock"))
FORGE = "https://conda.anaconda.org/conda-forge"
PYTHON = make_whole_python()
TORCH, BITSANDBYTES = make_wheel("torch", "2.13.0"), make_wheel("bitsandbytes")
ENVIRONMENT = f"""
name: sample
channels: [conda-forge]
dependencies:
  - python {MINOR}.*
  - pip
  - pip: [pip, bitsandbytes]
"""


@dataclass(frozen=True)
class World:
    """A channel and an index of our own, and a lock for what they hold."""

    folder: Path
    site: Site
    lock: Lock

    def conda_lock_install(self, **variables: str) -> subprocess.CompletedProcess[str]:
        make_conda(self.stand_in)
        environ = bare_environ(self.folder / "conda-lock", PIP_DISABLE_PIP_VERSION_CHECK="1", **variables)
        environ["PATH"] = os.pathsep.join((str(self.stand_in), environ["PATH"]))
        (self.folder / "conda-lock" / "user").mkdir(parents=True)
        words = ["install", "--conda", str(self.stand_in / "conda"), "--prefix", str(self.prefix), self.lock.path]
        return subprocess.run([CONDA_LOCK, *words], env=environ, capture_output=True, text=True, check=False)

    @property
    def stand_in(self) -> Path:
        return self.folder / "stand-in"

    @property
    def prefix(self) -> Path:
        return self.folder / "conda-lock" / "prefix"

    def rigfit_install(self) -> Path:
        environ = bare_environ(self.folder / "rigfit", UV_DEFAULT_INDEX=f"{self.site.url}/simple")
        plan = make_plan(self.folder / "rigfit" / "home", conda=self.lock.conda, pip=self.lock.pip)
        for installer in (CondaBase(environ), Wheels(environ)):
            list(installer.install(plan, Cancel()))
        return Path(plan.target.prefix)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serve() as site:
        yield site


@pytest.fixture(scope="module")
def catalog(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog that `rigfit lock` has locked; its lock then names our channel where the writer named conda-forge."""
    folder = tmp_path_factory.mktemp("locked")
    place = folder / "catalog" / "sample"
    place.mkdir(parents=True)
    (place / "template.toml").write_text(TEMPLATE)
    (place / "environment.yml").write_text(ENVIRONMENT)
    (place.parent / "facts").symlink_to(FACTS)
    wheel = _pip_wheel()
    whole_pip, pip = make_real_pip(wheel), Wheel("pip", wheel.name.split("-")[1], wheel.read_bytes())
    environ = bare_environ(folder, PIP_INDEX_URL=put_on_whole_index(site, TORCH, BITSANDBYTES, pip))
    records = write_records(folder / "records", {PYTHON: ["__glibc >=2.17,<3.0.a0"], whole_pip: ["python >=3.9"]})
    ran = rigfit("lock", "sample", "--catalog", place.parent, "--channel", records, environ=environ)
    assert ran.code == 0, ran.err
    assert PYTHON.put_on(site) == whole_pip.put_on(site)
    _name_another_channel(place, PYTHON.put_on(site))
    return place.parent


def _pip_wheel() -> Path:
    """A real pip: conda-lock brings virtualenv, and that one of its own."""
    from virtualenv.seed.wheels.embed import get_embed_wheel  # type: ignore[import-untyped]

    return Path(get_embed_wheel("pip", MINOR).path)


def _name_another_channel(place: Path, channel: str) -> None:
    lock, beside = lock_path(place, "cpu"), sidecar_path(place, "cpu")
    before = lock.read_bytes()
    after = before.replace(FORGE.encode(), channel.encode())
    assert before.count(FORGE.encode()) == 2
    lock.write_bytes(after)
    old, new = hashlib.sha256(before).hexdigest(), hashlib.sha256(after).hexdigest()
    beside.write_text(beside.read_text().replace(old, new))


@pytest.fixture
def world(catalog: Path, site: Site, tmp_path: Path) -> Iterator[World]:
    (template,) = load_templates(catalog)
    replies = {path: replace(reply) for path, reply in site.replies.items()}
    yield World(tmp_path, site, read_lock(template.variants[0], "linux-64"))
    site.replies = replies


def conda_packages(prefix: Path) -> list[dict[str, object]]:
    """What conda-meta says of each package, and of each of its files."""
    records = [json.loads(path.read_text()) for path in sorted((prefix / "conda-meta").glob("*.json"))]
    keys = ("name", "version", "build", "subdir", "url", "files")
    return [{key: record[key] for key in keys} for record in records]


def libraries(prefix: Path) -> dict[str, str]:
    site = prefix / "lib" / f"python{MINOR}" / "site-packages"
    return {each.metadata["Name"]: each.version for each in distributions(path=[str(site)])}


def modules(prefix: Path) -> dict[str, str]:
    site = prefix / "lib" / f"python{MINOR}" / "site-packages"
    return {str(path.relative_to(site)): hashlib.sha256(path.read_bytes()).hexdigest() for path in site.rglob("*.py")}


def test_conda_lock_installs_the_packages_that_rigfit_installs(world: World) -> None:
    ran = world.conda_lock_install(RIGFIT_WHEELS=world.site.url)
    assert ran.returncode == 0, ran.stderr
    ours = world.rigfit_install()
    assert [record["name"] for record in conda_packages(ours)] == ["pip", "python"]
    assert conda_packages(world.prefix) == conda_packages(ours)
    assert libraries(ours) == {"bitsandbytes": "1.0", "torch": "2.13.0", "pip": _pip_wheel().name.split("-")[1]}
    assert libraries(world.prefix) == libraries(ours)
    assert modules(world.prefix) == modules(ours)


def test_without_the_variable_conda_lock_ends_in_failure_and_installs_no_library(world: World) -> None:
    ran = world.conda_lock_install()
    assert ran.returncode != 0
    assert "${RIGFIT_WHEELS}" in ran.stderr
    assert set(libraries(world.prefix)) == {"pip"}


def test_pip_refuses_a_wheel_that_is_not_the_locked_one(world: World) -> None:
    (path,) = (path for path in world.site.replies if path.endswith(f"/{BITSANDBYTES.filename}"))
    world.site.replies[path].body = BITSANDBYTES.flipped()
    ran = world.conda_lock_install(RIGFIT_WHEELS=world.site.url)
    assert ran.returncode != 0
    assert BITSANDBYTES.sha256 in ran.stderr
    assert set(libraries(world.prefix)) == {"pip"}


def test_conda_refuses_a_package_that_is_not_the_locked_one(world: World) -> None:
    world.site.replies[f"/forge/{PYTHON.place}"].body = make_python().content
    ran = world.conda_lock_install(RIGFIT_WHEELS=world.site.url)
    assert ran.returncode != 0
    assert PYTHON.md5 in ran.stderr
    assert [list(note) for note in asked(world.stand_in)] == [["create"]]
    assert not (world.prefix / "bin" / "pip").exists()
