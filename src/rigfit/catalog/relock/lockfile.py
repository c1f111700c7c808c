"""The lock as a file: built, written and read back with conda-lock's own model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rigfit.catalog.inputs import CHANNEL, ENVIRONMENT_FILE
from rigfit.catalog.relock.findings import Findings
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import say

_HEAD = """\
# Written by `rigfit lock {template}` from environment.yml and the table of `{variant}` in template.toml: edit those.
# conda-lock's format, version 1. `conda-lock install`, `conda-lock render` and `micromamba create -f` take it when
# RIGFIT_WHEELS holds the address before /packages/ of a package index; every file is checked by its sha256.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """All that goes into one lock file, platform by platform."""

    template: str
    variant: str
    inputs_sha256: str
    found: Sequence[Findings]


def to_text(contents: Contents) -> str:
    """The file's text, proven to be what conda-lock takes. The same contents give the same text."""
    models = _models()
    platforms = [findings.target.platform for findings in contents.found]
    metadata = {
        "content_hash": dict.fromkeys(platforms, contents.inputs_sha256),
        "channels": [{"url": CHANNEL, "used_env_vars": []}],
        "platforms": platforms,
        "sources": [ENVIRONMENT_FILE],
    }
    packages = [entry for findings in contents.found for entry in _entries(findings)]
    lockfile = models.Lockfile.model_validate({"version": 1, "metadata": metadata, "package": packages})
    body = yaml.dump(lockfile.dict_for_output(), sort_keys=False)
    return _HEAD.format(template=contents.template, variant=contents.variant) + "\n" + body


def _entries(findings: Findings) -> Iterator[dict[str, Any]]:
    needs = findings.needs
    same = {"platform": findings.target.platform, "category": "main", "optional": False}
    for package in sorted(findings.conda, key=lambda package: package.name):
        yield same | {
            "name": package.name,
            "version": package.version,
            "manager": "conda",
            "dependencies": dict(sorted(_split(spec) for spec in package.depends)),
            "url": package.url,
            "hash": {"md5": package.md5, "sha256": package.sha256},
        }
    for wheel in sorted(findings.wheels, key=lambda wheel: wheel.name):
        yield same | {
            "name": wheel.name,
            "version": wheel.version,
            "manager": "pip",
            "dependencies": dict(needs[wheel.name]),
            "url": wheel.url,
            "hash": {"sha256": wheel.sha256},
        }


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
                what=say("`rigfit lock` needs conda-lock, which is not installed: only maintainers need it"),
                fix=("pip install 'rigfit[lock]'",),
            ),
        ) from None
    return models
