"""Proving that conda-lock itself takes a lock, on top of what is proven without it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rigfit.catalog.audit import check_locks
from rigfit.catalog.locate import find_template
from rigfit.catalog.place import Place
from rigfit.catalog.recipe import read_recipe
from rigfit.catalog.relock.lockfile import parse
from rigfit.catalog.sidecar import lock_path
from rigfit.core.problem import Problem
from rigfit.core.words import say

_NEEDED = say("what conda-lock reads")


def check(catalog: Path, template: str) -> list[Problem]:
    """Every fault of the template's locks; none means that they follow, are complete, and can be read by others."""
    return check_locks(catalog, template) or [*_refused_by_conda_lock(catalog, template)]


def _refused_by_conda_lock(catalog: Path, template: str) -> Iterator[Problem]:
    recipe = read_recipe(find_template(catalog, template))
    for variant in recipe.variants:
        path = lock_path(recipe.folder, variant.name)
        found = _complaint(path)
        if found:
            fix = (f"rigfit lock {template}",)
            yield Place(file=path).wrong(needed=_NEEDED, found=found, code="lock_invalid", fix=fix).problem


def _complaint(path: Path) -> str:
    """What conda-lock says against the file; empty if it takes it."""
    try:
        parse(path)
    except (ValueError, KeyError, TypeError) as error:
        return " ".join(str(error).split())
    return ""
