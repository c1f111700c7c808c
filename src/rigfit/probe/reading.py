"""Reads the system's small files and versions; what cannot be read is None and never an exception."""

from __future__ import annotations

import os
import re
from pathlib import Path

from rigfit.core.version import Version

_ENOUGH = 1 << 23  # bytes; the largest file of interest, a kernel's modules.dep, has 1 MB


def text_of(path: Path) -> str | None:
    """The text of a file, undecodable bytes replaced."""
    data = bytes_of(path)
    return None if data is None else data.decode("utf-8", "replace")


def bytes_of(path: Path) -> bytes | None:
    try:
        with path.open("rb") as stream:
            return stream.read(_ENOUGH)
    except OSError:
        return None


def names_in(folder: Path) -> tuple[str, ...] | None:
    """The names in a folder, sorted; empty where there is no such folder, None where it may not be listed."""
    try:
        return tuple(sorted(path.name for path in folder.iterdir()))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError:
        return None


def exists(path: Path) -> bool:
    """False also where it may not be looked at."""
    try:
        return path.exists()
    except OSError:
        return False


def version_or_none(text: str | None) -> Version | None:
    """The version that a text is, spaces around it aside."""
    found = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,9}){0,5})\s*", text or "", re.ASCII)
    return Version(found[1]) if found else None


def glibc() -> Version | None:
    """The glibc that this interpreter runs on; None with another libc."""
    try:
        said = os.confstr("CS_GNU_LIBC_VERSION")
    except (ValueError, OSError):
        return None
    return version_or_none((said or "").removeprefix("glibc"))
