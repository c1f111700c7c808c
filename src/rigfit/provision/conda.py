"""The conda section of a lock, installed into a prefix by py-rattler in a child process."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rigfit.core.cancel import Cancel
from rigfit.core.event import Log, Progress
from rigfit.core.plan import Plan
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.template import Artifact
from rigfit.core.words import say
from rigfit.process.child import Command, Said
from rigfit.provision.base import listen
from rigfit.sources.failures import Failure, problem_of
from rigfit.sources.places import conda_cache
from rigfit.sources.urls import is_file, path_of

_CHILD = Path(__file__).with_name("conda_child.py")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)-(?P<build>[^-]+)\.(?:conda|tar\.bz2)")


class CondaBase:
    """py-rattler checks hashes over http only and lets a record without one pass, so the rest is checked here."""

    def __init__(self, environ: Mapping[str, str] | None = None, python: str = sys.executable) -> None:
        self._environ = os.environ if environ is None else environ
        self._python = python

    def install(self, plan: Plan, cancel: Cancel) -> Iterator[Progress | Log]:
        packages = plan.target.lock.conda
        for package in packages:
            _refuse_the_unproven(package)
        prefix = plan.target.prefix
        cache = str(conda_cache(self._environ, packages))
        needed = sum(package.unpacked for package in packages)
        failure = Failure(text="", prefix=prefix, cache=cache, artifacts=packages, needed=needed)
        job = {"prefix": prefix, "cache": cache, "packages": [_described(package) for package in packages]}
        command = Command(argv=[self._python, "-I", str(_CHILD)], stdin=json.dumps(job), env=self._environ, cwd="/")
        yield from _heard(command, cancel, failure)


def _heard(command: Command, cancel: Cancel, failure: Failure) -> Iterator[Progress]:
    total = sum(package.size for package in failure.artifacts)
    installed = False
    for item in listen(command, cancel, lambda words: problem_of(replace(failure, text=words))):
        if not (isinstance(item, Said) and item.stream == "out"):
            continue
        said: dict[str, Any] = json.loads(item.text)
        if "failed" in said:
            raise ProblemError(problem_of(replace(failure, text=said["failed"])))
        if "done" in said:
            yield Progress(step="base", done=said["done"], total=total, item=said["item"])
        installed = installed or "installed" in said
    if not installed:
        raise ProblemError(problem_of(failure))
    yield Progress(step="base", done=total, total=total)


def _described(package: Artifact) -> dict[str, Any]:
    return {
        "name": package.name,
        "version": package.version,
        "build": _parts(package)["build"],
        "subdir": package.url.rsplit("/", 2)[-2],
        "url": package.url,
        "sha256": package.sha256,
        "size": package.size,
    }


def _parts(package: Artifact) -> re.Match[str]:
    found = _NAME.fullmatch(package.filename)
    if found is None:
        what = say("not the file name of a conda package: {file}", file=package.filename)
        raise ProblemError(Problem(code="lock_invalid", what=what))
    return found


def _refuse_the_unproven(package: Artifact) -> None:
    if not _SHA256.fullmatch(package.sha256):
        what = say("the lock gives no sha256 for {file}", file=package.filename)
        raise ProblemError(Problem(code="lock_invalid", what=what))
    if is_file(package.url):
        _refuse_other_content(package, Path(path_of(package.url)))


def _refuse_other_content(package: Artifact, file: Path) -> None:
    from rigfit.sources.folders import sha256_of

    try:
        found = sha256_of(file)
    except OSError as error:
        what = say(
            "{file} cannot be read at {place}: {reason}", file=package.filename, place=file, reason=error.strerror
        )
        raise ProblemError(Problem(code="artifact_unavailable", what=what)) from error
    if found != package.sha256:
        what = say(
            "{file} is not the locked file: needs sha256 {needed}, found {found}",
            file=file,
            needed=package.sha256,
            found=found,
        )
        raise ProblemError(Problem(code="hash_mismatch", what=what, fix=(say("put the original file there"),)))


def is_cached(packages: tuple[Artifact, ...], environ: Mapping[str, str]) -> bool:
    """Whether nothing needs to be fetched; each folder there was filled from a file with the locked hash."""
    cache = conda_cache(environ, packages)
    stems = (re.sub(r"\.(?:conda|tar\.bz2)$", "", package.filename) for package in packages)
    return bool(packages) and all(map(os.path.isfile, (cache / stem / "info" / "index.json" for stem in stems)))
