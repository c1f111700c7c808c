"""Where wheels come from: what uv is told, and what only pip is told, said to uv."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import say
from rigfit.process.child import Command, output_of
from rigfit.sources.failures import Failure, problem_of
from rigfit.sources.pip_settings import PipSettings, read_pip_settings
from rigfit.sources.places import uv_cache
from rigfit.sources.urls import is_file, path_of
from rigfit.sources.uv import uv_binary, uv_environment

_INDEX_VARIABLES = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL")
_LIMIT = 10.0  # seconds; it takes 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """`main` is the index that locks speak of, empty for uv's built-in one; `extras` are asked after it.

    `pages` are folders and pages of links that uv is told of, `folders` those that are looked through by us. `variables`
    are the remaining settings of pip as uv and its TLS want them.
    """

    main: str = ""
    extras: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    no_index: bool = False
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def strategies(self) -> tuple[str, ...]:
        """How uv shall treat several indexes, tried in turn; hashes make each of them safe.

        The main index comes first, so that another build of a locked version elsewhere does not get in the way; where
        it has the name but not the version, all of them are asked.
        """
        return ("first-index", "unsafe-first-match") if self.extras else ("first-index",)

    def address(self) -> str:
        """The main index; asks uv for the built-in one."""
        return self.main or ("" if self.no_index else built_in_index())

    @property
    def flags(self) -> tuple[str, ...]:
        """What there is no variable for."""
        return ("--no-index",) if self.no_index else ()

    def environment(self, strategy: str, folders: tuple[str, ...] = ()) -> dict[str, str]:
        """Variables for uv, not flags: an address may hold a password, and flags are for all to see."""
        changes = {"UV_INDEX_STRATEGY": strategy, **dict(self.variables)}
        *between, last = (self.address() if self.extras else self.main, *self.extras)
        if between:
            changes |= dict.fromkeys(_INDEX_VARIABLES, "") | {"UV_INDEX": " ".join(between), "UV_DEFAULT_INDEX": last}
        elif self.main:
            changes |= dict.fromkeys(_INDEX_VARIABLES, "") | {"UV_DEFAULT_INDEX": last}
        links = (*self.pages, *(Path(folder).as_uri().replace(",", "%2C") for folder in folders))
        if links:
            changes["UV_FIND_LINKS"] = ",".join(links)
        return changes


def sources(environ: Mapping[str, str]) -> Sources:
    """The settings of uv where it has any, else those of pip. Raises ProblemError where uv refuses its settings."""
    pip = read_pip_settings(environ)
    told = _ask_uv(tuple(environ.items())) if _uv_is_told(environ) else _Told()
    no_index = told.no_index or pip.no_index
    links = (*told.links, *(link if "://" in link else str(Path(link).expanduser()) for link in pip.find_links))
    return Sources(
        main=told.main or pip.index_url,
        extras=() if no_index else told.extras or pip.extra_index_urls,
        pages=(*told.links, *(link for link in pip.find_links if not is_file(link))),
        folders=tuple(Path(path_of(link)).absolute() for link in links if is_file(link)),
        no_index=no_index,
        variables=tuple(_variables(pip, environ).items()),
    )


def _variables(pip: PipSettings, environ: Mapping[str, str]) -> dict[str, str]:
    wanted = {
        "SSL_CERT_FILE": pip.cert,
        "UV_HTTP_TIMEOUT": pip.timeout,
        "UV_INSECURE_HOST": " ".join(pip.trusted_hosts),
        "HTTPS_PROXY": pip.proxy,
        "HTTP_PROXY": pip.proxy,
    }
    said = {name.upper() for name, value in environ.items() if value}
    if "ALL_PROXY" in said:
        said |= {"HTTPS_PROXY", "HTTP_PROXY"}
    return {name: value for name, value in wanted.items() if value and name not in said}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    main: str = ""
    extras: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    no_index: bool = False


def _uv_is_told(environ: Mapping[str, str]) -> bool:
    if any(environ.get(name) for name in (*_INDEX_VARIABLES, "UV_FIND_LINKS", "UV_CONFIG_FILE")):
        return True
    home = Path(environ.get("HOME") or Path.home())
    folders = [environ.get("XDG_CONFIG_HOME") or home / ".config", "/etc"]
    folders += environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep)
    places = (Path(folder, "uv", "uv.toml") for folder in folders)
    return any(os.path.isfile(place) for place in places)  # noqa: PTH113 - Path.is_file raises where we may not look


@cache
def _ask_uv(environ: tuple[tuple[str, str], ...]) -> _Told:
    """The effective settings of uv, in the lines that it writes into requirement files."""
    lines = [line.split(maxsplit=1) for line in _emitted(dict(environ)).splitlines() if line.startswith("--")]
    main = next((value for flag, value in lines if flag == "--index-url"), "")
    return _Told(
        main="" if main == built_in_index() else main,
        extras=tuple(value for flag, value in lines if flag == "--extra-index-url"),
        links=tuple(value for flag, value in lines if flag == "--find-links"),
        no_index=not main,
    )


@cache
def built_in_index() -> str:
    """The index that uv asks when nobody says otherwise."""
    lines = _emitted({}, "--no-config", "--no-cache").split()
    return lines[lines.index("--index-url") + 1]


def _emitted(environ: Mapping[str, str], *flags: str) -> str:
    argv = [uv_binary(), "pip", "compile", "--quiet", "--no-header", "--emit-index-url", "--emit-find-links"]
    argv += ["--offline", "--no-python-downloads", "--python", sys.executable, *flags, "-"]
    out, err, ended = output_of(Command(argv=argv, env=uv_environment(environ), cwd="/", limit=_LIMIT))
    if ended.code != 0:
        raise ProblemError(_refusal(problem_of(Failure(text=err, prefix=str(uv_cache(environ))))))
    return out


def _refusal(problem: Problem) -> Problem:
    """What fails without any wheel being asked for is a full or closed place, or uv's own settings."""
    if problem.code != "install_failed":
        return problem
    what = say("uv refuses its settings (uv.toml, or a UV_ variable): {reason}", reason=problem.what)
    return replace(problem, what=what, fix=())
