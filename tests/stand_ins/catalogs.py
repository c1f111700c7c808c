"""Catalogs of one template: with libraries of a few bytes for the real `rigfit setup`, or of locks alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml
from tests.stand_ins.channel import MINOR
from tests.stand_ins.wheels import Wheel

from rigfit.catalog.inputs import inputs_sha256, read_environment_file
from rigfit.catalog.recipe import read_recipe
from rigfit.catalog.sidecar import Size, lock_path, sidecar_path, sidecar_text
from rigfit.core.template import Artifact, Stack, file_name
from rigfit.core.version import Version

FACTS = Path(__file__).resolve().parents[2] / "environments" / "facts"
TEMPLATE = """
name = "sample"
title = "A sample"
purpose = "For tests. Its libraries are a few bytes."
rank = 1

[verify]
imports = ["torch", "bitsandbytes"]
quantization = ["int8"]

[[variants]]
name = "cpu"
platforms = ["linux-64"]
pins = ["torch ==2.13.0"]
"""


def make_catalog(
    folder: Path,
    *wheels: Wheel,
    urls: dict[str, str] | None = None,
    sha256: str = "",
    conda: tuple[Artifact, ...] = (),
) -> Path:
    """`urls` are those of wheels with an address of their own, by name; `sha256` is locked for the first wheel.

    `conda` is the interpreter as a channel has it, for a lock that has one.
    """
    place = folder / "sample"
    place.mkdir(parents=True)
    (folder / "facts").symlink_to(FACTS)
    (place / "template.toml").write_text(TEMPLATE)
    (place / "environment.yml").write_text("name: sample\nchannels: [conda-forge]\ndependencies: []\n")
    artifacts = [
        wheel.locked((urls or {}).get(wheel.name, ""), sha256 if number == 0 else "")
        for number, wheel in enumerate(wheels)
    ]
    artifacts += conda
    lock = lock_path(place, "cpu")
    metadata = {"content_hash": {"linux-64": "0" * 64}, "channels": [], "platforms": ["linux-64"], "sources": []}
    packages = [_package(artifact) for artifact in artifacts]
    lock.write_text(yaml.safe_dump({"version": 1, "metadata": metadata, "package": packages}))
    sidecar_path(place, "cpu").write_text(_sidecar(lock, artifacts))
    return folder


def _package(artifact: Artifact) -> dict[str, object]:
    return {
        "name": artifact.name,
        "version": artifact.version,
        "manager": artifact.manager,
        "platform": "linux-64",
        "dependencies": {},
        "url": artifact.url,
        "hash": {"sha256": artifact.sha256},
        "category": "main",
        "optional": False,
    }


def _sidecar(lock: Path, artifacts: list[Artifact]) -> str:
    sizes = {artifact.filename: Size(fetch=artifact.size, unpacked=artifact.unpacked) for artifact in artifacts}
    stack = Stack(
        platform="linux-64",
        python=f"{MINOR}.0",
        versions={artifact.name: artifact.version for artifact in artifacts},
        glibc=Version("2.17"),
        glibc_because="torch",
        fetch=sum(size.fetch for size in sizes.values()),
        disk=sum(size.unpacked for size in sizes.values()),
    )
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    return sidecar_text(lock_sha256=digest, inputs_sha256="0" * 64, parts=[(stack, sizes)])


SMALL_TEMPLATE = """
name = "small"
title = "A small template"
purpose = "For tests. Its libraries are names and versions."
rank = 1

[verify]
imports = ["torch"]
quantization = ["int8", "nf4"]

[[variants]]
name = "cu121"
cuda = "12.1"
platforms = ["linux-64", "linux-aarch64"]
glibc = "2.17"
pins = ["torch ==2.1.2"]

[[variants]]
name = "cpu"
platforms = ["linux-64"]
pins = ["torch ==2.13.0+cpu"]

[[variants.wheels]]
name = "torch"
url = "https://wheels.example/cpu/torch-2.13.0%2Bcpu-py3-none-any.whl"
sha256 = "1111111111111111111111111111111111111111111111111111111111111111"
source = "made for a test"
read = 2026-11-22
"""
SMALL_ENVIRONMENT = """
name: small
channels: [conda-forge]
dependencies:
  - python 3.11.*
  - pip
  - pip: [pip, bitsandbytes <0.60, peft >=0.10]
