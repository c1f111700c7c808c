"""The measured matrix of the catalog in use, and what its facts say of what was not measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rigfit.catalog.load import load_facts
from rigfit.catalog.locate import catalog_dir
from rigfit.catalog.matrix import read_matrix
from rigfit.core.fact import Bound
from rigfit.core.matrix import Matrix, Run, ruled_out
from rigfit.engine.settings import Settings


def measured_matrix(settings: Settings) -> Matrix:
    """Raises ProblemError `catalog_invalid`."""
    return read_matrix(catalog_dir(settings.catalog))


def foretold(settings: Settings, runs: Iterable[Run]) -> Mapping[Run, tuple[Bound, ...]]:
    """Of those that need a GPU to go on, why a GPU will not help. Raises ProblemError `catalog_invalid`."""
    bounds = load_facts(catalog_dir(settings.catalog)).bounds
    return {run: found for run in runs if (found := ruled_out(run, bounds))}
