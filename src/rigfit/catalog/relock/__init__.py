"""Making lock files and proving that they follow from what people edit: `rigfit lock`, for maintainers."""

from __future__ import annotations

from rigfit.catalog.relock.audit import check
from rigfit.catalog.relock.job import relock

__all__ = ["check", "relock"]
