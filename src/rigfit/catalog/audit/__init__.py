"""Proving a catalog, without a network and without conda-lock: its locks against what people wrote and the facts."""

from __future__ import annotations

from pathlib import Path

from rigfit.catalog.audit.locked import faults_of_locks
from rigfit.catalog.audit.reach import out_of_reach
from rigfit.catalog.audit.together import contradictions
from rigfit.catalog.inputs import read_environment_file
from rigfit.catalog.load import load_variant
from rigfit.catalog.locate import find_template
from rigfit.catalog.recipe import read_recipe
from rigfit.core.fact import Facts
from rigfit.core.problem import Problem, ProblemError

__all__ = ["check_against_facts", "check_locks"]


def check_locks(catalog: Path, template: str) -> list[Problem]:
    """Every fault of the template's locks; none means that they are complete and follow from what people wrote."""
    try:
        recipe = read_recipe(find_template(catalog, template))
        environment = read_environment_file(recipe)
    except ProblemError as error:
        return [error.problem]
    return [problem for variant in recipe.variants for problem in faults_of_locks(recipe, environment, variant)]


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
