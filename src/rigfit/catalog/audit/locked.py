"""A lock against what people wrote: does it follow, is it complete, does it name no mirror?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from rattler import BuildString, MatchSpec, PackageRecord

from rigfit.catalog.glibc import Minimum, least_glibc, oldest_glibc
from rigfit.catalog.inputs import ENVIRONMENT_FILE, EnvironmentFile, inputs_sha256
from rigfit.catalog.load import load_variant
from rigfit.catalog.locks import CHANNEL_URL, INDEX_PATH, Entry, LockFile, read_lock, read_lock_file
from rigfit.catalog.recipe import Recipe, VariantRecipe
from rigfit.catalog.sidecar import Part, Sidecar, read_sidecar, sidecar_path
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.version import Version
from rigfit.core.words import say

_CONDA_GLIBC = re.compile(r">=([\d.]+)")


def faults_of_locks(recipe: Recipe, environment: EnvironmentFile, written: VariantRecipe) -> Iterator[Problem]:
    """The faults of one variant; what cannot be read is the only fault of its file or platform."""
    try:
        variant = load_variant(recipe, written)
        sidecar = read_sidecar(sidecar_path(recipe.folder, written.name))
        file = read_lock_file(Path(variant.lock_path), template=recipe.name)
    except ProblemError as error:
        yield error.problem
        return
    yield from _follows(file, written, sidecar, inputs_sha256(environment, written))
    for platform in variant.platforms:
        try:
            read_lock(variant, platform)  # its form, its hash, a size for each file
            entries = file.entries(platform)
        except ProblemError as error:
            yield error.problem
            continue
        audit = _Audit(file=file, platform=platform, entries=entries, part=sidecar.parts[platform])
        yield from audit.satisfies(environment, written)
        yield from audit.is_closed()
        yield from audit.is_neutral(written)
        yield from audit.has_just_these_sizes()
        yield from audit.has_its_own_pip(recipe)
        yield from audit.has_this_glibc()


def _follows(file: LockFile, written: VariantRecipe, sidecar: Sidecar, inputs: str) -> Iterator[Problem]:
    """From these inputs, by the hash that was recorded when it was made, and for these platforms."""
    wanted, metadata = sorted(written.platforms), file.metadata
    if sidecar.inputs_sha256 != inputs or metadata.get("content_hash") != dict.fromkeys(wanted, inputs):
        needed = say("a lock of environment.yml and template.toml as they are")
        found = say("an older one")
        yield file.wrong("metadata.content_hash", needed=needed, found=found, code="lock_stale").problem
    packages = {row.get("platform") for row in file.packages if isinstance(row, dict)}
    places = (("metadata.platforms", metadata.get("platforms")), ("package", packages), ("sizes", sidecar.parts))
    for key, named in places:
        there = sorted(map(str, named or ()))
        if there != wanted:
            needed = say("the platforms of template.toml, {platforms}", platforms=", ".join(wanted))
            yield file.wrong(key, needed=needed, found=", ".join(there) or say("none"), code="lock_stale").problem


@dataclass(frozen=True, slots=True, kw_only=True)
class _Audit:
    """One platform of a lock."""

    file: LockFile
    platform: str
    entries: tuple[Entry, ...]
    part: Part

    def satisfies(self, environment: EnvironmentFile, variant: VariantRecipe) -> Iterator[Problem]:
        """Every bound that people wrote."""
        conda, pip, records = self._versions("conda"), self._versions("pip"), self._records()
        for spec in environment.conda:
            name = re.split(r"[\s=<>!~]", spec, maxsplit=1)[0]
            if name not in conda or not MatchSpec(spec).matches(records[name]):
                yield self._stale(f"conda package {name}", needed=spec, found=conda.get(name, say("none")))
        for text in (*environment.pip, *variant.pins):
            requirement = Requirement(text)
            name = canonicalize_name(requirement.name)
            if name not in pip or not requirement.specifier.contains(pip[name], prereleases=True):
                yield self._stale(f"wheel {name}", needed=text, found=pip.get(name, say("none")))
        for entry in self.entries:
            name, version = entry.name, entry.version
            if entry.manager == "conda" and "python" in entry.dependencies and pip.get(name, version) != version:
                needed = say("{version}, the version that conda brings", version=version)
                yield self._invalid(f"wheel {name}", needed=needed, found=pip[name])

    def is_closed(self) -> Iterator[Problem]:
        """Whatever a locked package needs is locked, in a version that it takes."""
        pip, records = self._versions("pip"), self._records()
        for entry in self.entries:
            for name, spec in entry.dependencies.items():
                wanted = f"{name} {spec}".replace(" ,", ",").strip()
                needed = say("{wanted}, which {package} needs", wanted=wanted, package=entry.name)
                if entry.manager == "pip":
                    met = name in pip and SpecifierSet(spec).contains(pip[name], prereleases=True)
                else:
                    met = name.startswith("__") or (
                        name in records and MatchSpec(f"{name} {spec}").matches(records[name])
                    )
                if not met:
                    found = self._versions(entry.manager).get(name, say("none"))
                    yield self._invalid(f"{entry.manager} package {name}", needed=needed, found=found)

    def is_neutral(self, variant: VariantRecipe) -> Iterator[Problem]:
        """No address names a mirror; a wheel from elsewhere is a declared one, by address and hash."""
        declared = {wheel.url: wheel.sha256 for wheel in variant.wheels}
        folder = re.compile(re.escape(CHANNEL_URL) + rf"/({self.platform}|noarch)/[^/\s]+(\.conda|\.tar\.bz2)")
        for entry in self.entries:
            if entry.manager == "conda":
                known = bool(folder.fullmatch(entry.url))
                needed = say("an address under {url}", url=CHANNEL_URL)
            elif entry.url in declared:
                known = entry.sha256 == declared[entry.url]
                needed = say("the declared sha256 {sha256}", sha256=declared[entry.url])
            else:
                known = entry.url.startswith("${RIGFIT_WHEELS}/packages/") and bool(INDEX_PATH.search(entry.url))
                needed = say("an address of the form ${{RIGFIT_WHEELS}}/packages/AA/BB/HASH/FILE.whl")
            if not known:
                yield self._invalid(f"{entry.manager} package {entry.name}", needed=needed, found=entry.url)

    def has_just_these_sizes(self) -> Iterator[Problem]:
        stack = self.part.stack
        for name in sorted(self.part.rows.keys() - {entry.filename for entry in self.entries}):
            found = say("a file that is not locked")
            yield self._invalid(f"sizes[{name}]", needed=say("sizes of locked files only"), found=found)
        if stack.versions != self._versions("pip"):
            needed = say("the versions of the wheels in the lock")
            yield self._invalid("versions", needed=needed, found=say("others"))
        if stack.python != self._versions("conda").get("python"):
            needed = say("the version of python in the lock")
            yield self._invalid("python", needed=needed, found=stack.python)

    def has_its_own_pip(self, recipe: Recipe) -> Iterator[Problem]:
        if "pip" not in self._versions("conda"):
            needed = say("pip, with which `conda-lock install` lays the wheels")
            problem = self._invalid("conda package pip", needed=needed, found=say("none"))
            fix = say("write `- pip` beside python in {file}", file=ENVIRONMENT_FILE)
            yield replace(problem, fix=(fix, f"rigfit lock {recipe.name}"))

    def has_this_glibc(self) -> Iterator[Problem]:
        """As sizes say it: choosing believes them without looking at a lock."""
        try:
            glibc, because = oldest_glibc(self._minimums("pip"), self._minimums("conda"))
        except InvalidWheelFilename as error:
            yield self._invalid("glibc", needed=say("the tags of each wheel in its file's name"), found=str(error))
            return
        stack = self.part.stack
        if (stack.glibc, stack.glibc_because) != (glibc, because):
            needed = say("what the locked files ask for, {glibc} because of {package}", glibc=glibc, package=because)
            found = say("{glibc} because of {package}", glibc=stack.glibc, package=stack.glibc_because)
            yield self.part.place.at("glibc").wrong(needed=needed, found=found, code="lock_invalid").problem

    def _minimums(self, manager: str) -> Iterator[Minimum]:
        for entry in self.entries:
            if entry.manager == manager:
                yield entry.name, entry.version, _glibc_of(entry)

    def _versions(self, manager: str) -> Mapping[str, str]:
        return {entry.name: entry.version for entry in self.entries if entry.manager == manager}

    def _records(self) -> Mapping[str, PackageRecord]:
        return {entry.name: _record(entry, self.platform) for entry in self.entries if entry.manager == "conda"}

    def _stale(self, key: str, *, needed: str, found: str) -> Problem:
        return self.file.wrong(f"{self.platform} {key}", needed=needed, found=found, code="lock_stale").problem

    def _invalid(self, key: str, *, needed: str, found: str) -> Problem:
        return self.file.wrong(f"{self.platform} {key}", needed=needed, found=found).problem


def _glibc_of(entry: Entry) -> Version | None:
    if entry.manager == "pip":
        return least_glibc(parse_wheel_filename(entry.filename)[3])
    said = _CONDA_GLIBC.match(entry.dependencies.get("__glibc", ""))
    return Version(said[1]) if said else None


def _record(entry: Entry, platform: str) -> PackageRecord:
    build = entry.filename.removesuffix(".conda").removesuffix(".tar.bz2").rsplit("-", 1)[-1]
    return PackageRecord(
        name=entry.name, version=entry.version, build=BuildString(build), build_number=0, subdir=platform
    )
