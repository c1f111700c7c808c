"""The smallest change of versions after which the libraries go together, as a line for pip or uv."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from itertools import chain

from packaging.version import Version as PackageVersion

from rigfit.core.fact import Facts
from rigfit.core.installed import Installed
from rigfit.core.machine import Machine
from rigfit.core.nearest.conflicts import of_bounds, of_declared
from rigfit.core.nearest.gpus import Rig
from rigfit.core.nearest.options import WEIGHTS, options_of
from rigfit.core.nearest.search import cheapest
from rigfit.core.release import Release


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`found` is None where the package is not there; `to` is an exact version."""

    package: str
    found: str | None
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """Empty where nothing need change."""

    changes: tuple[Change, ...]

    def line(self, python: str | None, *, pip: bool) -> str:
        """For the interpreter `python`, or the one whose pip is first on the PATH; `pip` is false for uv."""
        pins = " ".join(f"'{change.package}=={change.to}'" for change in self.changes)
        where = None if python is None else shlex.quote(python)
        if pip:
            return f"pip install {pins}" if where is None else f"{where} -m pip install {pins}"
        return f"uv pip install {pins}" if where is None else f"uv pip install --python {where} {pins}"


def nearest(
    installed: Installed, facts: Facts, releases: tuple[Release, ...], *, machine: Machine | None = None
) -> Nearest | None:
    """None where no change of libraries helps.

    Packages that were not looked for are left out of it; of those that LoRA in 8 bits cannot do without, one that is
    not there is put in. With the GPUs of a `machine`, bitsandbytes must do 8 bits on each of them.
    """
    names = {row.package for row in releases} | {
        name for bound in facts.bounds for name in (bound.package, bound.needs)
    }
    options = options_of(installed, releases, names)
    rig = Rig(installed=installed, facts=facts, machine=machine)
    conflicts = chain(of_bounds(options, facts.bounds), of_declared(options, releases), rig.conflicts(options))
    found = cheapest(options, conflicts)
    if found is None:
        return None
    order = sorted(found, key=lambda name: (list(WEIGHTS).index(name) if name in WEIGHTS else len(WEIGHTS), name))
    changes = (_change(installed, name, options[name].versions[found[name]]) for name in order)
    return Nearest(changes=tuple(change for change in changes if change is not None))


def _change(installed: Installed, package: str, to: PackageVersion | None) -> Change | None:
    """None where it stays as it is."""
    now = installed.version(package)
    if to is None or (now is not None and now.public == str(to)):
        return None
    return Change(package=package, found=installed.versions[package], to=str(to))
