"""Locking a template: variant by variant, platform by platform, told line by line."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from rigfit.catalog.inputs import EnvironmentFile, inputs_sha256, read_environment_file
from rigfit.catalog.locate import TEMPLATE_FILE, find_template
from rigfit.catalog.place import Place
from rigfit.catalog.recipe import Recipe, VariantRecipe, read_recipe
from rigfit.catalog.relock.findings import Findings, Looking, find
from rigfit.catalog.relock.lockfile import Contents, to_text
from rigfit.catalog.relock.solve import CondaPackage, solve
from rigfit.catalog.relock.target import Target
from rigfit.catalog.sidecar import lock_path, sidecar_path, sidecar_text
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.size import human
from rigfit.core.template import Stack
from rigfit.core.version import Version
from rigfit.core.words import joined, say


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
    recipe = read_recipe(find_template(catalog, template))
    job = _Job(recipe, read_environment_file(recipe), channel)
    for variant in _chosen(recipe, variants):
        yield from job.lock(variant)


def _chosen(recipe: Recipe, names: Collection[str] | None) -> list[VariantRecipe]:
    known = {variant.name: variant for variant in recipe.variants}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        what = say("there is no variant `{name}` in template `{template}`", name=unknown[0], template=recipe.name)
        fix = (say("choose one of: {names}", names=", ".join(known)),)
        raise ProblemError(Problem(code="unknown_variant", what=what, fix=fix))
    return [variant for variant in recipe.variants if names is None or variant.name in names]


class _Job:
    """Remembers what several variants share: interpreters by target, and the wheels that were looked into."""

    def __init__(self, recipe: Recipe, environment: EnvironmentFile, channel: str) -> None:
        self._recipe = recipe
        self._environment = environment
        self._channel = channel
        self._solved: dict[Target, tuple[CondaPackage, ...]] = {}
        self._looking = Looking()

    def lock(self, variant: VariantRecipe) -> Iterator[str]:
        """Nothing is written before every platform is found."""
        found = []
        for platform in variant.platforms:
            target = Target(platform=platform, glibc=variant.glibc)
            if target not in self._solved:
                yield say(
                    "{template}: solving the interpreter for {target} from {channel}",
                    template=self._recipe.name,
                    target=target.words,
                    channel=self._channel,
                )
                self._solved[target] = solve(self._environment.conda, channel=self._channel, target=target)
            yield say(
                "{template}/{variant}: resolving the libraries for {target}",
                template=self._recipe.name,
                variant=variant.name,
                target=target.words,
            )
            findings = find(self._environment, variant, target, self._solved[target], self._looking)
            self._check_cuda(variant, findings)
            found.append(findings)
        self._write(variant, found)
        yield from (joined(": ", [f"{self._recipe.name}/{variant.name}", _summary(each)]) for each in found)

    def _check_cuda(self, variant: VariantRecipe, findings: Findings) -> None:
        """The wheel itself says which CUDA it was built with; template.toml must say the same."""
        if variant.cuda != (Version(findings.cuda) if findings.cuda else None):
            place = Place(file=self._recipe.folder / TEMPLATE_FILE, key=f"variants[{variant.name}].cuda")
            needed = say(
                "the build CUDA of its torch on {platform}, {cuda}",
                platform=findings.target.platform,
                cuda=findings.cuda or say("none"),
            )
            raise place.wrong(needed=needed, found=str(variant.cuda) if variant.cuda else say("none"))

    def _write(self, variant: VariantRecipe, found: Sequence[Findings]) -> None:
        folder, inputs = self._recipe.folder, inputs_sha256(self._environment, variant)
        text = to_text(Contents(template=self._recipe.name, variant=variant.name, inputs_sha256=inputs, found=found))
        beside = sidecar_text(
            lock_sha256=hashlib.sha256(text.encode()).hexdigest(),
            inputs_sha256=inputs,
            parts=[(findings.stack, findings.sizes) for findings in found],
        )
        _replace(lock_path(folder, variant.name), text)
        _replace(sidecar_path(folder, variant.name), beside)


def _summary(findings: Findings) -> str:
    stack: Stack = findings.stack
    return say(
        "{platform}: Python {python}, torch {torch}, {packages} conda packages and {wheels} wheels, {fetch} to fetch, "
        "{disk} on disk, glibc >= {glibc} because of {because}",
        platform=stack.platform,
        python=stack.python,
        torch=stack.versions["torch"],
        packages=len(findings.conda),
        wheels=len(findings.wheels),
        fetch=human(stack.fetch),
        disk=human(stack.disk),
        glibc=stack.glibc,
        because=stack.glibc_because,
    )


def _replace(path: Path, text: str) -> None:
    """Whole or not at all, also when we are killed in between."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)
