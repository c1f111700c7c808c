"""What is suggested, asked of a real resolver: it takes all of it, beside all that stays as it is."""

from __future__ import annotations

import subprocess

import pytest
from uv import find_uv_bin

from rigfit.catalog.load import load_facts
from rigfit.catalog.locate import catalog_dir
from rigfit.catalog.releases import load_releases
from rigfit.core.installed import Installed
from rigfit.core.machine import Driver, Gpu, Machine, Platform
from rigfit.core.nearest.change import nearest
from rigfit.core.version import Capability, Version

FACTS, RELEASES = load_facts(catalog_dir(None)), load_releases(catalog_dir(None))
OLD = {
    "torch": "2.0.1",
    "transformers": "4.28.1",
    "peft": "0.10.0",
    "bitsandbytes": "0.41.3.post2",
    "accelerate": "0.21.0",
    "numpy": "1.26.4",
    "scipy": "1.11.4",
    "setuptools": "69.5.1",
    "tokenizers": "0.13.3",
    "huggingface-hub": "0.17.3",
}
NEW = {
    **OLD,
    "torch": "2.6.0",
    "transformers": "4.57.6",
    "peft": "0.17.1",
    "bitsandbytes": "0.50.2",
    "accelerate": "1.15.0",
    "tokenizers": "0.22.2",
    "huggingface-hub": "0.36.2",
}
H100 = Machine(
    platform=Platform(os="linux", arch="x86_64", glibc=Version("2.39")),
    driver=Driver(version=Version("580.159.04")),
    gpus=(Gpu(index=0, name="NVIDIA H100 80GB HBM3", compute_capability=Capability(9, 0)),),
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("there", "cuda", "machine", "changed"),
    [
        pytest.param({**OLD, "numpy": "2.0.2"}, "11.7", None, {"numpy": "1.26.4"}, id="numpy 2 with torch 2.0"),
        pytest.param(
            {**OLD, "peft": "0.9.0", "accelerate": "0.17.1", "setuptools": "82.0.1"},
            "11.7",
            None,
            {"accelerate": "0.21.0"},
            id="setuptools 82 with accelerate 0.17.1, which is too old for that peft, too",
        ),
        pytest.param(
            {**NEW, "peft": "0.10.0"}, "12.4", None, {"peft": "0.14.0"}, id="bitsandbytes 0.50 with peft 0.10"
        ),
        pytest.param(
            {**OLD, "peft": "0.14.0"},
            "11.7",
            None,
            {"peft": "0.13.2"},
            id="peft 0.14 with transformers 4.28",
        ),
        pytest.param(
            {**OLD, "torch": "2.4.1"},
            "12.1",
            H100,
            {
                "transformers": "4.43.4",
                "peft": "0.14.0",
                "bitsandbytes": "0.45.5",
                "tokenizers": "0.19.1",
                "huggingface-hub": "0.25.2",
            },
            id="an H100 with bitsandbytes 0.41",
        ),
    ],
)
def test_a_resolver_accepts_what_is_suggested_beside_what_stays(
    there: dict[str, str], cuda: str, machine: Machine | None, changed: dict[str, str]
) -> None:
    installed = Installed(versions=there, python="3.11.7", build="cuda", cuda=Version(cuda))
    found = nearest(installed, FACTS, RELEASES, machine=machine)
    assert found is not None
    assert {change.package: change.to for change in found.changes} == changed
    pins = [f"{name}=={version}" for name, version in {**there, **changed}.items()]
    uv = [
        find_uv_bin(),
        "pip",
        "compile",
        "--quiet",
        "--no-header",
        "--python-version=3.11",
        "--only-binary=:all:",
        "-",
    ]
    child = subprocess.run(uv, input="\n".join(pins), capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    assert set(pins) <= {line.strip() for line in child.stdout.splitlines()}
