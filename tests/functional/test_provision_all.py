"""The script that provisions every lock, on two of them: what it needs minutes for, and what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.stand_ins.catalogs import make_catalog
from tests.stand_ins.wheels import make_wheel

SCRIPT = Path(__file__).with_name("provision_all.py")
LEGACY = "lora-8bit/cu117"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, text=True, check=False)


def rows(said: str) -> dict[str, list[str]]:
    """The lines under each variant's."""
    found: dict[str, list[str]] = {}
    for line in said.splitlines()[1:-1]:
        if line.startswith(" "):
            found[list(found)[-1]].append(line.strip())
        else:
            found[line.split()[0]] = []
    return found


@pytest.mark.slow
def test_the_cpu_build_is_proven_in_full_and_a_legacy_build_imports_without_its_gpu() -> None:
    ran = run("current/cpu", LEGACY, "--keep-cache")
    if "no CPython" in ran.stdout:
        pytest.skip(f"an interpreter that a lock needs is not on this machine: {ran.stdout}")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = rows(ran.stdout)
    assert set(told) == {"current/cpu", LEGACY}
    assert len(told["current/cpu"]) == 1
    assert told["current/cpu"][0].startswith("passed: imports, library, quantized_load, int8_weights")
    passed, skipped = told[LEGACY]
    assert passed == "passed: imports"
    assert skipped.startswith("skipped: library, quantized_load, int8_weights")
    assert skipped.endswith("(needs the GPU that this build is for)")


def test_whoever_waits_is_told_what_is_going_on(tmp_path: Path) -> None:
    """Libraries of a few bytes are set up like others; they pass no proof."""
    wheels = [make_wheel("torch", "2.13.0"), make_wheel("bitsandbytes", "0.50.2")]
    urls = {wheel.name: wheel.put_in(tmp_path / "wheels").as_uri() for wheel in wheels}
    ran = run("--catalog", str(make_catalog(tmp_path / "catalog", *wheels, urls=urls)))
    told = ["sample/cpu: being set up (machine: this one)", "sample/cpu: being verified"]
    assert ran.stderr.splitlines() == told, ran.stdout
    assert "sample/cpu" in ran.stdout


def test_a_name_that_is_not_in_the_catalog_is_told() -> None:
    ran = run("no-such-template")
    assert ran.returncode == 1
    assert "not in the catalog: no-such-template" in ran.stderr
