"""Locking a template: solve, resolve, look at sizes, write; variant by variant, told line by line."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rigfit.catalog.locate import template_folders
from rigfit.catalog.place import Place
from rigfit.catalog.recipe import Recipe, VariantRecipe, read_recipe
from rigfit.catalog.relock.index import LockedWheel, Question, resolve
from rigfit.catalog.relock.inputs import EnvironmentFile, inputs_sha256, read_environment_file
from rigfit.catalog.relock.lockfile import Contents, to_text
from rigfit.catalog.relock.solve import CondaPackage, solve
from rigfit.catalog.relock.target import TARGETS, Target, least_glibc
from rigfit.catalog.relock.wheel import WheelContents, look_into, needs
from rigfit.catalog.sidecar import CONDA_FACTOR, Sidecar, Size, lock_path, sidecar_path
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.size import human
from rigfit.core.template import file_name
from rigfit.core.version import Version

_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Findings:
    """All that is known of a variant before it is written."""

    conda: tuple[CondaPackage, ...]
    wheels: tuple[LockedWheel, ...]
    contents: tuple[WheelContents, ...]

    @property
    def python(self) -> str:
        return next(package.version for package in self.conda if package.name == "python")


def relock(
    catalog: Path,
    template: str,
    *,
    variants: Collection[str] | None = None,
    channel: str,
) -> Iterator[str]:
    """Write the locks of `template` (of `variants`, None for all) and say what was done.

    `channel` is conda-forge or a copy of it. Each file is replaced whole or not at all. Raises ProblemError.
    """
    recipe = find_recipe(catalog, template)
    environment = read_environment_file(recipe)
    solved: dict[str, tuple[CondaPackage, ...]] = {}
    for variant in _chosen(recipe, variants):
        target = target_of(recipe, variant)
        if target.name not in solved:
            yield f"{recipe.name}: solving the interpreter for {target.name} from {channel}"
            solved[target.name] = solve(environment.conda, channel=channel, target=target)
        yield f"{recipe.name}/{variant.name}: resolving the libraries"
        wheels = _wheels(environment, variant, solved[target.name], target)
        yield f"{recipe.name}/{variant.name}: looking into {len(wheels)} wheels for their sizes and requirements"
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            contents = tuple(pool.map(look_into, [wheel.place for wheel in wheels]))
        findings = _Findings(conda=solved[target.name], wheels=wheels, contents=contents)
        _check_cuda(recipe, variant, findings)
        yield _write(recipe, variant, inputs_sha256(environment, variant), findings)


def find_recipe(catalog: Path, template: str) -> Recipe:
    folders = {folder.name: folder for folder in template_folders(catalog)}
    if template not in folders:
        what = f"there is no template `{template}` in {catalog}"
        raise ProblemError(Problem(code="unknown_template", what=what, fix=(f"choose one of: {', '.join(folders)}",)))
    return read_recipe(folders[template])


def target_of(recipe: Recipe, variant: VariantRecipe) -> Target:
    if len(variant.platforms) != 1 or variant.platforms[0] not in TARGETS:
        place = Place(file=recipe.folder / "template.toml", key=f"variants[{variant.name}].platforms")
        raise place.wrong(needed=f"one of {', '.join(TARGETS)}, to be locked", found=", ".join(variant.platforms))
    return TARGETS[variant.platforms[0]]


def _chosen(recipe: Recipe, names: Collection[str] | None) -> list[VariantRecipe]:
    known = {variant.name: variant for variant in recipe.variants}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        what = f"there is no variant `{unknown[0]}` in template `{recipe.name}`"
        raise ProblemError(Problem(code="unknown_variant", what=what, fix=(f"choose one of: {', '.join(known)}",)))
    return [variant for variant in recipe.variants if names is None or variant.name in names]


def _wheels(
    environment: EnvironmentFile,
    variant: VariantRecipe,
    conda: tuple[CondaPackage, ...],
    target: Target,
) -> tuple[LockedWheel, ...]:
    """What conda brings already, such as pip, is taken in the same version, so that neither replaces the other's."""
    python = next(package.version for package in conda if package.name == "python").split(".")
    return resolve(
        Question(
            requirements=(*environment.pip, *variant.pins),
            constraints=tuple(f"{package.name}=={package.version}" for package in conda if package.is_python_package),
            wheels=variant.wheels,
            python=(int(python[0]), int(python[1])),
            target=target,
        ),
    )


def _check_cuda(recipe: Recipe, variant: VariantRecipe, findings: _Findings) -> None:
    """The wheel itself says which CUDA it was built with; template.toml must say the same."""
    pairs = zip(findings.wheels, findings.contents, strict=True)
    found = next((contents.cuda for wheel, contents in pairs if wheel.name == "torch"), None)
    if variant.cuda != (Version(found) if found else None):
        place = Place(file=recipe.folder / "template.toml", key=f"variants[{variant.name}].cuda")
        raise place.wrong(needed=f"the build CUDA of its torch, {found or 'none'}", found=str(variant.cuda or "none"))


def _write(recipe: Recipe, variant: VariantRecipe, inputs: str, findings: _Findings) -> str:
    markers = target_of(recipe, variant).markers(findings.python)
    pairs = [*zip(findings.wheels, findings.contents, strict=True)]
    contents = Contents(
        template=recipe.name,
        variant=variant.name,
        target=target_of(recipe, variant),
        inputs_sha256=inputs,
        conda=findings.conda,
        wheels=findings.wheels,
        needs={wheel.name: needs(inside.requires, markers) for wheel, inside in pairs},
    )
    text = to_text(contents)
    sidecar = _sidecar(findings, lock_sha256=hashlib.sha256(text.encode()).hexdigest(), inputs_sha256=inputs)
    _replace(lock_path(recipe.folder, variant.name), text)
    _replace(sidecar_path(recipe.folder, variant.name), sidecar.to_text())
    return (
        f"{recipe.name}/{variant.name}: Python {sidecar.python}, torch {sidecar.versions['torch']}, "
        f"{len(findings.conda)} conda packages and {len(findings.wheels)} wheels, {human(sidecar.fetch)} to fetch, "
        f"{human(sidecar.disk)} on disk, glibc >= {sidecar.glibc} because of {sidecar.glibc_because}"
    )


def _sidecar(findings: _Findings, *, lock_sha256: str, inputs_sha256: str) -> Sidecar:
    sizes = {
        package.file: Size(fetch=package.size, unpacked=package.size * CONDA_FACTOR, estimated=True)
        for package in findings.conda
    }
    for wheel, contents in zip(findings.wheels, findings.contents, strict=True):
        sizes[file_name(wheel.url)] = contents.size
    glibc, because = _glibc(findings)
    return Sidecar(
        lock_sha256=lock_sha256,
        inputs_sha256=inputs_sha256,
        python=findings.python,
        glibc=glibc,
        glibc_because=because,
        versions={wheel.name: wheel.version for wheel in findings.wheels},
        sizes=sizes,
    )


def _glibc(findings: _Findings) -> tuple[Version, str]:
    """The newest of all minimums, and the first file that has it; torch is named before others."""
    minimums = [(least_glibc(wheel.tags), f"{wheel.name} {wheel.version}") for wheel in findings.wheels]
    minimums.sort(key=lambda pair: not pair[1].startswith("torch "))
    minimums += [(package.glibc, f"{package.name} {package.version}") for package in findings.conda]
    known = [(glibc, because) for glibc, because in minimums if glibc is not None]
    return max(known, key=lambda pair: pair[0])


def _replace(path: Path, text: str) -> None:
    """Whole or not at all, also when we are killed in between."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)
