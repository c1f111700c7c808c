"""Which locked wheels can be had, from where, and which not."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from rigfit.core.plan import Target
from rigfit.core.problem import Problem
from rigfit.core.template import Artifact
from rigfit.core.words import say
from rigfit.process.child import Command, output_of
from rigfit.provision.question import Question
from rigfit.provision.reach import silence_of
from rigfit.provision.wheels import FLAGS
from rigfit.sources.failures import NETWORK_FIX, folder_fix
from rigfit.sources.folders import lying_in, with_their_content
from rigfit.sources.index import Sources, sources
from rigfit.sources.names import minor
from rigfit.sources.urls import host_of, without_secrets
from rigfit.sources.uv import folders_of, requirements, uv_binary, uv_environment

LIMIT = 5.0  # seconds, for an index or another host to answer
_CACHE_LIMIT = 10.0  # seconds; uv looks 63 wheels up in 0.1 s
_Environ: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """`cached`: uv's cache and the folders hold everything, so that no network is needed."""

    cached: bool
    local_files: dict[str, str]
    missing: tuple[Problem, ...] = ()


def stock_of(target: Target, environ: _Environ, *, offline: bool) -> Stock:
    """Look at caches and folders, and only if they do not hold everything ask the network."""
    look = _Look(target=target, environ=environ, where=sources(environ))
    wheels = target.lock.pip
    called = lying_in(look.where.folders, wheels)
    if look.is_cached(wheels, called):
        return Stock(cached=True, local_files=called)
    found = with_their_content(called)
    wanted = tuple(wheel for wheel in wheels if wheel.sha256 not in found)
    if found and look.is_cached(wanted, {}):
        return Stock(cached=True, local_files=found)
    missing = look.lacking_offline(wanted) if offline else look.lacking(wanted)
    return Stock(cached=False, local_files=found, missing=missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    target: Target
    environ: _Environ
    where: Sources

    def is_cached(self, wheels: tuple[Artifact, ...], local_files: Mapping[str, str]) -> bool:
        """Whether uv would install them without fetching anything."""
        return not wheels or any(
            self._would_install(wheels, local_files, strategy) for strategy in self.where.strategies
        )

    def _would_install(self, wheels: tuple[Artifact, ...], local_files: Mapping[str, str], strategy: str) -> bool:
        argv = [
            uv_binary(),
            "pip",
            "install",
            "--dry-run",
            "--offline",
            *FLAGS,
            *self.where.flags,
            "--python",
            sys.executable,
        ]
        argv += ["--python-version", minor(self.target.stack.python)]
        env = uv_environment(self.environ, self.where.environment(strategy, folders_of(local_files)))
        text = requirements(wheels, local_files)
        with tempfile.TemporaryDirectory(prefix="rigfit-look-") as empty:  # uv makes the target even in a dry run
            argv += ["--target", empty, "--requirements", "-"]
            command = Command(argv=argv, stdin=text, env=env, cwd="/", limit=_CACHE_LIMIT)
            _, words, ended = output_of(command)
        return ended.code == 0 and not re.search(r"^Would download ", words, re.MULTILINE)

    def lacking(self, wheels: tuple[Artifact, ...]) -> tuple[Problem, ...]:
        """Ask the index once, and the host of each wheel that has an address of its own, all at the same time."""
        asked = [Question(partial(self.lack_of, wheel)) for wheel in wheels if not wheel.from_index]
        indexed = next((wheel for wheel in wheels if wheel.from_index), None)
        index = self.lack_of_index(indexed) if indexed else None
        problems = (index, *(question.answer() for question in asked))
        return tuple(problem for problem in problems if problem)

    def lacking_offline(self, wheels: tuple[Artifact, ...]) -> tuple[Problem, ...]:
        """One problem for all that the cache lacks."""
        lacking = [wheel for wheel in wheels if not self.is_cached((wheel,), {})]
        some = ", ".join(wheel.filename for wheel in lacking[:3])
        if len(lacking) > 3:
            some = say("{files} and {count} more", files=some, count=len(lacking) - 3)
        what = say(
            "{count} of {total} wheels are neither in uv's cache nor in a folder: {files}",
            count=len(lacking),
            total=len(self.target.lock.pip),
            files=some,
        )
        fix = (say("leave `--offline` out"), *folder_fix(say("them")))
        return (Problem(code="artifact_unavailable", what=what, fix=fix),)

    def lack_of(self, wheel: Artifact) -> Problem | None:
        """Why a wheel with an address of its own cannot be had."""
        silence = silence_of(wheel.url, self.environ, limit=LIMIT)
        if silence is None or self.is_cached((wheel,), {}):
            return None
        file, host = wheel.filename, host_of(wheel.url)
        if silence.gone:
            what = say(
                "{file} cannot be had: {host} does not have it ({reason})", file=file, host=host, reason=silence.why
            )
        else:
            what = say(
                "{file} cannot be had: {host} cannot be reached ({reason})", file=file, host=host, reason=silence.why
            )
        return Problem(code="artifact_unavailable", what=what, fix=folder_fix(wheel.filename), detail=_told(wheel))

    def lack_of_index(self, wheel: Artifact) -> Problem | None:
        """Why the package index cannot be used, asked with the page of one wheel."""
        address = self.where.address()
        if not address:
            what = say(
                "{file} cannot be had: uv or pip is told to use no index, and no folder has it", file=wheel.filename
            )
            return Problem(code="artifact_unavailable", what=what, fix=folder_fix(wheel.filename), detail=_told(wheel))
        page = f"{address.rstrip('/')}/{wheel.name}/"
        silence = silence_of(page, self.environ, limit=LIMIT, method="GET")
        if silence is None or silence.gone:  # another index may have it, and if not, uv says which is missing
            return None
        what = say(
            "the package index at {host} cannot be reached ({reason})", host=host_of(address), reason=silence.why
        )
        return Problem(code="network_unreachable", what=what, fix=NETWORK_FIX)


def _told(wheel: Artifact) -> str:
    return say(
        "needed: {file}\nsha256: {sha256}\naddress: {address}",
        file=wheel.filename,
        sha256=wheel.sha256,
        address=without_secrets(wheel.url),
    )
