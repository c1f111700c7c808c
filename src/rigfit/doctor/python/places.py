"""Libraries that are not where, or what, they seem to be: hidden, twice there, half there, or another Python's."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import parse_tag
from packaging.version import InvalidVersion
from packaging.version import Version as PackageVersion

from rigfit.core.finding import Finding
from rigfit.core.words import say
from rigfit.doctor.python.case import Case, public
from rigfit.doctor.python.pairs import broken
from rigfit.doctor.python.shelf import MODULES, STACK, Copy, Module

Told = tuple[str, Finding]  # the package that a finding is about, and the finding


def hidden_modules(case: Case) -> Iterator[Told]:
    """A file or a checkout where Python is started, or in PYTHONPATH, that an import takes instead of the library."""
    for package, name in MODULES.items():
        found = case.shelf.modules.get(name, ())
        first, behind = (found[0], found[1:]) if found else (None, ())
        copies = case.shelf.copies.get(package, ())
        if first is None or not copies or _kind(case, first.folder) not in ("here", "pythonpath"):
            continue
        if any(_is_of(copy, first) for copy in copies):
            continue
        yield package, _hidden(case, package, first, behind)


def _is_of(copy: Copy, module: Module) -> bool:
    """Whether the module is that distribution's own: installed beside its metadata, or the checkout that it stands for."""
    return copy.folder == module.folder or (copy.editable is not None and module.file.is_relative_to(copy.editable))


def _hidden(case: Case, package: str, first: Module, behind: tuple[Module, ...]) -> Finding:
    here = _kind(case, first.folder) == "here"
    because = [say("`import {name}` takes {place}", name=first.name, place=first.file)]
    because += [say("the installed one is {place}", place=module.file) for module in behind[:1]]
    return Finding(
        code="hidden_library",
        severity="error",
        what=say("{place} hides the library {package}", place=first.file, package=package),
        because=tuple(because),
        fix=_out_of_the_way(first) if here else _without_pythonpath(case, first.folder),
        source="https://docs.python.org/3/tutorial/modules.html#the-module-search-path",
    )


def _out_of_the_way(first: Module) -> tuple[str, ...]:
    """A file can have another name; a checkout is better left as it is."""
    if first.file.is_dir():
        away = shlex.quote(str(first.folder.parent))
        return f"cd {away}", say("or rename {folder}, if it is no checkout", folder=first.file)
    other = first.file.with_name(f"my_{first.file.name}")
    move = f"mv {shlex.quote(str(first.file))} {shlex.quote(str(other))}"
    return move, say("or start Python from another folder than {folder}", folder=first.folder)


