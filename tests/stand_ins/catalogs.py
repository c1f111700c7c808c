"""Catalogs of one template whose libraries are a few bytes: real locks for the real `rigfit setup`."""

from __future__ import annotations

import hashlib
from pathlib import Path

import yaml
from tests.stand_ins.channel import MINOR
from tests.stand_ins.wheels import Wheel

from rigfit.catalog.sidecar import Sidecar, Size, lock_path, sidecar_path
from rigfit.core.template import Artifact
from rigfit.core.version import Version

FACTS = Path(__file__).resolve().parents[2] / "environments" / "facts"
TEMPLATE = """
name = "sample"
title = "A sample"
purpose = "For tests. Its libraries are a few bytes."
rank = 1

[verify]
imports = ["torch", "bitsandbytes"]

[[variants]]
name = "cpu"
platforms = ["linux-64"]
pins = ["torch ==2.13.0"]
"""


def make_catalog(folder: Path, *wheels: Wheel, urls: dict[str, str] | None = None, sha256: str = "") -> Path:
    """`urls` are those of wheels with an address of their own, by name; `sha256` is locked for the first wheel."""
    place = folder / "sample"
    place.mkdir(parents=True)
    (folder / "facts").symlink_to(FACTS)
    (place / "template.toml").write_text(TEMPLATE)
    (place / "environment.yml").write_text("name: sample\nchannels: [conda-forge]\ndependencies: []\n")
    artifacts = [
        wheel.locked((urls or {}).get(wheel.name, ""), sha256 if number == 0 else "")
        for number, wheel in enumerate(wheels)
    ]
    lock = lock_path(place, "cpu")
    metadata = {"content_hash": {"linux-64": "0" * 64}, "channels": [], "platforms": ["linux-64"], "sources": []}
    packages = [_package(artifact) for artifact in artifacts]
    lock.write_text(yaml.safe_dump({"version": 1, "metadata": metadata, "package": packages}))
    sidecar_path(place, "cpu").write_text(_sidecar(lock, artifacts).to_text())
    return folder


def _package(artifact: Artifact) -> dict[str, object]:
    return {
        "name": artifact.name,
        "version": artifact.version,
        "manager": "pip",
        "platform": "linux-64",
        "dependencies": {},
        "url": artifact.url,
        "hash": {"sha256": artifact.sha256},
        "category": "main",
        "optional": False,
    }


def _sidecar(lock: Path, artifacts: list[Artifact]) -> Sidecar:
    return Sidecar(
        lock_sha256=hashlib.sha256(lock.read_bytes()).hexdigest(),
        inputs_sha256="0" * 64,
        python=f"{MINOR}.0",
        glibc=Version("2.17"),
        glibc_because="torch",
        versions={artifact.name: artifact.version for artifact in artifacts},
        sizes={artifact.filename: Size(fetch=artifact.size, unpacked=artifact.unpacked) for artifact in artifacts},
    )
