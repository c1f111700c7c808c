"""uv as we call it: which one, and in which surroundings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from rigfit.core.problem import Problem, ProblemError
from rigfit.core.template import Artifact
from rigfit.core.words import say
from rigfit.sources.places import uv_cache

# What would change or refuse what the lock says, or draw for a terminal. Sources, caches, proxies and the like stay.
_MEDDLING = """
    UV_BUILD_CONSTRAINT UV_CONSTRAINT UV_OVERRIDE UV_EXCLUDE UV_EXCLUDE_NEWER UV_NO_BINARY UV_NO_BINARY_PACKAGE
    UV_NO_VERIFY_HASHES UV_COMPILE_BYTECODE UV_TORCH_BACKEND UV_PRERELEASE UV_RESOLUTION UV_PYTHON UV_SYSTEM_PYTHON
    UV_PROJECT UV_WORKING_DIR UV_WORKING_DIRECTORY UV_VENV_CLEAR UV_VENV_SEED
    RUST_LOG FORCE_COLOR CLICOLOR_FORCE VIRTUAL_ENV CONDA_PREFIX PYTHONPATH PYTHONHOME
"""


def uv_binary() -> str:
    """The uv that was installed with us; its words are known (failures.py)."""
    from uv import find_uv_bin

    try:
        return str(find_uv_bin())
    except FileNotFoundError:
        what = say("the program `uv` is missing beside rigfit")
        raise ProblemError(Problem(code="install_failed", what=what, fix=(say("reinstall rigfit"),))) from None


def uv_environment(environ: Mapping[str, str], changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours without what meddles, plus `changes`, where an empty value takes a variable away.

    For a working folder of `/`, where no project's settings intrude; so a relative cache is made absolute.
    """
    meddling = _MEDDLING.split()
    kept = {name: value for name, value in environ.items() if name not in meddling}
    if "UV_CACHE_DIR" in kept:
        kept["UV_CACHE_DIR"] = str(uv_cache(environ))
    changed = kept | {"NO_COLOR": "1"} | dict(changes or {})
    return {name: value for name, value in changed.items() if value or name not in (changes or ())}


def requirements(artifacts: Iterable[Artifact], local_files: Mapping[str, str]) -> str:
    """One line for each: by name, version and hash where an index or a folder has it, else by address and hash."""
    return "".join(
        f"{artifact.name}=={artifact.version} --hash=sha256:{artifact.sha256}\n"
        if artifact.from_index or artifact.sha256 in local_files
        else f"{artifact.name} @ {artifact.url} --hash=sha256:{artifact.sha256}\n"
        for artifact in artifacts
    )


def folders_of(local_files: Mapping[str, str]) -> tuple[str, ...]:
    """The folders that hold them."""
    return tuple(sorted({str(Path(path).parent) for path in local_files.values()}))
