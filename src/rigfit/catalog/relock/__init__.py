"""Making lock files and proving that they follow from what people edit: `rigfit lock`, for maintainers."""

from __future__ import annotations

from rigfit.catalog.relock.job import relock
from rigfit.catalog.relock.proof import check

__all__ = ["check", "relock"]
