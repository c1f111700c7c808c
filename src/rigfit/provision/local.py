"""An interpreter that is on this machine already, as the base of a virtual environment."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path

from rigfit.core.cancel import Cancel
from rigfit.core.event import Log, Progress
from rigfit.core.plan import Base, Plan
from rigfit.core.words import say
from rigfit.process.child import Command, output_of
from rigfit.provision.base import listen
from rigfit.sources.failures import Failure, problem_of
from rigfit.sources.uv import uv_binary, uv_environment

LIMIT = 5.0  # seconds for one candidate to say what it is

# The base interpreter behind a virtual environment, and what the libraries need that a self-built Python may lack.
_QUESTION = """
import importlib.util, json, platform, struct, sys
modules = ("_bz2", "_ctypes", "_hashlib", "_lzma", "_ssl", "zlib")
print(json.dumps({
    "python": getattr(sys, "_base_executable", None) or sys.executable,
    "implementation": sys.implementation.name,
    "version": platform.python_version(),
    "arch": platform.machine(),
    "bits": struct.calcsize("P") * 8,
    "abi": sys.abiflags,
    "lacks": [name for name in modules if importlib.util.find_spec(name) is None],
}))
"""


def find(python: str, environ: Mapping[str, str] | None = None) -> Base | None:
    """The first CPython of the minor version `python` ("3.11") that can carry the libraries."""
    environ = os.environ if environ is None else environ
    for candidate in _candidates(python, environ):
        base = _ask(candidate, python, environ)
        if base is not None:
            return base
    return None


def _candidates(python: str, environ: Mapping[str, str]) -> Iterator[Path]:
    """Each file once, likely and cheap ones first; pyenv's shims last, which start a shell and may refuse."""
    seen: set[Path] = set()
    folders = [Path(folder) for folder in environ.get("PATH", "").split(os.pathsep) if folder.startswith("/")]
    plain = [folder for folder in folders if folder.name != "shims"]
    shims = [folder for folder in folders if folder.name == "shims"]
    named = f"python{python}"
    for candidate in (
        *(folder / named for folder in plain),
        *_managed(named, python, environ),
        *(folder / "python3" for folder in plain),
        *(folder / named for folder in shims),
    ):
        if os.access(candidate, os.X_OK) and (real := candidate.resolve()) not in seen:
            seen.add(real)
            yield candidate


def _managed(named: str, python: str, environ: Mapping[str, str]) -> Iterator[Path]:
    """What pyenv and uv have installed, the newest patch level first."""
    home = Path(environ.get("HOME") or Path.home())
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    pyenv = Path(environ.get("PYENV_ROOT") or home / ".pyenv") / "versions"
    uv = Path(environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python")
    for root, pattern in ((pyenv, f"{python}.*"), (uv, f"cpython-{python}.*")):
        found = root.glob(pattern) if os.path.isdir(root) else ()  # noqa: PTH112 - glob raises where we may not look
        yield from (folder / "bin" / named for folder in sorted(found, key=_patch, reverse=True))


def _patch(folder: Path) -> int:
    """11 of `3.12.11` and of `cpython-3.12.11-linux-x86_64-gnu`."""
    digits = folder.name.removeprefix("cpython-").split("-")[0].rpartition(".")[2]
    return int(digits) if digits.isdecimal() else -1


def _ask(candidate: Path, python: str, environ: Mapping[str, str]) -> Base | None:
    out, _, ended = output_of(Command(argv=[str(candidate), "-I", "-c", _QUESTION], env=environ, limit=LIMIT))
    try:
        said = json.loads(out)
        base = Path(said["python"])
        version = str(said["version"])
    except (ValueError, KeyError, TypeError):
        return None
    fits = (
        ended.code == 0
        and said["implementation"] == "cpython"
        and version.startswith(f"{python}.")
        and said["arch"] == platform.machine()
        and said["bits"] == 64
        and not said["abi"]  # a build without the GIL, or for debugging, takes other wheels
        and not said["lacks"]
        and os.access(base, os.X_OK)
    )
    return Base(kind="local", version=version, python=str(base)) if fits else None


class LocalBase:
    """Makes a virtual environment on the interpreter that the plan names."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ

    def install(self, plan: Plan, cancel: Cancel) -> Iterator[Progress | Log]:
        prefix = plan.target.prefix
        argv = [uv_binary(), "venv", "--quiet", "--no-project", "--no-python-downloads", "--allow-existing"]
        argv += ["--python", plan.base.python, "--prompt", plan.environment, prefix]
        command = Command(argv=argv, env=uv_environment(self._environ), cwd="/")
        for _ in listen(command, cancel, lambda words: problem_of(Failure(text=words, prefix=prefix))):
            pass
        yield Log(text=say("made a virtual environment on {python}", python=plan.base.python), step="base")
