"""What is suggested for every measured pair: it satisfies all that is known, and was not measured to fail."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache

import pytest
from tests.going_together import broken
from tests.matrix.measure import ROWS, STACKS
from tests.matrix.rows import Row, lines_of, read

from rigfit.catalog.load import load_facts
from rigfit.catalog.locate import catalog_dir
from rigfit.catalog.releases import load_releases
from rigfit.core.installed import Installed
from rigfit.core.machine import Driver, Gpu, Machine, Platform
from rigfit.core.nearest.change import Nearest, nearest
from rigfit.core.version import Capability
from rigfit.core.version import Version as CudaVersion

FACTS = load_facts(catalog_dir(None))
RELEASES = load_releases(catalog_dir(None))
KNOWN = {row.package for row in RELEASES}
ALL = "adapter_roundtrip"
STACK_OF = {line["stack"]: dict(pin.split("==") for pin in line["packages"]) for line in lines_of(STACKS)}
NEWEST = [row for row in read(ROWS) if row.bitsandbytes == "0.50.2" and row.rule == "newest"]


CPU, GPU = "cpu", "H100"
H100 = Machine(
    platform=Platform(os="linux", arch="x86_64", glibc=CudaVersion("2.39")),
    driver=Driver(version=CudaVersion("580.159.04")),
    gpus=(Gpu(index=0, name="NVIDIA H100 80GB HBM3", compute_capability=Capability(9, 0)),),
)


def installed_of(row: Row, device: str) -> Installed:
    """Where no resolver accepts the pair, it stands among what goes with the newest transformers."""
    beside = STACK_OF.get(row.stack) or STACK_OF[NEWEST[-1].stack]
    pair = {"transformers": row.transformers, "peft": row.peft}
    versions = {**{name: text for name, text in beside.items() if name in KNOWN}, **pair}
    python = row.python or "3.11.7"
    if device == CPU:
        return Installed(versions=versions, python=python, build="cpu")
    return Installed(versions=versions, python=python, build="cuda", cuda=CudaVersion("13.0"))


@cache
def suggestions(device: str) -> tuple[tuple[Row, Installed, Nearest | None], ...]:
    machine = None if device == CPU else H100
    every = ((row, installed_of(row, device)) for row in NEWEST)
    return tuple((row, there, nearest(there, FACTS, RELEASES, machine=machine)) for row, there in every)


def mended(there: Installed, found: Nearest) -> dict[str, str | None]:
    return {**there.versions, **{change.package: change.to for change in found.changes}}


devices = pytest.mark.parametrize("device", [CPU, GPU])


@devices
def test_there_is_a_way_out_of_every_measured_pair(device: str) -> None:
    assert [row.key for row, _, found in suggestions(device) if found is None] == []


@devices
def test_what_is_suggested_satisfies_every_bound_and_all_that_is_declared(device: str) -> None:
    wrong = [
        (row.key, fault)
        for row, there, found in suggestions(device)
        if found is not None
        for fault in broken(mended(there, found), FACTS.bounds, RELEASES)
    ]
    assert wrong == []


def said_of_measured(device: str) -> Iterator[tuple[Row, Row]]:
    """The measured row, and that of what is suggested for it, where that was measured, too."""
    rows: dict[tuple[str, ...], Row] = {
        (row.transformers, row.peft, row.bitsandbytes, row.accelerate): row for row in read(ROWS)
    }
    names = ("transformers", "peft", "bitsandbytes", "accelerate")
    for row, there, found in suggestions(device):
        versions = {} if found is None else mended(there, found)
        now = rows.get(tuple(str(versions.get(name)) for name in names))
        if now is not None:
            yield row, now


def test_all_that_is_suggested_for_a_cpu_was_measured_to_train_there() -> None:
    said = list(said_of_measured(CPU))
    assert [(row.key, now.key, now.error) for row, now in said if now.level != ALL] == []
    assert len(said) > len(NEWEST) * 0.9


def test_nothing_is_suggested_for_a_gpu_that_was_measured_to_fail() -> None:
    said = list(said_of_measured(GPU))
    assert [(row.key, now.key, now.error) for row, now in said if not (now.level == ALL or now.needs_gpu)] == []
    assert len(said) > len(NEWEST) * 0.9


@pytest.mark.parametrize("gone", [("torch", "transformers", "peft", "bitsandbytes"), ("torch", "transformers", "peft")])
def test_where_next_to_nothing_fits_there_is_an_answer_soon_and_a_sound_one(gone: tuple[str, ...]) -> None:
    jumble = {
        "torch": "2.0.1",
        "transformers": "5.23.0",
        "peft": "0.2.0",
        "accelerate": "0.17.1",
        "bitsandbytes": "0.37.0",
        "numpy": "2.3.5",
        "tokenizers": "0.13.3",
        "huggingface-hub": "0.10.0",
        "safetensors": "0.3.0",
        "setuptools": "82.0.0",
        "pyarrow": "10.0.0",
        "scipy": "1.8.0",
        "triton": "2.0.0",
        "datasets": "2.0.0",
    }
    there = Installed(versions={**jumble, **dict.fromkeys(gone)}, python="3.8.18")
    begun = time.process_time()
    found = nearest(there, FACTS, RELEASES)
    assert time.process_time() - begun < 2  # twelve seconds, if all that could be is tried
    assert found is not None
    mended = {**there.versions, **{change.package: change.to for change in found.changes}}
    assert list(broken(mended, FACTS.bounds, RELEASES)) == []
