"""Paths of a system that lies under a root: links are followed as that system would, never out of the root."""

from __future__ import annotations

import os
from pathlib import Path

from rigfit.probe.reading import exists

_MOST_LINKS = 40  # as Linux has it


def resolved(root: Path, path: str) -> str:
    """Where all links of an absolute path lead; a path that is not there is given back as far as it goes."""
    ahead, done, links = [part for part in path.split("/") if part], "", 0
    while ahead:
        part = ahead.pop(0)
        if part in (".", ".."):
            done = done.rpartition("/")[0] if part == ".." else done
            continue
        target = _target(root / f"{done}/{part}".lstrip("/"))
        if target is None or links == _MOST_LINKS:
            done = f"{done}/{part}"
            continue
        links += 1
        done = "" if target.startswith("/") else done
        ahead = [*(each for each in target.split("/") if each), *ahead]
    return done or "/"


def _target(path: Path) -> str | None:
    try:
        return os.readlink(path)  # noqa: PTH115 - the text of the link
    except OSError:
        return None


def under(root: Path, path: str) -> Path:
    """The file that `path` names on the system under `root`."""
    return root / resolved(root, path).lstrip("/")


def is_there(root: Path, path: str) -> bool:
    return exists(under(root, path))
