"""Where things lie that are not ours alone: caches, and the disks that hold them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from rigfit.core.template import Artifact


def user_cache(environ: Mapping[str, str]) -> Path:
    """XDG_CACHE_HOME if it is absolute, as its specification demands, else `~/.cache`."""
    named = environ.get("XDG_CACHE_HOME", "")
    return Path(named) if named.startswith("/") else Path(environ.get("HOME") or Path.home()) / ".cache"


def uv_cache(environ: Mapping[str, str]) -> Path:
    """The cache that uv unpacks wheels into."""
    named = environ.get("UV_CACHE_DIR")
    return Path(named).expanduser().absolute() if named else user_cache(environ) / "uv"


def conda_cache(environ: Mapping[str, str], packages: Iterable[Artifact]) -> Path:
    """A folder inside rattler's cache for just these packages, told by their hashes.

    rattler names a cached package by name, version and build. It writes down the wanted sha256 before it has fetched,
    so that after a failed fetch other content under that name passes for the wanted one (py-rattler 0.28.0). In a
    folder that is never asked for two hashes under one name this cannot happen.
    """
    import hashlib

    named = environ.get("RATTLER_CACHE_DIR")
    root = Path(named).expanduser().absolute() if named else user_cache(environ) / "rattler" / "cache"
    digest = hashlib.sha256("\n".join(sorted(package.sha256 for package in packages)).encode())
    return root / "rigfit" / digest.hexdigest()[:16]


def standing(path: Path) -> Path:
    """`path`, or its nearest parent that exists."""
    return next((place for place in (path, *path.parents) if os.path.exists(place)), Path("/"))  # noqa: PTH110 - Path.exists raises where we may not look


def free_bytes(path: Path) -> int | None:
    """Free space for us on the file system that holds `path`, or would; None if that cannot be read."""
    try:
        disk = os.statvfs(standing(path))
    except OSError:
        return None
    return disk.f_bavail * disk.f_frsize


def on_one_disk(one: Path, other: Path) -> bool:
    """Whether files can be linked from one to the other."""
    try:
        return standing(one).stat().st_dev == standing(other).stat().st_dev
    except OSError:
        return False
