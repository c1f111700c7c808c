"""Locked files that already lie in a folder of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from rigfit.core.template import Artifact


def sha256_of(file: Path) -> str:
    """190 MB take 0.2 s."""
    import hashlib

    digest = hashlib.sha256()
    with file.open("rb") as content:
        while chunk := content.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def lying_in(folders: Iterable[Path], artifacts: Iterable[Artifact]) -> dict[str, str]:
    """Paths by sha256 of files with the name and size of an artifact; their content is not looked at."""
    wanted = {artifact.filename: artifact for artifact in artifacts}
    found: dict[str, str] = {}
    for folder in folders:
        for entry in _files(folder):
            artifact = wanted.get(entry.name)
            if artifact is not None and artifact.sha256 not in found and entry.stat().st_size == artifact.size:
                found[artifact.sha256] = entry.path
    return found


def with_their_content(found: dict[str, str]) -> dict[str, str]:
    """Those of them that really are what they are called."""
    return {sha256: path for sha256, path in found.items() if _is(Path(path), sha256)}


def _is(file: Path, sha256: str) -> bool:
    try:
        return sha256_of(file) == sha256
    except OSError:
        return False


def _files(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return [entry for entry in os.scandir(folder) if entry.is_file()]
    except OSError:
        return []