def _without_pythonpath(case: Case, folder: Path) -> tuple[str, ...]:
    rest = [part for part in case.look.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    kept = [part for part in rest if Path(os.path.normpath(case.look.folder / part)) != folder]
    return (f"export PYTHONPATH={shlex.quote(os.pathsep.join(kept))}" if kept else "unset PYTHONPATH",)


def hidden_standard_modules(case: Case) -> Iterator[Finding]:
    """A random.py beside a script is the classic."""
    folders = [folder for folder in case.look.path if _kind(case, folder) in ("here", "pythonpath")]
    standard = _standard(case)
    for folder in folders:
        files = sorted(file for file in folder.glob("*.py") if file.stem in standard)
        for file in files if _before_stdlib(case, folder) else ():
            yield Finding(
                code="hidden_standard_module",
                severity="warning",
                what=say("{file} hides a module of Python itself", file=file),
                because=(say("`import {name}` takes {place}", name=file.stem, place=file),),
                fix=_out_of_the_way(Module(name=file.stem, folder=folder, file=file)),
                source="https://docs.python.org/3/tutorial/modules.html#the-module-search-path",
            )


def _standard(case: Case) -> frozenset[str]:
    """The modules that this Python has in a file, and has not loaded before it looks in other folders."""
    own = case.look.stdlib
    packages = {file.parent.name for file in own.glob("*/__init__.py")}
    modules = {file.name.partition(".")[0] for place in ("*.py", "lib-dynload/*.so") for file in own.glob(place)}
    return frozenset(packages | modules) - case.look.started - {"__init__"}


def _before_stdlib(case: Case, folder: Path) -> bool:
    path = case.look.path
    return case.look.stdlib in path and path.index(folder) < path.index(case.look.stdlib)


def _kind(case: Case, folder: Path) -> str:
    """Why a folder is on the path: `here`, `pythonpath`, `user`, or `own` for everything else."""
    told = [part for part in case.look.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    if folder == case.look.user_site:
        return "user"
    if folder in [Path(os.path.normpath(case.look.folder / part)) for part in told]:
        return "pythonpath"
    return "here" if folder == Path(os.path.normpath(case.look.folder)) else "own"


def copies(case: Case) -> Iterator[Told]:
    """Only where the one in front comes from outside of the environment, or both lie in one folder."""
    for package in MODULES:
        found = case.shelf.copies.get(package, ())
        if len(found) < 2:
            continue
        first, others = found[0], [copy for copy in found[1:] if _kind(case, copy.folder) == "own"]
        beside = tuple(copy for copy in found if copy.folder == first.folder)
        if len({public(copy.version or "") for copy in beside}) > 1:
            yield package, _two_in_one_folder(case, package, beside)
        elif others and _kind(case, first.folder) in ("user", "pythonpath", "here") and not first.editable:
            yield package, _two_on_the_path(case, package, first, others[0])


def _two_in_one_folder(case: Case, package: str, found: tuple[Copy, ...]) -> Finding:
    module = case.shelf.module(MODULES[package])
    version = (module.version if module else None) or max((copy.version or "" for copy in found), key=_age)
    told = [_as_evidence(copy) for copy in found]
    if module and module.version:
        told.append(say("the files themselves are {version}: {place}", version=module.version, place=module.file))
    stale = [copy.info for copy in found if public(copy.version or "") != public(version)]
    remove = " ".join(shlex.quote(str(info)) for info in stale)
    again = case.install(f"{package}=={public(version)}", afresh=True)
    return Finding(
        code="two_copies",
        severity="error",
        what=say("two versions of {package} are installed over each other", package=package),
        because=tuple(told),
        fix=(f"rm -r {remove} && {again}" if stale else again,),
        source="https://packaging.python.org/en/latest/specifications/recording-installed-packages/",
    )


def _age(version: str) -> PackageVersion:
    """What is no version is older than all."""
    try:
        return PackageVersion(version)
    except InvalidVersion:
        return PackageVersion("0.dev0")


def _two_on_the_path(case: Case, package: str, first: Copy, other: Copy) -> Finding:
    same = first.version == other.version
    by_user = _kind(case, first.folder) == "user"
    without = ("export PYTHONNOUSERSITE=1",) if by_user else _without_pythonpath(case, first.folder)
    remove = (f"{case.python} -m pip uninstall -y {package}",) if by_user and case.tools.pip else ()
    return Finding(
        code="two_copies",
        severity="note" if same else "error" if _is_worse(case, package, other) else "warning",
        what=say("{package} is there twice, and the one outside of this environment is taken", package=package),
        because=(_as_evidence(first), _as_evidence(other)),
        fix=(*without, *remove),
        source="https://docs.python.org/3/using/cmdline.html#envvar-PYTHONNOUSERSITE" if by_user else "",
    )


def _as_evidence(copy: Copy) -> str:
    by = say(", installed by {installer}", installer=copy.installer) if copy.installer else ""
    version = copy.version or say("of unknown version")
    return say("{package} {version}: {place}{by}", package=copy.name, version=version, place=copy.info, by=by)


def _is_worse(case: Case, package: str, other: Copy) -> bool:
    """Whether what is taken breaks a bound that the hidden one would keep."""
    swapped = {**case.installed.versions, package: public(other.version or "")}
    with_the_other = replace(case.installed, versions=swapped)
    return len(broken(case.installed, case.facts)) > len(broken(with_the_other, case.facts))


def missing_metadata(case: Case) -> Iterator[Told]:
    """The module is there, its metadata is not: libraries that ask for the version take it for not installed."""
    for package in STACK:
        module, copy = case.shelf.module(package), case.shelf.copy(package)
        if module is None or (copy is not None and copy.version is not None):
            continue
        place = copy.info if copy else module.folder / f"{package}-*.dist-info"
        version = module.version
        yield (
            package,
            Finding(
                code="metadata_missing",
                severity="error",
                what=say("{package} has no metadata, so other libraries take it for not installed", package=package),
                because=(
                    say("the library is there: {place}", place=module.file),
                    say("what installers write beside it is not: {place}", place=place),
                ),
                fix=(case.install(f"{package}=={public(version)}" if version else package, afresh=True),),
                source="https://github.com/huggingface/transformers/issues/25210",
            ),
        )


def half_installed(case: Case) -> Iterator[Told]:
    """The metadata tells of another version than the files: an installation that was cut off, or copied by hand."""
    for package in STACK:
        module, copy = case.shelf.module(package), case.shelf.copy(package)
        if not module or not copy or not copy.version or not module.version or copy.folder != module.folder:
            continue
        if public(copy.version) == public(module.version):
            continue
        known = copy.version if case.installed.version(package) else module.version
        yield (
            package,
            Finding(
                code="half_installed",
                severity="error",
                what=say("the files of {package} are not of the version that its metadata tells", package=package),
                because=(
                    _as_evidence(copy),
                    say("the files themselves are {version}: {place}", version=module.version, place=module.file),
                ),
                fix=(case.install(f"{package}=={public(known)}", afresh=True),),
            ),
        )


def other_pythons(case: Case) -> Iterator[Told]:
    """Wheels for another Python than this, and libraries that refuse this one."""
    for package in MODULES:
        copy = case.shelf.copy(package)
        if copy is None:
            continue
        if copy.tags and not any(_runs(tag, case) for tag in copy.tags):
            yield package, _for_another_python(case, copy, say("its wheel is for {tags}", tags=", ".join(copy.tags)))
        elif not _allows(copy.requires_python, case.look.version):
            needs = say("it needs Python {needs}", needs=copy.requires_python)
            yield package, _for_another_python(case, copy, needs)


def _runs(tag: str, case: Case) -> bool:
    """Whether a wheel of that tag runs on a Python of this line; its platform is another question."""
    major, minor = case.look.line
    try:
        tags = parse_tag(tag)
    except ValueError:
        return True
    for each in tags:
        made_for = re.fullmatch(r"cp(\d)(\d+)", each.interpreter)
        if made_for is None or each.interpreter == f"cp{major}{minor}":
            return True
        if each.abi == "abi3" and int(made_for[1]) == major and int(made_for[2]) <= minor:
            return True
    return False


def _allows(needed: str, version: str) -> bool:
    try:
        return SpecifierSet(needed).contains(version, prereleases=True)
    except InvalidSpecifier:
        return True


def _for_another_python(case: Case, copy: Copy, why: str) -> Finding:
    return Finding(
        code="other_python",
        severity="error",
        what=say("{package} was not made for Python {version}", package=copy.name, version=case.look.version),
        because=(_as_evidence(copy), why),
        fix=case.ways(),
        source="https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/",
    )
