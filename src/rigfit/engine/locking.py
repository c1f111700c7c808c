"""What maintainers do with locks: write them, and prove that they still follow from what people edit."""

from __future__ import annotations

from collections.abc import Iterator

from rigfit.catalog.load import load_templates
from rigfit.catalog.locate import catalog_dir
from rigfit.core.problem import Problem
from rigfit.engine.settings import Settings


def template_names(settings: Settings) -> tuple[str, ...]:
    return tuple(template.name for template in load_templates(catalog_dir(settings.catalog)))


def write_locks(settings: Settings, template: str, variant: str | None, channel: str) -> Iterator[str]:
    """Lines of narration while the locks of `template` are solved and written; raises ProblemError."""
    from rigfit.catalog.relock import relock

    return relock(catalog_dir(settings.catalog), template, variants=(variant,) if variant else None, channel=channel)


def check_locks(settings: Settings, template: str) -> list[Problem]:
    """What is wrong with the locks of `template`; asks no network."""
    from rigfit.catalog.relock import check

    return check(catalog_dir(settings.catalog), template)
