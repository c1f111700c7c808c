"""Everything that the judgements on a Python are made from: what lies there, this machine, and the facts."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion
from packaging.version import Version as PackageVersion

from rigfit.core.fact import Facts
from rigfit.core.installed import Installed
from rigfit.core.machine import DriverFault, Machine
from rigfit.core.nearest.change import nearest
from rigfit.core.release import Release
from rigfit.core.words import say
from rigfit.doctor.python.declared import unmet_of
from rigfit.doctor.python.look import Look
from rigfit.doctor.python.native import Torch
from rigfit.doctor.python.shelf import MODULES, READ, STACK, Shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """How something is installed into that Python: with its own pip, or else with the program `uv`."""

    pip: bool
    uv: str = "uv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """The command that makes an environment that fits this machine; where there is none, what to do `instead`."""

    setup: str = ""
    instead: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)  # no slots: what only a finding needs is computed then, and once
class Case:
    """`ask_fitting` says what can be set up on this machine."""

    look: Look
    shelf: Shelf
    torch: Torch | None
    installed: Installed
    machine: Machine
    facts: Facts
    tools: Tools
    read_releases: Callable[[], tuple[Release, ...]]
    ask_fitting: Callable[[], Fitting]

    @cached_property
    def releases(self) -> tuple[Release, ...]:
        return self.read_releases()

    @cached_property
    def fitting(self) -> Fitting:
        return self.ask_fitting()

    def ways(self, *steps: str) -> tuple[str, ...]:
        """What to do: those of `steps` that there are, or a proven environment; where none fits, what would help that."""
        own, setup = tuple(filter(None, steps)), self.fitting.setup
        if not setup:
            return own or self.fitting.instead
        if own:
            return *own, say("or make a proven environment: `{setup}`", setup=setup)
        return (say("make a proven environment: `{setup}`", setup=setup),)

    @property
    def python(self) -> str:
        return shlex.quote(str(self.look.python))

    @property
    def has_gpu(self) -> bool:
        """Whether there is an NVIDIA GPU, with a driver that answers or without."""
        fault = self.machine.driver
        return fault.fault != "no_device" if isinstance(fault, DriverFault) else bool(self.machine.gpus)

    @property
    def versions(self) -> Mapping[str, PackageVersion]:
        """Of what is there and has one, the Python among them."""
        found = ((name, self.installed.version(name)) for name in (*self.installed.versions, "python"))
        return {name: version for name, version in found if version is not None}

    def install(self, *pins: str, options: str = "", afresh: bool = False) -> str:
        """The line that puts `pins` in; `afresh` also where they seem to be there, and them alone."""
        wanted = " ".join(shlex.quote(pin) for pin in pins)
        if self.tools.pip:
            extra = "--force-reinstall --no-deps " if afresh else ""
            return f"{self.python} -m pip install {extra}{options}{wanted}"
        extra = "--reinstall --no-deps " if afresh else ""
        return f"{self.tools.uv} pip install --python {self.python} {extra}{options}{wanted}"

    @cached_property
    def change(self) -> str:
        """The line of the smallest change after which everything goes together, on the GPUs that are there.

        Empty where nothing of this kind helps, or nothing may be installed.
        """
        if self.look.is_managed:
            return ""
        known = self.has_gpu and self.torch is not None and self.torch.build == "cuda"
        found = nearest(self.installed, self.facts, self.releases, machine=self.machine if known else None)
        if found is None:
            return ""
        changed = {change.package: f"{change.package}=={change.to}" for change in found.changes}
        pins = (*changed.values(), *dict.fromkeys(self._further(changed)))
        return self.install(*pins) if pins else ""

    def _further(self, changed: Mapping[str, str]) -> Iterator[str]:
        """What stands further away than the facts reach, as it was declared; an installer adds what a changed one needs."""
        for name in MODULES:
            copy = self.shelf.copy(name)
            if copy is not None and name not in changed:
                unmet = (each for each in unmet_of(copy, self.look, self.shelf) if each.name not in changed)
                yield from (f"{each.needs.name}{each.needs.specifier}" for each in unmet)


def installed_on(shelf: Shelf, torch: Torch | None, python: str, names: Iterable[str] = ()) -> Installed:
    """The versions of all that lies there; a name of the stack, of what stands around it, or of `names` that does not is absent.

    Without their local part, which facts do not have.
    """
    wanted = sorted({*READ, *shelf.copies, *(canonicalize_name(name) for name in names)})
    return Installed(
        versions={name: _version(shelf, name) for name in wanted},
        python=python,
        build=torch.build if torch else None,
        cuda=torch.cuda if torch else None,
    )


def _version(shelf: Shelf, name: str) -> str | None:
    """By the metadata, or where there is none by the module itself."""
    copy, module = shelf.copy(name), shelf.module(name)
    found = copy.version if copy and copy.version else module.version if module and name in STACK else None
    return public(found) if found else None


def public(version: str) -> str:
    """`2.13.0` of `2.13.0+cpu`."""
    try:
        return PackageVersion(version).public
    except InvalidVersion:
        return version
