"""Templates and facts from their files. Locks themselves stay unread: their sizes and versions lie beside them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from rigfit.catalog.cited import read_facts
from rigfit.catalog.facts import (
    FILES,
    OTHERS,
    architecture,
    bound,
    driver_minimum,
    first,
    gpu_memory,
    int8_on_cpu,
    int8_support,
    last_driver,
    libraries,
    model,
    names,
    nf4_support,
    refuse_unknown_files,
    torch_build,
    virtual_series,
)
from rigfit.catalog.locate import FACTS, TEMPLATE_FILE, template_folders
from rigfit.catalog.place import Place
from rigfit.catalog.recipe import Recipe, VariantRecipe, read_recipe
from rigfit.catalog.sidecar import lock_path, read_sidecar, sidecar_path
from rigfit.core.fact import Facts, LastDriver
from rigfit.core.problem import ProblemError
from rigfit.core.template import Template, Variant
from rigfit.core.words import say


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
    for path, meaning in ((lock, say("the lock")), (beside, say("the sizes"))):
        if not path.is_file():
            raise _unlocked(recipe, variant, Place(file=path), needed=meaning, found=say("no such file"))
    sidecar = read_sidecar(beside)
    for platform in variant.platforms:
        if platform not in sidecar.parts:
            place, there = Place(file=beside, key=f"platforms.{platform}"), ", ".join(sidecar.parts)
            needed = say("the sizes for {platform}", platform=platform)
            raise _unlocked(recipe, variant, place, needed=needed, found=say("those for {platforms}", platforms=there))
    return Variant(
        template=recipe.name,
        name=variant.name,
        cuda=variant.cuda,
        accepts=recipe.accepts,
        lock_path=str(lock),
        lock_sha256=sidecar.lock_sha256,
        stacks=tuple(sidecar.parts[platform].stack for platform in variant.platforms),
    )


def _unlocked(recipe: Recipe, variant: VariantRecipe, place: Place, *, needed: str, found: str) -> ProblemError:
    asks = say(
        "{needed} of variant `{variant}` of {file}",
        needed=needed,
        variant=variant.name,
        file=recipe.folder / TEMPLATE_FILE,
    )
    return place.wrong(needed=asks, found=found, fix=(f"rigfit lock {recipe.name}",))


def load_facts(catalog: Path) -> Facts:
    folder = catalog / FACTS
    refuse_unknown_files(folder, (*FILES, *OTHERS))
    with ExitStack() as files:
        drivers, torch, bitsandbytes, versions, measured, gpus, memory, models = (
            files.enter_context(read_facts(folder / name)) for name in FILES
        )
        return Facts(
            drivers=tuple(driver_minimum(row) for row in drivers.tables("driver")),
            last_drivers=tuple(last_driver(row) for row in drivers.tables("last_driver")),
            torch=tuple(torch_build(row) for row in torch.tables("torch")),
            libraries=tuple(value for row in bitsandbytes.tables("library") for value in libraries(row)),
            int8=tuple(int8_support(row) for row in bitsandbytes.tables("int8")),
            nf4=tuple(nf4_support(row) for row in bitsandbytes.tables("nf4")),
            nf4_first=tuple(first(row) for row in bitsandbytes.tables("nf4_first")),
            int8_on_cpu=int8_on_cpu(bitsandbytes.table("int8_on_cpu")),
            bounds=tuple(bound(row) for file in (versions, measured) for row in file.tables("bound")),
            architectures=tuple(architecture(row) for row in gpus.tables("architecture")),
            no_tensor_cores=names(gpus.table("no_tensor_cores")),
            virtual_series=virtual_series(gpus.table("virtual_series")),
            gpu_memory=gpu_memory(memory.table("gpu_memory")),
            models=tuple(model(row) for row in models.tables("model")),
        )


def load_last_drivers(catalog: Path) -> tuple[LastDriver, ...]:
    """Of the facts these alone."""
    with read_facts(catalog / FACTS / FILES[0]) as drivers:
        for row in drivers.tables("driver"):
            driver_minimum(row)
        return tuple(last_driver(row) for row in drivers.tables("last_driver"))
