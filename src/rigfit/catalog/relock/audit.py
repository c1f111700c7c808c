"""Proving, without a network, that locks still follow from what people edit and that other tools take them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from rattler import BuildString, MatchSpec, PackageRecord

from rigfit.catalog.load import load_variant
from rigfit.catalog.locks import read_lock
from rigfit.catalog.place import Place
from rigfit.catalog.recipe import Recipe, VariantRecipe
from rigfit.catalog.relock.index import INDEX_PATH
from rigfit.catalog.relock.inputs import EnvironmentFile, inputs_sha256, read_environment_file
from rigfit.catalog.relock.job import find_recipe, target_of
from rigfit.catalog.relock.lockfile import parse
from rigfit.catalog.relock.solve import CHANNEL_URL
from rigfit.catalog.sidecar import Sidecar, lock_path, read_sidecar, sidecar_path
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.template import file_name

_CONDA_URL = re.compile(re.escape(CHANNEL_URL) + r"/(linux-64|noarch)/[^/\s]+(\.conda|\.tar\.bz2)")


def check(catalog: Path, template: str) -> list[Problem]:
    """Every fault of the template's locks; none means that they follow and are complete."""
    try:
        recipe = find_recipe(catalog, template)
        environment = read_environment_file(recipe)
    except ProblemError as error:
        return [error.problem]
    return [problem for variant in recipe.variants for problem in _of_variant(recipe, environment, variant)]


def _of_variant(recipe: Recipe, environment: EnvironmentFile, variant: VariantRecipe) -> Iterator[Problem]:
    path = lock_path(recipe.folder, variant.name)
    try:
        target = target_of(recipe, variant)
        read_lock(load_variant(recipe, variant), target.name)  # its form, its hash, a size for each file
        sidecar = read_sidecar(sidecar_path(recipe.folder, variant.name))
        audit = _Audit(path=path, template=recipe.name, lock=_parsed(path), sidecar=sidecar)
    except ProblemError as error:
        yield error.problem
        return
    yield from audit.follows(inputs_sha256(environment, variant), target.name)
    yield from audit.satisfies(environment, variant)
    yield from audit.is_closed()
    yield from audit.is_neutral(variant)
    yield from audit.has_just_these_sizes()


def _parsed(path: Path) -> Any:
    try:
        return parse(path)
    except (ValueError, KeyError, TypeError) as error:
        found = " ".join(str(error).split())
        raise Place(file=path).wrong(needed="what conda-lock reads", found=found, code="lock_invalid") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Audit:
    """`lock` is conda-lock's own value of the file."""

    path: Path
    template: str
    lock: Any
    sidecar: Sidecar

    def follows(self, inputs: str, platform: str) -> Iterator[Problem]:
        """From these inputs, by the hash that was recorded when it was made."""
        metadata = self.lock.metadata
        recorded = {self.sidecar.inputs_sha256, metadata.content_hash.get(platform)}
        if recorded != {inputs}:
            yield self._stale(
                "", needed="a lock of environment.yml and template.toml as they are", found="an older one"
            )
        if metadata.platforms != [platform]:
            yield self._stale("metadata.platforms", needed=platform, found=", ".join(metadata.platforms))

    def satisfies(self, environment: EnvironmentFile, variant: VariantRecipe) -> Iterator[Problem]:
        """Every bound that people wrote."""
        conda, pip = self._versions("conda"), self._versions("pip")
        for spec in environment.conda:
            name = spec.split()[0].split("=")[0]
            if name not in conda or not MatchSpec(spec).matches(self._records()[name]):
                yield self._stale(f"conda package {name}", needed=spec, found=conda.get(name, "none"))
        for text in (*environment.pip, *variant.pins):
            requirement = Requirement(text)
            name = canonicalize_name(requirement.name)
            if name not in pip or not requirement.specifier.contains(pip[name], prereleases=True):
                yield self._stale(f"wheel {name}", needed=text, found=pip.get(name, "none"))
        for package in self.lock.package:
            name, version = package.name, package.version
            if package.manager == "conda" and "python" in package.dependencies and pip.get(name, version) != version:
                needed = f"{version}, the version that conda brings"
                yield self._invalid(f"wheel {name}", needed=needed, found=pip[name])

    def is_closed(self) -> Iterator[Problem]:
        """Whatever a locked package needs is locked, in a version that it takes."""
        pip, records = self._versions("pip"), self._records()
        for package in self.lock.package:
            for name, spec in package.dependencies.items():
                needed = f"{name} {spec}, which {package.name} needs".replace(" ,", ",")
                if package.manager == "pip":
                    met = name in pip and SpecifierSet(spec).contains(pip[name], prereleases=True)
                else:
                    met = name.startswith("__") or (
                        name in records and MatchSpec(f"{name} {spec}").matches(records[name])
                    )
                if not met:
                    found = self._versions(package.manager).get(name, "none")
                    yield self._invalid(f"{package.manager} package {name}", needed=needed, found=found)

    def is_neutral(self, variant: VariantRecipe) -> Iterator[Problem]:
        """No address names a mirror; a wheel from elsewhere is a declared one, by address and hash."""
        declared = {wheel.url: wheel.sha256 for wheel in variant.wheels}
        for package in self.lock.package:
            url = package.url
            if package.manager == "conda":
                known, needed = _CONDA_URL.fullmatch(url), f"an address under {CHANNEL_URL}"
            elif url in declared:
                known, needed = package.hash.sha256 == declared[url], f"the declared sha256 {declared[url]}"
            else:
                known = url.startswith("${RIGFIT_WHEELS}/packages/") and INDEX_PATH.search(url)
                needed = "an address of the form ${RIGFIT_WHEELS}/packages/AA/BB/HASH/FILE.whl"
            if not known:
                yield self._invalid(f"{package.manager} package {package.name}", needed=needed, found=url)

    def has_just_these_sizes(self) -> Iterator[Problem]:
        locked = {file_name(package.url) for package in self.lock.package}
        for name in sorted(self.sidecar.sizes.keys() - locked):
            yield self._invalid(
                f"sizes[{name}]", needed="sizes of locked files only", found="a file that is not locked"
            )
        if self.sidecar.versions != self._versions("pip"):
            yield self._invalid("versions", needed="the versions of the wheels in the lock", found="others")
        if self.sidecar.python != self._versions("conda").get("python"):
            yield self._invalid("python", needed="the version of python in the lock", found=self.sidecar.python)

    def _versions(self, manager: str) -> Mapping[str, str]:
        return {package.name: package.version for package in self.lock.package if package.manager == manager}

    def _records(self) -> Mapping[str, PackageRecord]:
        return {package.name: _record(package) for package in self.lock.package if package.manager == "conda"}

    def _stale(self, key: str, *, needed: str, found: str) -> Problem:
        return self._problem(key, needed=needed, found=found, code="lock_stale")

    def _invalid(self, key: str, *, needed: str, found: str) -> Problem:
        return self._problem(key, needed=needed, found=found, code="lock_invalid")

    def _problem(self, key: str, *, needed: str, found: str, code: str) -> Problem:
        place = Place(file=self.path, key=key)
        return place.wrong(needed=needed, found=found, code=code, fix=(f"rigfit lock {self.template}",)).problem


def _record(package: Any) -> PackageRecord:
    build = file_name(package.url).removesuffix(".conda").removesuffix(".tar.bz2").rsplit("-", 1)[-1]
    return PackageRecord(
        name=package.name,
        version=package.version,
        build=BuildString(build),
        build_number=0,
        subdir=package.platform,
    )
