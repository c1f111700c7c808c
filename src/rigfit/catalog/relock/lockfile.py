"""The lock as a file: built, written and read back with conda-lock's own model."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rigfit.catalog.relock.index import LockedWheel
from rigfit.catalog.relock.inputs import CHANNEL, ENVIRONMENT_FILE
from rigfit.catalog.relock.solve import CondaPackage
from rigfit.catalog.relock.target import Target
from rigfit.core.problem import Problem, ProblemError

_HEAD = """\
# Written by `rigfit lock {template}` from environment.yml and the table of `{variant}` in template.toml: edit those.
# conda-lock's format, version 1. `conda-lock install`, `conda-lock render` and `micromamba create -f` take it when
# RIGFIT_WHEELS holds the address before /packages/ of a package index; every file is checked by its sha256.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """All that goes into one lock file. `needs` holds the requirements of each wheel by name."""

    template: str
    variant: str
    target: Target
    inputs_sha256: str
    conda: Sequence[CondaPackage]
    wheels: Sequence[LockedWheel]
    needs: Mapping[str, Mapping[str, str]]


def to_text(contents: Contents) -> str:
    """The file's text, proven to be what conda-lock takes. The same contents give the same text."""
    models = _models()
    metadata = {
        "content_hash": {contents.target.name: contents.inputs_sha256},
        "channels": [{"url": CHANNEL, "used_env_vars": []}],
        "platforms": [contents.target.name],
        "sources": [ENVIRONMENT_FILE],
    }
    packages = [*_conda_entries(contents), *_pip_entries(contents)]
    lockfile = models.Lockfile.model_validate({"version": 1, "metadata": metadata, "package": packages})
    body = yaml.dump(lockfile.dict_for_output(), sort_keys=False)
    return _HEAD.format(template=contents.template, variant=contents.variant) + "\n" + body


def _conda_entries(contents: Contents) -> list[dict[str, Any]]:
    return [
        {
            "name": package.name,
            "version": package.version,
            "manager": "conda",
            "platform": contents.target.name,
            "dependencies": dict(sorted(_split(spec) for spec in package.depends)),
            "url": package.url,
            "hash": {"md5": package.md5, "sha256": package.sha256},
            "category": "main",
            "optional": False,
        }
        for package in sorted(contents.conda, key=lambda package: package.name)
    ]


def _pip_entries(contents: Contents) -> list[dict[str, Any]]:
    return [
        {
            "name": wheel.name,
            "version": wheel.version,
            "manager": "pip",
            "platform": contents.target.name,
            "dependencies": dict(contents.needs[wheel.name]),
            "url": wheel.url,
            "hash": {"sha256": wheel.sha256},
            "category": "main",
            "optional": False,
        }
        for wheel in sorted(contents.wheels, key=lambda wheel: wheel.name)
    ]


def _split(spec: str) -> tuple[str, str]:
    """Name and the rest of a match spec, as conda-lock keeps them."""
    name, _, rest = spec.partition(" ")
    return name, rest


def parse(path: Path) -> Any:
    """The file as conda-lock reads it; raises ValueError for what it does not take."""
    _models()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from conda_lock.lockfile import parse_conda_lock_file

        return parse_conda_lock_file(path)


def _models() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its copy of conda warns of its own parts
            from conda_lock.lockfile.v1 import models
    except ImportError:
        raise ProblemError(
            Problem(
                code="usage",
                what="`rigfit lock` needs conda-lock, which is not installed: only maintainers need it",
                fix=("pip install 'rigfit[lock]'",),
            ),
        ) from None
    return models
