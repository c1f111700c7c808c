"""What maintainers do with the catalog: write its locks, and prove that locks, templates and facts agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rigfit.catalog.locate import catalog_dir, template_folders
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import joined
from rigfit.engine.settings import Settings


def template_names(settings: Settings) -> tuple[str, ...]:
    """Of all templates, whether they are locked or not."""
    return tuple(folder.name for folder in template_folders(catalog_dir(settings.catalog)))


def write_locks(settings: Settings, template: str, variant: str | None, channel: str) -> Iterator[str]:
    """Lines of narration while the locks of `template` are solved and written; raises ProblemError."""
    from rigfit.catalog.relock import relock

    return relock(catalog_dir(settings.catalog), template, variants=(variant,) if variant else None, channel=channel)


def check_locks(settings: Settings, templates: Sequence[str]) -> list[Problem]:
    """What is wrong with the locks of `templates`, also in conda-lock's eyes; asks no network."""
    from rigfit.catalog.relock import check

    return [problem for name in templates for problem in check(catalog_dir(settings.catalog), name)]


def check_templates(settings: Settings, templates: Sequence[str]) -> list[Problem]:
    """What is wrong with the facts, and with the locks of `templates` by themselves and beside the facts.

    Asks no network and needs no conda-lock.
    """
    from rigfit.catalog import audit
    from rigfit.catalog.load import load_facts
    from rigfit.catalog.releases import load_releases
    from rigfit.catalog.rules import load_rules

    catalog = catalog_dir(settings.catalog)
    found = audit.check_ranks(catalog, templates)
    found += [problem for name in templates for problem in audit.check_locks(catalog, name)]
    try:
        facts = load_facts(catalog)
        load_releases(catalog)
        load_rules(catalog)
    except ProblemError as error:
        return [error.problem, *found]
    found = [*audit.check_facts(catalog, facts), *found]
    return [*found, *(problem for name in templates for problem in audit.check_against_facts(catalog, name, facts))]


def as_one(problems: Sequence[Problem]) -> Problem:
    """The first of them, which tells of the others, and of what to do about each."""
    first, *others = dict.fromkeys(problems)
    detail = joined("\n", filter(None, (first.detail, *(problem.what for problem in others))))
    fix = dict.fromkeys(step for problem in (first, *others) for step in problem.fix)
    return replace(first, detail=detail, fix=tuple(fix))
