"""The estimate of `rigfit fits` against peaks that were measured on a GPU, and the page that shows both."""

from __future__ import annotations

import json

import pytest
from tests.fits_table import DATA, PAGE, Limit, Point, limits, page, points

POINTS = points()


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.label)
def test_the_estimate_is_within_10_percent_and_never_5_percent_too_low(point: Point) -> None:
    assert -0.05 <= point.error <= 0.10


@pytest.mark.parametrize("limit", limits(), ids=lambda limit: limit.model)
def test_what_is_said_to_be_needed_is_enough(limit: Limit) -> None:
    """It was seen to go on with `enough`, and not with `too_little`."""
    assert limit.too_little < limit.enough <= limit.given <= 1.25 * limit.peak


def test_the_points_reach_from_a_tenth_of_a_billion_parameters_to_seven() -> None:
    sizes = sorted(point.shape.parameters for point in POINTS)
    assert len(sizes) >= 6
    assert sizes[0] < 0.2e9
    assert sizes[-1] > 6.5e9


def test_the_page_shows_the_recorded_points() -> None:
    assert page() == PAGE.read_text(encoding="utf-8"), "python -m tests.fits_table"


def test_nothing_but_its_name_tells_which_gpu_it_was() -> None:
    kept = json.loads(DATA.read_text(encoding="utf-8"))
    assert set(kept) == {"gpu", "versions", "points", "limits"}
    assert "GPU-" not in json.dumps(kept)
