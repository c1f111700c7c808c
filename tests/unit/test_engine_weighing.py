"""What an environment takes, and what removing it gives back."""

from __future__ import annotations

import os
from pathlib import Path

from rigfit.engine.weighing import weigh

BLOCKS = 1024**2


def test_a_file_that_a_cache_shares_is_not_given_back(tmp_path: Path) -> None:
    cache, prefix = tmp_path / "cache", tmp_path / "envs" / "sample"
    cache.mkdir()
    (prefix / "lib").mkdir(parents=True)
    (cache / "shared").write_bytes(os.urandom(BLOCKS))
    os.link(cache / "shared", prefix / "lib" / "shared")
    (prefix / "own").write_bytes(os.urandom(BLOCKS))
    weight = weigh(prefix)
    assert (weight.total, weight.freed) == (2 * BLOCKS, BLOCKS)


def test_two_names_of_one_file_in_it_count_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(os.urandom(BLOCKS))
    os.link(tmp_path / "a", tmp_path / "b")
    assert (weigh(tmp_path).total, weigh(tmp_path).freed) == (BLOCKS, BLOCKS)


def test_a_link_out_of_it_is_not_followed(tmp_path: Path) -> None:
    outside, prefix = tmp_path / "outside", tmp_path / "prefix"
    outside.mkdir()
    prefix.mkdir()
    (outside / "big").write_bytes(os.urandom(BLOCKS))
    (prefix / "link").symlink_to(outside)
    assert weigh(prefix).total < BLOCKS


def test_what_is_not_there_weighs_nothing(tmp_path: Path) -> None:
    assert weigh(tmp_path / "none").total == 0
