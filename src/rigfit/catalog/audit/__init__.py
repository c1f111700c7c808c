"""Proving a catalog, without a network and without conda-lock: its locks against what people wrote and the facts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from rigfit.catalog.audit.folders import left_over, shared_ranks
from rigfit.catalog.audit.locked import faults_of_locks
from rigfit.catalog.audit.reach import out_of_reach
from rigfit.catalog.audit.rows import faults_of_facts
from rigfit.catalog.audit.together import contradictions
from rigfit.catalog.inputs import read_environment_file
from rigfit.catalog.load import load_variant
from rigfit.catalog.locate import FACTS, find_template
from rigfit.catalog.recipe import read_recipe
from rigfit.core.fact import Facts
from rigfit.core.problem import Problem, ProblemError

__all__ = ["check_against_facts", "check_facts", "check_locks", "check_ranks"]


def check_ranks(catalog: Path, templates: Sequence[str]) -> list[Problem]:
    """Every rank that one of `templates` shares with another template of the catalog."""
    return [*shared_ranks(catalog, templates)]


def check_facts(catalog: Path, facts: Facts) -> list[Problem]:
    """Every contradiction among the facts of the catalog themselves."""
    return [*faults_of_facts(catalog / FACTS, facts, dt.datetime.now(dt.timezone.utc).date())]


def check_locks(catalog: Path, template: str) -> list[Problem]:
    """Every fault of the template's locks; none means that they are complete and follow from what people wrote."""
    try:
        recipe = read_recipe(find_template(catalog, template))
        environment = read_environment_file(recipe)
    except ProblemError as error:
        return [error.problem]
    of_variants = (faults_of_locks(recipe, environment, variant) for variant in recipe.variants)
    return [*left_over(recipe), *(problem for faults in of_variants for problem in faults)]


def check_against_facts(catalog: Path, template: str, facts: Facts) -> list[Problem]:
    """Every variant that holds versions that cannot work together, or that no machine can ever be given."""
    try:
        recipe = read_recipe(find_template(catalog, template))
    except ProblemError as error:
        return [error.problem]
    found: list[Problem] = []
    for written in recipe.variants:
        try:
            variant = load_variant(recipe, written)
        except ProblemError as error:
            found.append(error.problem)
            continue
        found += [*contradictions(variant, facts), *out_of_reach(variant, recipe.folder, facts)]
    return found
