"""`rigfit templates --check`: facts that contradict themselves are refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rigfit.catalog.audit import check_facts
from rigfit.catalog.load import load_facts
from rigfit.catalog.locate import catalog_dir

READ = 'source = "made for a test"\nread = 2026-11-22\n'


def shipped(folder: Path) -> Path:
    """A catalog with the shipped facts."""
    shutil.copytree(catalog_dir(None) / "facts", folder / "facts")
    return folder


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "row", "complaint"),
    [
        (
            "drivers.toml",
            '[[driver]]\ncuda = "12.1"\nminimum = "500"\ntoolkit = "501"\nwindows = "500"\n',
            'drivers.toml: key `driver`: needs one row for one thing; found two: cuda = "12.1"; and cuda = "12.1"',
        ),
        (
            "drivers.toml",
            '[[last_driver]]\nlowest = "3.7"\nhighest = "4.0"\nbranch = 400\n',
            'key `last_driver`: needs one row for one thing; found two: lowest = "3.0", highest = "3.7"; and lowest = "3.7"',
        ),
        (
            "torch.toml",
            '[[torch]]\nsince = "2.4.0"\nuntil = "2.4.9"\narch = "x86_64"\ncuda = "12.4"\ncubins = ["9.0"]\nptx = []\n',
            'key `torch`: needs one row for one thing; found two: since = "2.1.0", until = "2.4.1", arch = "x86_64"; and',
        ),
        (
            "torch.toml",
            '[[torch]]\nsince = "9.0.0"\nuntil = "9.0.0"\narch = "x86_64"\ncuda = "14.0"\ncubins = ["9.0"]\nptx = []\n',
            "key `torch.cuda`: needs a CUDA that has a `[[driver]]` row in drivers.toml; found 14.0 (since =",
        ),
        (
            "models.toml",
            (
                '[[model]]\nname = "llama-2-7B"\nhub = "somebody/else"\nfamily = "llama"\nlayers = 1\nhidden = 8\nheads = 1\n'
                "kv_heads = 1\nintermediate = 8\nvocab = 8\ntied = true\nparameters = 1000\n"
            ),
            'key `model`: needs one row for one thing; found two: name = "Llama-2-7b"',
        ),
        (
            "bitsandbytes.toml",
            (
                '[[library]]\nsince = "0.50.1"\nuntil = "0.50.9"\narch = "x86_64"\ncuda = ["13.2", "13.3"]\ncubins = ["9.0"]\n'
                'match = "exact"\n'
            ),
            'since = "0.50.1", until = "0.50.9", arch = "x86_64", cuda = "13.2"',
        ),
        (
            "bitsandbytes.toml",
            '[[int8]]\nsince = "0.44.1"\nuntil = "0.44.9"\nlowest = "8.9"\nhighest = "9.0"\nspeed = "slow"\n',
            'key `int8`: needs one row for one thing; found two: since = "0.37.0", until = "0.44.1", lowest = "7.5"',
        ),
        (
            "bitsandbytes.toml",
            '[[nf4]]\nsince = "0.40.0"\nuntil = "0.40.0"\nlowest = "7.0"\nhighest = "7.0"\n',
            "key `nf4`: needs one row for one thing",
        ),
        (
            "versions.toml",
            (
                '[[bound]]\npackage = "triton"\nsince = "3.2.0"\nuntil = "3.2.0"\nneeds = "setuptools"\nbelow = "80"\n'
                'to = "import"\nwhy = "a test"\n'
            ),
            'until = "3.2.0", needs = "setuptools", to = "import"; and package = "triton", since = "3.2.0"',
        ),
        (
            "gpus.toml",
            '[[architecture]]\ncapability = "9.0"\nname = "Hopper"\nexamples = ["H200"]\nunified = false\n',
            'key `architecture`: needs one row for one thing; found two: capability = "9.0"; and capability = "9.0"',
        ),
    ],
)
def test_facts_that_contradict_themselves_are_refused(tmp_path: Path, name: str, row: str, complaint: str) -> None:
    catalog = shipped(tmp_path)
    assert check_facts(catalog, load_facts(catalog)) == []
    path = catalog / "facts" / name
    path.write_text(path.read_text(encoding="utf-8") + "\n" + row + READ, encoding="utf-8")
    words = [problem.what for problem in check_facts(catalog, load_facts(catalog))]
    assert len(words) == 1
    assert f"{catalog}/facts/{name}: key `" in words[0]
    assert complaint in words[0]


def test_rows_beside_each_other_are_none_for_the_same_thing(tmp_path: Path) -> None:
    catalog = shipped(tmp_path)
    path = catalog / "facts" / "bitsandbytes.toml"
    only = '[[int8]]\nsince = "0.44.0"\nuntil = "0.44.1"\nlowest = "7.5"\nhighest = "7.5"\nspeed = "slow"\nonly = ["T1000"]\n'
    arch = '[[library]]\nsince = "0.44.0"\nuntil = "0.44.1"\narch = "aarch64"\ncuda = ["12.1"]\ncubins = ["9.0"]\nmatch = "exact"\n'
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}\n{only}{READ}\n{arch}{READ}", encoding="utf-8")
    assert check_facts(catalog, load_facts(catalog)) == []


def test_a_fact_that_nobody_can_have_read_yet_is_refused(tmp_path: Path) -> None:
    catalog = shipped(tmp_path)
    edit(catalog / "facts" / "memory.toml", "read = 2026-11-22", "read = 2999-01-01")
    (problem,) = check_facts(catalog, load_facts(catalog))
    assert "memory.toml: key `gpu_memory.read`: needs the day on which somebody looked, " in problem.what
    assert problem.what.endswith(" or earlier; found 2999-01-01")
