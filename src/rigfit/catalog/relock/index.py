"""The libraries: resolved by uv against the package index that uv or pip are configured for."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.tags import Tag
from packaging.utils import canonicalize_name, parse_wheel_filename

from rigfit.catalog.locks import INDEX_PATH
from rigfit.catalog.recipe import DeclaredWheel
from rigfit.catalog.relock.target import Target
from rigfit.catalog.table import TABLES, read_toml
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import joined, say
from rigfit.process.child import Command, output_of
from rigfit.sources.folders import sha256_of
from rigfit.sources.index import sources
from rigfit.sources.uv import uv_binary, uv_environment

_SECONDS = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`requirements` are what is wanted, `constraints` what is decided already; `wheels` are not on the index.

    Of `wheels`, those for another platform take no part.
    """

    requirements: tuple[str, ...]
    constraints: tuple[str, ...]
    wheels: tuple[DeclaredWheel, ...]
    python: tuple[int, int]
    target: Target

    @property
    def words(self) -> str:
        """What they are asked for, as a person would say it."""
        return joined(", ", [f"Python {self.python[0]}.{self.python[1]}", self.target.words])


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedWheel:
    """`url` is what the lock will say, `place` where the file is now: an https address or a path."""

    name: str
    version: str
    url: str
    sha256: str
    tags: frozenset[Tag]
    place: str


def resolve(question: Question) -> tuple[LockedWheel, ...]:
    """One wheel for each library. Raises ProblemError `lock_unsolvable` with what uv said."""
    target = question.target
    ranks = target.wheel_ranks(question.python)
    declared = {wheel.name: wheel for wheel in question.wheels if _rank(wheel.url, ranks) is not None}
    local = {name: _local_copy(wheel) for name, wheel in declared.items()}
    with tempfile.TemporaryDirectory(prefix="rigfit-lock-") as folder:
        answer = _ask_uv(replace(question, wheels=tuple(declared.values())), local, Path(folder))
    return tuple(
        _declared(row, declared[row["name"]], local[row["name"]])
        if row["name"] in declared
        else _best(row, ranks, target)
        for row in answer
    )


def _ask_uv(question: Question, local: Mapping[str, Path | None], folder: Path) -> tuple[Mapping[str, Any], ...]:
    """The packages of a PEP 751 file."""
    requirements = [*question.requirements]
    shelf = folder / "declared"  # so that nothing else beside such a wheel takes part
    shelf.mkdir()
    for wheel in question.wheels:
        path = local[wheel.name]
        if path is None:
            requirements.append(f"{wheel.name} @ {wheel.url}#sha256={wheel.sha256}")
        else:
            (shelf / wheel.filename).symlink_to(path.resolve())
    (folder / "requirements.in").write_text("\n".join(requirements) + "\n", encoding="utf-8")
    (folder / "constraints.txt").write_text("\n".join(question.constraints) + "\n", encoding="utf-8")
    command = Command(argv=_argv(question), env=_environment(), cwd=str(folder), limit=_SECONDS)
    _, err, ended = output_of(command)
    if ended.code != 0:
        raise _unsolved(question, err or say("exit code {code}", code=ended.code))
    return read_toml(folder / "pylock.toml").get("packages", TABLES)


def _environment() -> dict[str, str]:
    """The main index alone: another one's build of the same version would be another wheel."""
    where = sources(os.environ)
    main = {"UV_DEFAULT_INDEX": where.main} if where.main else {}
    return uv_environment(os.environ, {**dict(where.variables), **main})


def _local_copy(wheel: DeclaredWheel) -> Path | None:
    """The wheel in a folder that pip or uv is told of, by name and hash."""
    places = (folder / wheel.filename for folder in sources(os.environ).folders)
    return next((path for path in places if path.is_file() and sha256_of(path) == wheel.sha256), None)


def _argv(question: Question) -> list[str]:
    python = ".".join(str(part) for part in question.python)
    return [
        uv_binary(),
        *("pip", "compile", "requirements.in", "--constraint", "constraints.txt", "--find-links", "declared"),
        *("--format", "pylock.toml", "--output-file", "pylock.toml", "--no-header", "--quiet"),
        *("--python", sys.executable, "--python-version", python, "--python-platform", question.target.uv),
        *("--only-binary", ":all:"),
    ]


def _declared(row: Mapping[str, Any], wheel: DeclaredWheel, path: Path | None) -> LockedWheel:
    _, version, _, tags = parse_wheel_filename(wheel.filename)
    if row["version"] != str(version):
        needed = say("a pin on the declared wheel, `{name} =={version}`", name=wheel.name, version=version)
        raise _refused(row, needed=needed, found=row["version"])
    place = wheel.url if path is None else str(path)
    return LockedWheel(
        name=wheel.name,
        version=str(version),
        url=wheel.url,
        sha256=wheel.sha256,
        tags=tags,
        place=place,
    )


def _best(row: Mapping[str, Any], ranks: Mapping[Tag, int], target: Target) -> LockedWheel:
    """Of several wheels the one that the interpreter likes best, as an installer would choose."""
    found = [(rank, wheel) for wheel in row.get("wheels", ()) if (rank := _rank(wheel["url"], ranks)) is not None]
    if not found:
        raise _refused(row, needed=say("a wheel for {target}", target=target.words), found=say("none"))
    _, wheel = min(found, key=lambda pair: pair[0])
    path = INDEX_PATH.search(urlsplit(wheel["url"]).path)
    if path is None:
        needed = say("an address that ends in /packages/<the index's path>/FILE.whl")
        raise _refused(row, needed=needed, found=wheel["url"])
    return LockedWheel(
        name=canonicalize_name(row["name"]),
        version=row["version"],
        url="${RIGFIT_WHEELS}/packages/" + path[1],
        sha256=wheel["hashes"]["sha256"],
        tags=_tags(wheel["url"]),
        place=wheel["url"],
    )


def _tags(url: str) -> frozenset[Tag]:
    return parse_wheel_filename(unquote(urlsplit(url).path.rsplit("/", 1)[-1]))[3]


def _rank(url: str, ranks: Mapping[Tag, int]) -> int | None:
    return min((ranks[tag] for tag in _tags(url) if tag in ranks), default=None)


def _refused(row: Mapping[str, Any], *, needed: str, found: str) -> ProblemError:
    what = say(
        "{name} {version} cannot be locked: needs {needed}; found {found}",
        name=row["name"],
        version=row.get("version", ""),
        needed=needed,
        found=found,
    )
    return ProblemError(Problem(code="lock_unsolvable", what=what))


def _unsolved(question: Question, detail: str) -> ProblemError:
    brought = ", ".join(question.constraints)
    return ProblemError(
        Problem(
            code="lock_unsolvable",
            what=say(
                "uv found no set of wheels for {requirements} on {target}",
                requirements=", ".join(question.requirements),
                target=question.words,
            ),
            fix=(
                say("loosen a bound in environment.yml or a pin in template.toml"),
                *(
                    [say("or bound the conda package likewise: {brought} is what conda brings", brought=brought)]
                    if brought
                    else []
                ),
                say("see whether the index can be reached"),
            ),
            detail=detail,
        ),
    )
