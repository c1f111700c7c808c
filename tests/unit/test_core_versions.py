"""Versions and capabilities compare as numbers, and GPU code runs where NVIDIA says it runs."""

from __future__ import annotations

import pytest

from rigfit.core.fact import cubin_covers, ptx_covers
from rigfit.core.size import human
from rigfit.core.version import Capability, Version


def test_versions_compare_as_numbers_and_keep_their_text() -> None:
    assert Version("580.159.04") > Version("580.65.06") > Version("525.60.13")
    assert Version("13") == Version("13.0")
    assert hash(Version("13")) == hash(Version("13.0"))
    assert str(Version("580.159.04")) == "580.159.04"


def test_a_text_that_is_no_version_is_refused() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        Version("580.x")


@pytest.mark.parametrize(
    ("built_for", "gpu", "runs"),
    [
        ("8.0", "8.6", True),
        ("8.0", "8.9", True),
        ("8.6", "8.0", False),
        ("9.0", "12.0", False),
        ("7.0", "7.5", True),
        ("8.0", "8.7", False),
        ("8.7", "8.7", True),
        ("10.0", "10.3", True),
        ("10.0", "10.1", False),
        ("12.0", "12.1", True),
    ],
)
def test_a_cubin_runs_on_its_major_from_its_minor_on(built_for: str, gpu: str, runs: bool) -> None:  # noqa: FBT001
    assert cubin_covers(Capability.parse(built_for), Capability.parse(gpu)) is runs


def test_ptx_runs_on_every_later_capability_and_no_earlier_one() -> None:
    assert ptx_covers(Capability(9, 0), Capability(12, 0))
    assert not ptx_covers(Capability(9, 0), Capability(8, 9))


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (1_296_000_000, "1.2 GiB"), (3 << 40, "3.0 TiB")],
)
def test_sizes_are_read_in_binary_units(size: int, text: str) -> None:
    assert human(size) == text
