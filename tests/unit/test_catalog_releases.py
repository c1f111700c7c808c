"""The file of releases: what is wrong in it is named with its place, and the shipped one is whole."""

from __future__ import annotations

from itertools import groupby, pairwise
from pathlib import Path

import pytest
from packaging.version import Version

from rigfit.catalog.load import load_facts
from rigfit.catalog.locate import catalog_dir
from rigfit.catalog.releases import load_releases
from rigfit.core.nearest.options import WEIGHTS
from rigfit.core.problem import ProblemError
from rigfit.core.release import Span, release_of

SHIPPED = catalog_dir(None)
RELEASES = load_releases(SHIPPED)
ABOUT = 'source = "measured with pip"\nread = 2026-11-22\n'
ROW = '{ since = "0.14.0", until = "0.14.1", offered = ["0.14.1"], python = "<3.13", needs = ["numpy", "torch >=2.0,<3"] }'


def written(folder: Path, text: str) -> Path:
    (folder / "facts").mkdir()
    (folder / "facts/releases.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_row_is_a_run_of_versions_that_declare_the_same(tmp_path: Path) -> None:
    (row,) = load_releases(written(tmp_path, f"{ABOUT}peft = [{ROW}]"))
    assert (row.package, row.offered) == ("peft", (Version("0.14.1"),))
    assert row.python == Span(below=Version("3.13"))
    assert row.needs == (("numpy", Span()), ("torch", Span(at_least=Version("2.0"), below=Version("3"))))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('until = "0.14.1"', 'until = "0.13.0"', "key `peft[0].until`: needs no less than `since`, 0.14.0"),
        ('["0.14.1"]', '["0.15.0"]', "key `peft[0].offered`: needs versions from 0.14.0 to 0.14.1; found 0.15.0"),
        ('["0.14.1"]', '["newest"]', "key `peft[0].offered`: needs versions such as"),
        ('"<3.13"', '"3.13"', "key `peft[0].python`: needs a span such as `>=3.9,<3.13`"),
        ('"torch >=2.0,<3"', '"torch ~=2.0"', "key `peft[0].needs`: needs"),
        ('"torch >=2.0,<3"', "3", "key `peft[0].needs`: needs"),
        ("python", "pythons", "an unknown key"),
        ('"measured with pip"', '"rumour"', "key `source`: needs an address"),
        ("read = 2026-11-22", "", "key `read`: needs a date"),
    ],
)
def test_what_is_wrong_is_named_with_its_file_and_key(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    text = f"{ABOUT}peft = [{ROW}]"
    assert old in text
    with pytest.raises(ProblemError) as error:
        load_releases(written(tmp_path, text.replace(old, new, 1)))
    assert error.value.problem.code == "catalog_invalid"
    assert complaint in error.value.problem.what
    assert str(tmp_path / "facts/releases.toml") in error.value.problem.what


def test_no_version_of_the_shipped_file_stands_in_two_rows() -> None:
    for _, rows in groupby(RELEASES, key=lambda row: row.package):
        for one, next_one in pairwise(rows):
            assert one.until < next_one.since, (one, next_one)


def test_what_they_declare_speaks_of_packages_that_are_there() -> None:
    packages = {row.package for row in RELEASES}
    assert {name for row in RELEASES for name, _ in row.needs} <= packages
    assert packages == WEIGHTS.keys()


def test_each_end_that_a_fact_speaks_of_has_a_version_to_suggest_on_its_good_side() -> None:
    offered = [(row.package, version) for row in RELEASES for version in row.offered]
    for bound in load_facts(SHIPPED).bounds:
        if bound.needs in WEIGHTS:
            assert any(name == bound.needs and bound.allows(version) for name, version in offered), bound


@pytest.mark.parametrize(
    ("package", "version", "needs", "good", "bad"),
    [
        ("transformers", "4.28.0", "tokenizers", "0.13.3", "0.14.0"),
        ("transformers", "4.57.6", "huggingface-hub", "0.36.2", "1.0.1"),
        ("transformers", "4.42.4", "numpy", "1.26.4", "2.0.0"),
        ("torch", "2.12.1", "setuptools", "81.0.0", "82.0.0"),
        ("peft", "0.14.0", "accelerate", "0.21.0", "0.20.3"),
    ],
)
def test_what_the_wheels_declare(package: str, version: str, needs: str, good: str, bad: str) -> None:
    row = release_of(RELEASES, package, Version(version))
    assert row is not None
    span = dict(row.needs)[needs]
    assert span.allows(Version(good))
    assert not span.allows(Version(bad))


@pytest.mark.parametrize(
    ("package", "version", "python", "has"),
    [
        ("numpy", "1.26.4", "3.12.4", True),
        ("numpy", "1.26.4", "3.13.0", False),
        ("tokenizers", "0.13.3", "3.12.0", False),
    ],
)
def test_which_pythons_have_wheels(package: str, version: str, python: str, *, has: bool) -> None:
    row = release_of(RELEASES, package, Version(version))
    assert row is not None
    assert row.python.allows(Version(python)) == has
