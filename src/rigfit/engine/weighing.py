"""What an environment takes on the disk, and what removing it would give back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """Bytes. `freed` leaves out what a cache or another environment holds by the same link."""

    total: int
    freed: int


def weigh(prefix: Path) -> Weight:
    """Without following links; a file that has several names in it counts once, what cannot be read counts nothing."""
    seen: dict[tuple[int, int], tuple[int, int, int]] = {}
    for status in _files(str(prefix)):
        size, links, names = (
            status.st_blocks * 512,
            status.st_nlink,
            seen.get((status.st_dev, status.st_ino), (0, 0, 0))[2],
        )
        seen[status.st_dev, status.st_ino] = (size, links, names + 1)
    total = sum(size for size, _links, _names in seen.values())
    return Weight(total=total, freed=sum(size for size, links, names in seen.values() if names >= links))


def _files(folder: str) -> Iterator[os.stat_result]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path)
        else:
            try:
                yield entry.stat(follow_symlinks=False)
            except OSError:
                continue
