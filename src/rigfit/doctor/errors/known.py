"""What is known of whoever saw an error: from the text, and from the Python that is named with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rigfit.core.finding import Finding
from rigfit.core.installed import Installed
from rigfit.core.rule import FIGURES, Rule
from rigfit.core.words import Words, say
from rigfit.doctor.errors.versions import agree


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the Python at `place` has; `elsewhere` are folders of the text that are on this machine, and not that Python's.

    `against` says why the text cannot be its own; `uv` is the program that installs into it where it has no pip.
    `usual`: its torch is the build of the package index, the one that rules speak of.
    """

    installed: Installed
    place: str
    elsewhere: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    uv: str = ""
    usual: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """`told` is from the text; `seen` from the Python that somebody says it is from, None where none was named."""

    told: Installed
    seen: Seen | None = None

    @property
    def installed(self) -> Installed:
        """Of both; of the text alone where they contradict each other, for there the error was."""
        if self.seen is None or self.contradictions:
            return self.told
        there = self.seen.installed
        return Installed(
            versions={**self.told.versions, **there.versions},
            python=there.python or self.told.python,
            build=there.build or self.told.build,
            cuda=there.cuda or self.told.cuda,
        )

    @property
    def contradictions(self) -> tuple[str, ...]:
        """Each in words."""
        return tuple(_contradictions(self.told, self.seen)) if self.seen is not None else ()

    def origin(self, package: str) -> str:
        """`transformers 4.27.2, from the text`; empty for what is not known."""
        seen = self.seen if self._is_seen(package) else None
        installed = self.installed
        version = _version(installed, package)
        if package in FIGURES:
            return figure(package, version) if version else ""
        if version is not None and seen:
            return say("{library} {version}, in {place}", library=package, version=version, place=seen.place)
        if version is not None:
            return say("{library} {version}, from the text", library=package, version=version)
        if installed.is_absent(package) and seen:
            return say("{library} is not there, in {place}", library=package, place=seen.place)
        if installed.is_absent(package):
            return say("{library} is not there, from the text", library=package)
        return ""

    def _is_seen(self, package: str) -> bool:
        if self.seen is None or self.contradictions:
            return False
        return package in self.seen.installed.versions or (
            package == "python" and self.seen.installed.python is not None
        )


def figure(name: str, value: str) -> Words:
    """One of FIGURES in words; `value` is a number, or bounds."""
    if name == "gpu":
        return say("the compute capability of the GPU is {value}", value=value)
    if name == "driver-cuda":
        return say("the CUDA of the driver is {value}", value=value)
    return say("the library that is looked for is for CUDA {value}", value=value)


def against(rule: Rule, line: str, library: str, known: Known) -> str:
    """Why the Python that was named cannot have said `line`, which tells that `library` is missing, if it names one.

    Empty where it can.
    """
    if known.seen is None:
        return ""
    there, place = known.seen.installed, known.seen.place
    if library and (version := there.versions.get(library)) is not None:
        return say(
            "{library} is missing in the text, and {version} in {place}", library=library, version=version, place=place
        )
    packages = [each.package for each in rule.needs if each.judge(there) == "unmet"]
    if not rule.causes_left(known.installed) and rule.causes_left(known.told):
        packages += [each.package for cause in rule.causes for each in cause.when if each.judge(there) == "unmet"]
        packages = packages if known.seen.usual else [package for package in packages if package != "torch"]
    for package in packages:
        version = _version(there, package)
        if version is not None:
            return _not_said(line, package, version, place)
    return ""


def _not_said(line: str, package: str, version: str, place: str) -> str:
    return say(
        'the text has "{line}", which {library} {version} in {place} does not say',
        line=line,
        library=package,
        version=version,
        place=place,
    )


def _version(installed: Installed, package: str) -> str | None:
    """The version of torch with its build, as the version of its wheels has it: 2.13.0+cpu."""
    if package == "python":
        return installed.python
    version = installed.versions.get(package)
    if package != "torch" or version is None or "+" in version:
        return version
    cuda = str(installed.cuda or "").replace(".", "")
    return f"{version}+cpu" if installed.build == "cpu" else f"{version}+cu{cuda}" if cuda else version


def another_python(known: Known) -> Finding | None:
    """The text is not from the Python that was named; None where nothing says so."""
    if known.seen is None or not known.contradictions:
        return None
    return Finding(
        code="another_python",
        severity="warning",
        what=say(
            "the text comes from another Python than {place}, or that one was changed since", place=known.seen.place
        ),
        because=known.contradictions,
        fix=(say("name the one that said it: `import sys; print(sys.executable)` in that program tells which it is"),),
    )


def _contradictions(told: Installed, seen: Seen) -> Iterator[str]:
    there = seen.installed
    for name, version in told.versions.items():
        found = there.versions.get(name)
        if version is not None and there.is_absent(name):
            yield say(
                "{library} is {version} in the text, and not there in {place}",
                library=name,
                version=version,
                place=seen.place,
            )
        elif version is not None and found is not None and not agree(version, found):
            yield _differ(name, version, found, seen.place)
    if told.python and there.python and not f"{there.python}.".startswith(f"{told.python}."):
        yield _differ("Python", told.python, there.python, seen.place)
    for folder in seen.elsewhere:
        yield say("the text names {folder}, where {place} does not look", folder=folder, place=seen.place)
    yield from seen.against


def _differ(name: str, told: str, seen: str, place: str) -> str:
    return say(
        "{library} is {told} in the text, and {seen} in {place}", library=name, told=told, seen=seen, place=place
    )
