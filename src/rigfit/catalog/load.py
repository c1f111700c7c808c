"""Templates and facts from their files. Locks themselves stay unread: their sizes and versions lie beside them."""

from __future__ import annotations

from pathlib import Path

from rigfit.catalog.facts import (
    driver_minimum,
    gpu_memory,
    int8_on_cpu,
    int8_support,
    refuse_unknown_files,
    torch_build,
)
from rigfit.catalog.locate import FACTS, template_folders
from rigfit.catalog.place import Place
from rigfit.catalog.recipe import Recipe, VariantRecipe, read_recipe
from rigfit.catalog.sidecar import lock_path, read_sidecar, sidecar_path
from rigfit.catalog.table import read_toml
from rigfit.core.fact import Facts
from rigfit.core.template import Template, Variant


def load_templates(catalog: Path) -> tuple[Template, ...]:
    """Sorted by rank. Raises ProblemError `catalog_invalid` for the first fault found."""
    recipes = [read_recipe(folder) for folder in template_folders(catalog)]
    recipes.sort(key=lambda recipe: (recipe.rank, recipe.name))
    return tuple(_template(recipe) for recipe in recipes)


def _template(recipe: Recipe) -> Template:
    return Template(
        name=recipe.name,
        title=recipe.title,
        purpose=recipe.purpose,
        rank=recipe.rank,
        imports=recipe.imports,
        variants=tuple(load_variant(recipe, variant) for variant in recipe.variants),
    )


def load_variant(recipe: Recipe, variant: VariantRecipe) -> Variant:
    lock, beside = lock_path(recipe.folder, variant.name), sidecar_path(recipe.folder, variant.name)
    for path, meaning in ((lock, "the lock"), (beside, "the sizes")):
        if not path.is_file():
            needed = f"{meaning} of variant `{variant.name}` of {recipe.folder / 'template.toml'}"
            fix = (f"rigfit lock {recipe.name}",)
            raise Place(file=path).wrong(needed=needed, found="no such file", fix=fix)
    sidecar = read_sidecar(beside)
    for name in ("torch", "bitsandbytes"):
        if name not in sidecar.versions:
            raise Place(file=beside, key=f"versions.{name}").wrong(needed="a locked version", found="none")
    return Variant(
        template=recipe.name,
        name=variant.name,
        cuda=variant.cuda,
        python=sidecar.python,
        platforms=variant.platforms,
        lock_path=str(lock),
        lock_sha256=sidecar.lock_sha256,
        versions=dict(sidecar.versions),
        glibc=sidecar.glibc,
        glibc_because=sidecar.glibc_because,
        fetch=sidecar.fetch,
        disk=sidecar.disk,
    )


def load_facts(catalog: Path) -> Facts:
    folder = catalog / FACTS
    refuse_unknown_files(folder, ("drivers.toml", "torch.toml", "bitsandbytes.toml", "memory.toml"))
    with (
        read_toml(folder / "drivers.toml") as drivers,
        read_toml(folder / "torch.toml") as torch,
        read_toml(folder / "bitsandbytes.toml") as bitsandbytes,
        read_toml(folder / "memory.toml") as memory,
    ):
        return Facts(
            drivers=tuple(driver_minimum(row) for row in drivers.tables("driver")),
            torch=tuple(torch_build(row) for row in torch.tables("torch")),
            int8=tuple(int8_support(row) for row in bitsandbytes.tables("int8")),
            int8_on_cpu=int8_on_cpu(bitsandbytes.table("int8_on_cpu")),
            gpu_memory=gpu_memory(memory.table("gpu_memory")),
        )
