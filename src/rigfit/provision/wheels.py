"""The pip section of a lock, installed into a prefix by uv: hashes required, nothing resolved, no index guessed."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from rigfit.core.cancel import Cancel
from rigfit.core.event import Log, Progress
from rigfit.core.plan import Plan
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.template import Artifact
from rigfit.core.words import say
from rigfit.process.child import Command, Said, Tick
from rigfit.provision.base import listen
from rigfit.sources.failures import Failure, problem_of
from rigfit.sources.index import Sources, sources
from rigfit.sources.names import minor, plain
from rigfit.sources.urls import without_secrets
from rigfit.sources.uv import folders_of, requirements, uv_binary, uv_environment

# Uncompiled: verify leaves the bytecode of what it imports, in a third of the time that all of it takes.
FLAGS = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-compile-bytecode", "--no-python-downloads")
_SILENT = re.compile(r"^(?: [-+~] |Using |Resolved |\s*$|\s+cause:|error:|hint:|\s{4,})")
_WARNING = "warning: "
_Tried: TypeAlias = Generator[Progress | Log, None, Problem | None]


class Wheels:
    """uv checks the sha256 of whatever it fetches, and of what lies in its cache or in a folder."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ

    def install(self, plan: Plan, cancel: Cancel) -> Iterator[Progress | Log]:
        """Try one way to treat the indexes after another, until everything was found."""
        before = installed(plan)
        where = sources(self._environ)
        lacking: Problem | None = None
        for strategy in where.strategies:
            lacking = yield from self._tried(plan, where, strategy, cancel)
            if lacking is None:
                break
        if lacking is not None:
            raise ProblemError(lacking)
        _refuse_another_set(plan.target.lock.pip, before, installed(plan))

    def _tried(self, plan: Plan, where: Sources, strategy: str, cancel: Cancel) -> _Tried:
        """The problem if it is one that another strategy may not have."""
        try:
            yield from self._attempt(plan, where, strategy, cancel)
        except ProblemError as error:
            if error.problem.code == "artifact_unavailable":
                return error.problem
            raise
        return None

    def _attempt(self, plan: Plan, where: Sources, strategy: str, cancel: Cancel) -> Iterator[Progress | Log]:
        lock, local_files = plan.target.lock, plan.survey.local_files
        argv = [uv_binary(), "pip", "install", "--python", str(Path(plan.target.prefix, "bin", "python")), *FLAGS]
        argv += [
            *where.flags,
            "--break-system-packages",
            *(["--offline"] if plan.survey.offline else []),
            "--requirements",
            "-",
        ]
        command = Command(
            argv=argv,
            stdin=requirements(lock.pip, local_files),
            env=uv_environment(self._environ, where.environment(strategy, folders_of(local_files))),
            cwd="/",
        )
        total = sum(artifact.unpacked for artifact in lock.pip)
        item, written = "", 0
        for heard in listen(command, cancel, lambda words: problem_of(_failure(plan, where, words))):
            match heard:
                case Tick(pid=pid) if (done := written_by(pid)) is not None:
                    written = min(done, total)
                    yield Progress(step="libraries", done=written, total=total, item=item)
                case Said(stream="err", text=text) if not _SILENT.match(text):
                    item = _fetched(text) or item
                    yield _log(text)
                case _:
                    pass
        yield Progress(step="libraries", done=written, total=total)


def written_by(pid: int) -> int | None:
    """Bytes that a process has written: what uv has unpacked so far, as linking writes nothing. None if untold."""
    try:
        counters = Path(f"/proc/{pid}/io").read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
    found = re.search(r"^wchar: (\d+)$", counters, re.MULTILINE)
    return int(found[1]) if found else None


def _fetched(text: str) -> str:
    """`torch` of `Downloading torch (178.6MiB)`."""
    found = re.match(r"Downloading (\S+) \(", text)
    return found[1] if found else ""


def _log(text: str) -> Log:
    said = without_secrets(text)
    if said.startswith(_WARNING):
        return Log(text=said.removeprefix(_WARNING), step="libraries", level="warning")
    return Log(text=said.strip(), step="libraries")


def _failure(plan: Plan, where: Sources, words: str) -> Failure:
    artifacts = plan.target.lock.pip
    asked = plan.survey.offline or not any(artifact.from_index for artifact in artifacts)
    return Failure(
        text="\n".join(line for line in words.splitlines() if not re.match(r" [-+~] |Using ", line)),
        prefix=plan.target.prefix,
        artifacts=artifacts,
        source="" if asked else where.address(),
        needed=sum(artifact.unpacked for artifact in artifacts),
    )


def installed(plan: Plan) -> dict[str, str]:
    """Versions by normalized name of what the prefix holds."""
    site = Path(plan.target.prefix, "lib", f"python{minor(plan.target.stack.python)}", "site-packages")
    try:
        folders = [entry.name for entry in site.iterdir() if entry.suffix == ".dist-info"]
    except OSError:
        return {}
    named = (folder.removesuffix(".dist-info").rpartition("-") for folder in folders)
    return {plain(name): version for name, _, version in named}


def _refuse_another_set(wanted: Iterable[Artifact], before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """What is installed now must be what the lock says, and nothing that nobody asked for."""
    locked = {plain(artifact.name): artifact.version for artifact in wanted}
    wrong = [f"{name} {version}" for name, version in locked.items() if not _same(after.get(name, ""), version)]
    extra = [f"{name} {version}" for name, version in after.items() if name not in locked and name not in before]
    if wrong or extra:
        what = say(
            "uv installed another set than the lock's: missing: {missing}; not in the lock: {extra}",
            missing=", ".join(wrong) or say("none"),
            extra=", ".join(extra) or say("none"),
        )
        raise ProblemError(Problem(code="install_failed", what=what))


def _same(one: str, other: str) -> bool:
    """`2.0` is `2.0.0` in the names that wheels give."""
    if one == other:
        return True
    from packaging.version import InvalidVersion, Version

    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return False
