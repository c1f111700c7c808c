"""Templates as folders: each has a rank of its own, and no generated file is left over in one."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from rigfit.catalog.locate import TEMPLATE_FILE, template_folders
from rigfit.catalog.place import Place
from rigfit.catalog.recipe import Recipe, read_recipe
from rigfit.catalog.sidecar import lock_path, sidecar_path
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import say


def left_over(recipe: Recipe) -> Iterator[Problem]:
    """Locks and sizes of variants that the template does not have."""
    of_variants = {make(recipe.folder, each.name) for each in recipe.variants for make in (lock_path, sidecar_path)}
    generated = {path for make in (lock_path, sidecar_path) for path in recipe.folder.glob(make(Path(), "*").name)}
    for path in sorted(generated - of_variants):
        names = ", ".join(each.name for each in recipe.variants)
        yield (
            Place(file=path)
            .wrong(
                needed=say("a file of one of the variants of {file}, {names}", file=TEMPLATE_FILE, names=names),
                found=say("a file of none of them"),
                code="lock_stale",
                fix=(f"git rm {shlex.quote(str(path))}", say("or write that variant into {file}", file=TEMPLATE_FILE)),
            )
            .problem
        )


def shared_ranks(catalog: Path, templates: Collection[str]) -> Iterator[Problem]:
    """Ranks that one of `templates` shares with any other template."""
    recipes = [*_readable(catalog)]
    taken = ", ".join(str(rank) for rank in sorted({recipe.rank for recipe in recipes}))
    for rank in sorted({recipe.rank for recipe in recipes}):
        sharing = [recipe for recipe in recipes if recipe.rank == rank]
        named = [recipe for recipe in sharing if recipe.name in templates]
        if len(sharing) > 1 and named:
            last = named[-1]
            others = ", ".join(f"`{recipe.name}`" for recipe in sharing if recipe is not last)
            yield (
                Place(file=last.folder / TEMPLATE_FILE, key="rank")
                .wrong(
                    needed=say("a rank of its own; the lower one comes first"),
                    found=say("{rank}, which is also that of {others}", rank=rank, others=others),
                    fix=(say("choose another whole number; taken are {ranks}", ranks=taken),),
                )
                .problem
            )


def _readable(catalog: Path) -> Iterator[Recipe]:
    """What is wrong with the others is told where their locks are checked."""
    for folder in template_folders(catalog):
        with suppress(ProblemError):
            yield read_recipe(folder)
