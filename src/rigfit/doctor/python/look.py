"""One question to an interpreter, as its user starts it: which version it is, and where it looks for libraries."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rigfit.core.cancel import Cancel
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import say
from rigfit.process.child import Command
from rigfit.process.interpreter import NoPythonError, answer_of, meant, not_python, place_of

_LIMIT = 20.0  # seconds
_OLDEST = "3.6"
_MARK = "rigfit looks: "  # what a .pth file or a sitecustomize prints comes before
# The folder that it is started in is taken off its path before anything is imported: a json.py may be there.
_ASK = """
import sys
path, started = [each for each in sys.path if isinstance(each, str)], sorted(set(name.partition(".")[0] for name in sys.modules))
sys.path[:] = [each for each in sys.path if each]
import json, os, site
info, system = sys.version_info, os.uname()
release = "%d.%d.%d" % info[:3]
kind = sys.implementation.name
print("\\n" + {mark!r} + json.dumps(dict(
    version=release, executable=sys.executable, prefix=sys.prefix, base_prefix=sys.base_prefix, path=path,
    stdlib=os.path.dirname(os.__file__), user_site=site.getusersitepackages(), user_site_on=bool(site.ENABLE_USER_SITE),
    started=started,
    markers=dict(
        implementation_name=kind, implementation_version=release, os_name=os.name, sys_platform=sys.platform,
        platform_python_implementation=dict(cpython="CPython", pypy="PyPy").get(kind, kind),
        platform_machine=system.machine, platform_release=system.release, platform_system=system.sysname,
        platform_version=system.version, python_full_version=release, python_version="%d.%d" % info[:2]))))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`python` is the interpreter as it was named, `folder` where it was started, `path` where it looks, in order.

    `user_site` is None where it does not look there. `stdlib` is where its own modules are, `started` those that were
    loaded before it looks in that folder. `markers` are the values of PEP 508.
    """

    python: Path
    folder: Path
    environ: Mapping[str, str]
    version: str
    prefix: Path
    base_prefix: Path
    path: tuple[Path, ...]
    stdlib: Path
    user_site: Path | None
    started: frozenset[str]
    markers: Mapping[str, str]

    @property
    def line(self) -> tuple[int, int]:
        """`(3, 11)`."""
        major, minor = self.version.split(".")[:2]
        return int(major), int(minor)

    @property
    def is_managed(self) -> bool:
        """Whether somebody else, often the operating system, lets no installer touch it (PEP 668)."""
        return self.prefix == self.base_prefix and (self.stdlib / "EXTERNALLY-MANAGED").is_file()


def look_at(named: Path, folder: Path, environ: Mapping[str, str], cancel: Cancel | None = None) -> Look:
    """Of an interpreter, the folder of an environment, or the kernel.json of a Jupyter kernel, or its folder.

    Raises ProblemError `python_invalid`.
    """
    spec = _spec(named)
    python, around = _kernel(spec, environ) if spec else (place_of(named, environ.get("PATH")), environ)
    command = Command(
        argv=[str(python), "-B", "-c", _ASK.format(mark=_MARK)], env=around, cwd=str(folder), limit=_LIMIT
    )
    try:
        return _look(python, folder, around, _told(answer_of(python, command, cancel)))
    except NoPythonError as error:
        raise ProblemError(_invalid(python, error) if spec is None else _astray(spec, python, error)) from None


def _spec(named: Path) -> Path | None:
    """The kernel.json that is meant: `jupyter kernelspec list` tells the folder that it is in."""
    place = named.expanduser()
    if place.name == "kernel.json":
        return place
    within = place / "kernel.json"
    return within if os.path.isfile(within) else None  # noqa: PTH113 - Path.is_file raises where we may not look


def _told(out: str) -> dict[str, Any]:
    line = next((line for line in reversed(out.splitlines()) if line.startswith(_MARK)), None)
    if line is None:
        raise not_python(out, 0)
    told: dict[str, Any] = json.loads(line[len(_MARK) :])
    return told


def _look(python: Path, folder: Path, environ: Mapping[str, str], told: dict[str, Any]) -> Look:
    places = (folder / each for each in told["path"])
    return Look(
        python=python,
        folder=folder,
        environ=environ,
        version=told["version"],
        prefix=Path(told["prefix"]),
        base_prefix=Path(told["base_prefix"]),
        path=tuple(dict.fromkeys(Path(os.path.normpath(place)) for place in places)),
        stdlib=Path(told["stdlib"]),
        user_site=Path(told["user_site"]) if told["user_site_on"] else None,
        started=frozenset(told["started"]),
        markers=told["markers"],
    )


def _kernel(named: Path, environ: Mapping[str, str]) -> tuple[Path, Mapping[str, str]]:
    """The interpreter of a Jupyter kernel, and the variables that it is started with."""
    try:
        spec = json.loads(named.read_text(encoding="utf-8"))
        program, added = str(spec["argv"][0]), {str(key): str(value) for key, value in spec.get("env", {}).items()}
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        raise ProblemError(_invalid(named, NoPythonError(say("no kernel.json that names a program")))) from None
    if "\0" in program:
        raise ProblemError(_invalid(named, NoPythonError(say("no kernel.json that names a program"))))
    return kernel_python(named, program, environ), {**environ, **added}


def kernel_python(spec: Path, program: str, environ: Mapping[str, str]) -> Path:
    """A bare name is the interpreter beside which the kernel was installed, or else the one on the PATH."""
    if os.sep in program:
        return Path(program)
    beside = spec.absolute().parents[4] / "bin" / program if len(spec.absolute().parents) > 4 else spec
    return beside if beside.is_file() else Path(shutil.which(program, path=environ.get("PATH")) or program)


def _invalid(python: Path, error: NoPythonError) -> Problem:
    another = say("name the interpreter of the environment: `--python ENV/bin/python`, or its folder")
    return Problem(
        code="python_invalid",
        what=say("{python} cannot be looked at", python=python),
        fix=error.fix or meant(python) or (another,),
        detail=_detail(error),
    )


def _astray(spec: Path, python: Path, error: NoPythonError) -> Problem:
    """The libraries may be sound: it is the kernel that leads nowhere."""
    again = say(
        "make the kernel anew, from the environment that it is meant for: `{line}`",
        line=f"ENV/bin/python -m ipykernel install --user --name {shlex.quote(spec.absolute().parent.name)}",
    )
    return Problem(
        code="python_invalid",
        what=say(
            "the Jupyter kernel is at fault: {spec} starts {python}, which is no Python", spec=spec, python=python
        ),
        fix=(*error.fix, again),
        detail=_detail(error),
    )


def _detail(error: NoPythonError) -> str:
    return say("needed: a Python {oldest} or later; found: {found}", oldest=_OLDEST, found=error.found)
