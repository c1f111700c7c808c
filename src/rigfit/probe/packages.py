"""What dpkg has installed; rpm keeps a database that is not read here."""

from __future__ import annotations

import re
from pathlib import Path

from rigfit.probe.reading import text_of


def dpkg_versions(root: Path) -> dict[str, str]:
    """NVIDIA's and CUDA's packages by name; empty where there is no dpkg."""
    said = text_of(root / "var/lib/dpkg/status") or ""
    found = {}
    for entry in re.split(r"\n\n+", said):
        name = re.search(r"^Package: (\S*(?:nvidia|cuda)\S*)$", entry, re.MULTILINE)
        version = re.search(r"^Version: (\S+)$", entry, re.MULTILINE)
        if name and version and re.search(r"^Status: \S+ ok installed$", entry, re.MULTILINE):
            found[name[1]] = version[1]
    return found