"""
SMALL_VERSIONS = {
    "cu121": {"torch": "2.1.2", "bitsandbytes": "0.44.1", "peft": "0.10.0", "pip": "26.0"},
    "cpu": {"torch": "2.13.0+cpu", "bitsandbytes": "0.50.2", "peft": "0.21.2", "pip": "26.0"},
}
Conda = tuple[str, dict[str, str]]  # a version and what it needs
SMALL_CONDA: dict[str, Conda] = {
    "libzlib": ("1.3.1", {}),
    "pip": ("26.0", {"python": ">=3.10"}),
    "python": ("3.11.9", {"__glibc": ">=2.17,<3.0.a0", "libzlib": ">=1.3,<2.0a0"}),
}


def make_small_catalog(folder: Path, versions: Mapping[str, Mapping[str, str]] | None = None) -> Path:
    """The template `small`, locked as `versions` say, with no fault: whoever wants one edits it."""
    place = folder / "small"
    place.mkdir(parents=True)
    (folder / "facts").symlink_to(FACTS)
    (place / "template.toml").write_text(SMALL_TEMPLATE, encoding="utf-8")
    (place / "environment.yml").write_text(SMALL_ENVIRONMENT, encoding="utf-8")
    lock_by_hand(place, {**SMALL_VERSIONS, **(versions or {})})
    return folder


def lock_by_hand(
    place: Path, versions: Mapping[str, Mapping[str, str]], conda: Mapping[str, Conda] = SMALL_CONDA
) -> None:
    """Locks and sizes as `rigfit lock` would leave them, for the recipe as it stands and just these versions."""
    recipe = read_recipe(place)
    for variant in recipe.variants:
        inputs, urls = inputs_sha256(read_environment_file(recipe), variant), {w.name: w.url for w in variant.wheels}
        found = versions[variant.name]
        packages = [row for platform in variant.platforms for row in _rows(platform, conda, found, urls)]
        hashes = dict.fromkeys(variant.platforms, inputs)
        metadata = {
            "content_hash": hashes,
            "channels": [{"url": "conda-forge", "used_env_vars": []}],
            "platforms": [*variant.platforms],
            "sources": ["environment.yml"],
        }
        lock = lock_path(place, variant.name)
        lock.write_text(yaml.safe_dump({"version": 1, "metadata": metadata, "package": packages}, sort_keys=False))
        parts = [_part(platform, packages, found) for platform in variant.platforms]
        digest = hashlib.sha256(lock.read_bytes()).hexdigest()
        beside = sidecar_text(lock_sha256=digest, inputs_sha256=inputs, parts=parts)
        sidecar_path(place, variant.name).write_text(beside, encoding="utf-8")


def _rows(
    platform: str, conda: Mapping[str, Conda], versions: Mapping[str, str], urls: Mapping[str, str]
) -> Iterator[dict[str, object]]:
    same = {"platform": platform, "category": "main", "optional": False}
    for name, (version, needs) in conda.items():
        url = f"https://conda.anaconda.org/conda-forge/{platform}/{name}-{version}-h1_0.conda"
        digest = {"md5": "0" * 32, "sha256": "2" * 64}
        row = {"name": name, "version": version, "manager": "conda", "dependencies": needs, "url": url}
        yield {**row, "hash": digest, **same}
    for name, version in sorted(versions.items()):
        parts = hashlib.blake2b(name.encode(), digest_size=32).hexdigest()
        path = f"{parts[:2]}/{parts[2:4]}/{parts[4:]}/{name}-{version}-py3-none-any.whl"
        url = urls.get(name, "${RIGFIT_WHEELS}/packages/" + path)
        needs = {"torch": ">=2"} if name == "bitsandbytes" else {}
        row = {"name": name, "version": version, "manager": "pip", "dependencies": needs, "url": url}
        yield {**row, "hash": {"sha256": "1" * 64}, **same}


def _part(
    platform: str, packages: list[dict[str, object]], versions: Mapping[str, str]
) -> tuple[Stack, dict[str, Size]]:
    names = [file_name(str(row["url"])) for row in packages if row["platform"] == platform]
    sizes = {name: Size(fetch=100, unpacked=4096) for name in names}
    stack = Stack(
        platform=platform,
        python=SMALL_CONDA["python"][0],
        versions=dict(versions),
        glibc=Version("2.17"),
        glibc_because="python 3.11.9",
        fetch=100 * len(sizes),
        disk=4096 * len(sizes),
    )
    return stack, sizes
