"""The driver's libraries where the loader looks for them, in its order, with the versions that their files tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from rigfit.core.evidence import Library
from rigfit.core.version import Version
from rigfit.probe.links import is_there, resolved
from rigfit.probe.loader import listed
from rigfit.probe.reading import bytes_of, version_or_none

_NAMES = ("libcuda.so.1", "libnvidia-ml.so.1")


def libraries(root: Path, environ: Mapping[str, str]) -> tuple[Library, ...] | None:
    """LD_LIBRARY_PATH first, then ldconfig's list; None where that list cannot be read."""
    cache = bytes_of(root / "etc/ld.so.cache") or b""
    named = (*_of_variable(root, environ),)
    cached = {name: listed(cache, name) for name in _NAMES}
    if None in cached.values() and not named:
        return None
    found = ((name, path) for name, paths in cached.items() for path in paths or () if is_there(root, path))
    return (*named, *(_library(root, name, path, None) for name, path in found))


def _of_variable(root: Path, environ: Mapping[str, str]) -> Iterator[Library]:
    for folder in filter(None, environ.get("LD_LIBRARY_PATH", "").split(":")):
        for name in _NAMES:
            path = f"{folder.rstrip('/')}/{name}"
            if path.startswith("/") and is_there(root, path):
                yield _library(root, name, path, "LD_LIBRARY_PATH")


def _library(root: Path, name: str, path: str, variable: str | None) -> Library:
    return Library(name=name, path=path, version=_version(root, path), variable=variable)


def _version(root: Path, path: str) -> Version | None:
    """Windows' and Jetson's libcuda.so.1.1 is of no driver version 1.1."""
    found = re.search(r"\.so\.(\d{3}\.[\d.]+)$", resolved(root, path))
    return version_or_none(found[1]) if found else None
