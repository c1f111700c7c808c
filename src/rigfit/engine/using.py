"""What it means to be inside an environment: the variables of `run` and of the shell hook."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from rigfit.core.environment import Environment
from rigfit.core.words import Words, joined, say

_FOREIGN = ("PYTHONHOME", "PYTHONPATH", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "VIRTUAL_ENV")


def activated(environment: Environment, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables for a program that shall run inside the environment."""
    changes = _changes(environment, environ)
    kept = {name: value for name, value in environ.items() if name not in _FOREIGN}
    return kept | {name: value for name, value in changes.items() if value is not None}


def hook(environment: Environment, shell: str, environ: Mapping[str, str]) -> str:
    """Shell code that activates the environment in the shell that evaluates it."""
    return "\n".join(_line(shell, name, value) for name, value in _changes(environment, environ).items())


def warning(environment: Environment) -> Words | None:
    """That its proof was given on something else than what is here now, and what proves it again."""
    if not environment.since_proof:
        return None
    changes = joined(say("; and "), (change.words for change in environment.since_proof))
    return say(
        "note: {name} was proven {changes}. `{command}` proves it again",
        name=environment.name,
        changes=changes,
        command=environment.renewal,
    )


def _changes(environment: Environment, environ: Mapping[str, str]) -> dict[str, str | None]:
    """New values; None unsets."""
    own_bin = f"{environment.prefix}/bin"
    others = [place for place in environ.get("PATH", "/usr/bin:/bin").split(":") if place != own_bin]
    kind = "CONDA_PREFIX" if environment.making and environment.making.base == "conda" else "VIRTUAL_ENV"
    own = {"PATH": ":".join([own_bin, *others]), kind: environment.prefix, "RIGFIT_ENVIRONMENT": environment.name}
    own["PYTHONNOUSERSITE"] = "1"  # the proof was without ~/.local, too
    return {name: None for name in _FOREIGN if name in environ} | own


def _line(shell: str, name: str, value: str | None) -> str:
    if shell == "fish":
        return f"set -e {name};" if value is None else f"set -gx {name} {shlex.quote(value)};"
    return f"unset {name}" if value is None else f"export {name}={shlex.quote(value)}"
