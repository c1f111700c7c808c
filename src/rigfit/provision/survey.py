"""What has to be known before planning: which base can be had, which wheels, and how much room there is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from rigfit.core.plan import Base, BaseKind, Survey, Target
from rigfit.core.problem import Problem
from rigfit.core.words import say
from rigfit.provision.conda import is_cached
from rigfit.provision.local import find
from rigfit.provision.question import Question
from rigfit.provision.reach import Silence, silence_of
from rigfit.provision.stock import stock_of
from rigfit.sources.names import minor
from rigfit.sources.places import free_bytes, on_one_disk, standing, uv_cache
from rigfit.sources.urls import host_of

CHANNEL_LIMIT = 3.0  # seconds


def survey(
    target: Target,
    *,
    home: Path,
    base: BaseKind | None,
    offline: bool,
    environ: Mapping[str, str] | None = None,
) -> Survey:
    """Ask everything at once. With `offline` no network is asked; `base` forbids the other kind."""
    environ = os.environ if environ is None else environ
    offline = offline or environ.get("UV_OFFLINE", "").lower() in {"1", "true", "yes", "on", "y", "t"}
    conda_cached = is_cached(target.lock.conda, environ)
    chosen = Question(lambda: _base(target, base, environ, offline=offline, cached=conda_cached))
    stock = Question(lambda: stock_of(target, environ, offline=offline))
    prefix, cache = Path(target.prefix), uv_cache(environ)
    return Survey(
        base=chosen.answer(),
        base_cached=conda_cached,
        offline=stock.answer().cached,
        missing=(*_unwritable(home), *stock.answer().missing),
        local_files=stock.answer().local_files,
        environment_free=free_bytes(prefix),
        cache_free=free_bytes(cache),
        same_disk=on_one_disk(prefix, cache),
        state="unfinished" if os.path.isdir(prefix) else "absent",  # noqa: PTH112 - Path.is_dir raises where we may not look
    )


def _unwritable(home: Path) -> tuple[Problem, ...]:
    place = standing(home)
    if os.access(place, os.W_OK | os.X_OK):
        return ()
    fix = (say("make that folder writable"), say("or keep everything elsewhere with `--home DIR`"))
    what = say("cannot write {place}, where environments are kept", place=place)
    return (Problem(code="home_not_writable", what=what, fix=fix),)


def _base(
    target: Target, wanted: BaseKind | None, environ: Mapping[str, str], *, offline: bool, cached: bool
) -> Base | Problem:
    python = minor(target.stack.python)
    local = Question(lambda: find(python, environ))
    silence = None if cached or wanted == "local" else _silence_of_channel(target, environ, offline=offline)
    if wanted != "local" and silence is None:
        return Base(kind="conda", version=_conda_python(target))
    found = local.answer()
    if found is None or wanted == "conda":
        return _no_base(target, wanted, silence, found)
    why = say("asked for with `--base local`") if silence is None else _why(target, silence)
    return Base(kind="local", version=found.version, python=found.python, why=why)


def _conda_python(target: Target) -> str:
    versions = (package.version for package in target.lock.conda if package.name == "python")
    return next(versions, target.stack.python)


def _silence_of_channel(target: Target, environ: Mapping[str, str], *, offline: bool) -> Silence | None:
    if not target.lock.conda:
        return Silence(why=say("the lock has no conda section"))
    if offline:
        return Silence(why=say("with `--offline` it is not asked, and the cache does not hold all of it"))
    package = next((each for each in target.lock.conda if each.name == "python"), target.lock.conda[0])
    return silence_of(package.url, environ, limit=CHANNEL_LIMIT)


def _why(target: Target, silence: Silence) -> str:
    host = host_of(target.lock.conda[0].url) if target.lock.conda else say("none")
    return say("the conda channel at {host} cannot be reached ({reason})", host=host, reason=silence.why)


def _no_base(target: Target, wanted: BaseKind | None, silence: Silence | None, local: Base | None) -> Problem:
    python = minor(target.stack.python)
    install = say(
        "install CPython {python}: from your system's packages, or with `uv python install {python}`", python=python
    )
    nowhere = say("no CPython {python} with all its modules is on PATH, in pyenv or in uv's folder", python=python)
    if wanted == "local":
        what = say(
            "an interpreter is needed, Python {python} (`--base local`), and {nowhere}", python=python, nowhere=nowhere
        )
        return Problem(code="base_unavailable", what=what, fix=(install, say("or leave `--base local` out")))
    channel, mend = _why(target, silence or Silence(why=say("unknown"))), say("make the channel reachable")
    if local is not None:
        what = say(
            "an interpreter is needed, Python {python} from conda-forge (`--base conda`), but {reason}",
            python=python,
            reason=channel,
        )
        hint = say(
            "or leave `--base conda` out: Python {version} at {python} would serve",
            version=local.version,
            python=local.python,
        )
        return Problem(code="base_unavailable", what=what, fix=(mend, hint))
    what = say(
        "an interpreter is needed, Python {python}, but {reason}, and {nowhere}",
        python=python,
        reason=channel,
        nowhere=nowhere,
    )
    fix = (mend,) if wanted == "conda" else (install, say("or make the channel reachable"))
    return Problem(code="base_unavailable", what=what, fix=fix)
