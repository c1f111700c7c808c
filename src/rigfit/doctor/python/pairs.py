"""Versions that do not go together: by the facts, and by what the libraries themselves declare."""

from __future__ import annotations

from collections.abc import Iterator

from rigfit.core.fact import Bound, Facts
from rigfit.core.finding import Finding, Severity
from rigfit.core.installed import Installed
from rigfit.core.words import joined, say
from rigfit.doctor.python.case import Case
from rigfit.doctor.python.declared import Unmet, unmet_of
from rigfit.doctor.python.shelf import MODULES, STACK, Copy


def broken(installed: Installed, facts: Facts) -> tuple[Bound, ...]:
    """Every bound that these versions do not keep. What is absent breaks only what must import it."""
    here = ((name, installed.version(name)) for name in installed.versions)
    versions = {name: version for name, version in here if version is not None}
    return tuple(bound for bound in facts.bounds if bound.concerns(versions) and not _is_kept(bound, installed))


def _is_kept(bound: Bound, installed: Installed) -> bool:
    version = installed.version(bound.needs)
    if version is not None:
        return bound.allows(version)
    undeclared = bound.to == "import" and bound.needs not in STACK and installed.is_absent(bound.needs)
    return not undeclared


def pairs(case: Case) -> Iterator[tuple[Bound, Finding]]:
    """One for each pair of libraries, for the worst that comes of it."""
    worst = ("import", "use", "check", "int8", "seq2seq")
    told: set[tuple[str, str]] = set()
    for bound in sorted(broken(case.installed, case.facts), key=lambda bound: worst.index(bound.to)):
        if (bound.package, bound.needs) not in told:
            told.add((bound.package, bound.needs))
            yield bound, _pair(case, bound)


def _pair(case: Case, bound: Bound) -> Finding:
    own, other = case.installed.versions[bound.package], case.installed.versions[bound.needs]
    because = say("{package} {version}: {why}", package=bound.package, version=own, why=bound.why)
    return Finding(
        code=f"incompatible_{bound.to}",
        severity=_severity(bound),
        what=_what(bound, own, other),
        because=(
            because,
            say("needed: {needed}; found: {found}", needed=bound.needed, found=_found(bound.needs, other)),
            *_places(case, bound.package, bound.needs),
        ),
        fix=case.ways(case.change),
        source=bound.source,
    )


def _severity(bound: Bound) -> Severity:
    """What keeps out nothing but adapters that transformers itself loads, or T5, is not in the way of most people."""
    return "warning" if bound.to == "seq2seq" or (bound.to == "check" and bound.needs == "peft") else "error"


def _what(bound: Bound, own: str | None, other: str | None) -> str:
    package, needs = f"{bound.package} {own}", _found(bound.needs, other)
    match bound.to:
        case "import":
            return say("{package} does not import with {needs}", package=package, needs=needs)
        case "use":
            return say("{package} does not work with {needs}", package=package, needs=needs)
        case "check":
            return say("{package} refuses {needs}", package=package, needs=needs)
        case "int8":
            return say("{package} does not train in 8 bits with {needs}", package=package, needs=needs)
        case "seq2seq":
            return say(
                "{package} does not train encoder-decoder models such as T5 with {needs}", package=package, needs=needs
            )


def _found(name: str, version: str | None) -> str:
    return say("no {package}", package=name) if version is None else f"{name} {version}"


def _places(case: Case, *packages: str) -> Iterator[str]:
    for copy in filter(None, map(case.shelf.copy, packages)):
        yield say("{package} {version}: {place}", package=copy.name, version=copy.version, place=copy.info)


def declared(case: Case, told: frozenset[tuple[str, str]], missing: frozenset[str]) -> Iterator[tuple[str, Finding]]:
    """What the stack and its direct needs declare, and is not so, beside the pairs and the `missing` that were `told`."""
    for name in MODULES:
        copy = case.shelf.copy(name)
        if copy is None:
            continue
        every = unmet_of(copy, case.look, case.shelf)
        unmet = [each for each in every if (name, each.name) not in told and each.name not in missing]
        if unmet:
            yield name, _declared(case, copy, unmet)


def _declared(case: Case, copy: Copy, unmet: list[Unmet]) -> Finding:
    package, names = f"{copy.name} {copy.version}", joined(", ", (each.name for each in unmet))
    missing = all(each.found is None for each in unmet)
    return Finding(
        code="requirement_unmet",
        severity=min((each.severity for each in unmet), key=("error", "warning").index),
        what=say("{package} lacks what it needs: {names}", package=package, names=names)
        if missing
        else say("{package} needs other versions of {names}", package=package, names=names),
        because=tuple(
            say("needed: {needed}; found: {found}", needed=str(each.needs), found=_found(each.name, each.found))
            for each in unmet
        ),
        fix=case.ways(case.change),
        source=str(copy.info / "METADATA"),
    )


def absent(case: Case, known: frozenset[str]) -> tuple[str, ...]:
    """Of the stack; `known` is what was told to be there in some broken way."""
    there = {name for name in STACK if case.shelf.copy(name) or case.shelf.module(name)}
    return tuple(name for name in STACK if name not in there | known)


def not_there(case: Case, missing: tuple[str, ...]) -> Finding:
    if set(missing) == set(STACK):
        return _nothing_there(case)
    return Finding(
        code="not_installed",
        severity="error",
        what=say("8-bit LoRA also needs {names}, which this Python does not have", names=", ".join(missing)),
        because=(say("looked through: {folders}", folders=_folders(case)),),
        fix=case.ways(case.change or case.install(*missing)),
    )


def _nothing_there(case: Case) -> Finding:
    return Finding(
        code="no_libraries",
        severity="error",
        what=say("this Python has none of the libraries of 8-bit LoRA"),
        because=(
            say("{names} were looked for in {folders}", names=", ".join(STACK), folders=_folders(case)),
            say("libraries that were installed with another Python are not seen by this one"),
        ),
        fix=(*case.ways(), say("or name the Python that they were installed with")),
    )


def _folders(case: Case) -> str:
    own = (folder for folder in case.look.path if folder.name in ("site-packages", "dist-packages"))
    return ", ".join(map(str, own)) or str(case.look.prefix)
