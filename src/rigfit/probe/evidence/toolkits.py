"""The CUDA toolkits on a machine, and what leads to each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from rigfit.core.evidence import Toolkit
from rigfit.core.version import Version
from rigfit.probe.links import is_there, resolved, under
from rigfit.probe.packages import dpkg_versions
from rigfit.probe.reading import names_in, text_of, version_or_none

_VARIABLES = ("CUDA_HOME", "CUDA_PATH")


def toolkits(root: Path, environ: Mapping[str, str]) -> tuple[Toolkit, ...]:
    """Those of /usr/local, that of a variable, and the one whose nvcc is first on PATH."""
    ways = dict(_ways(root, environ))
    local = (name for name in names_in(root / "usr/local") or () if re.fullmatch(r"cuda-\d+\.\d+", name))
    places = dict.fromkeys((*(f"/usr/local/{name}" for name in local), *ways.values()))
    found = [_toolkit(root, place, ways) for place in places if place != "/usr" and _is_toolkit(root, place)]
    return (*found, *_of_distribution(root, ways))


def _ways(root: Path, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for folder in filter(None, environ.get("PATH", "").split(":")):
        nvcc = f"{folder.rstrip('/')}/nvcc"
        if nvcc.startswith("/") and is_there(root, nvcc):
            yield "PATH", resolved(root, nvcc).removesuffix("/nvcc").removesuffix("/bin")
            break
    for name in _VARIABLES:
        if environ.get(name, "").startswith("/"):
            yield name, resolved(root, environ[name].rstrip("/"))


def _is_toolkit(root: Path, place: str) -> bool:
    return is_there(root, f"{place}/bin/nvcc")


def _toolkit(root: Path, place: str, ways: Mapping[str, str]) -> Toolkit:
    by = tuple(name for name, led in ways.items() if led == place)
    version = _version(root, place)
    return Toolkit(place=f"{place}/bin/nvcc" if version is None else place, version=version, by=by)


def _version(root: Path, place: str) -> Version | None:
    """`12.4` of version.json, of version.txt (until 11.0), or of the folder's name."""
    folder = under(root, place)
    try:
        said = json.loads(text_of(folder / "version.json") or "{}").get("cuda", {}).get("version", "")
    except (ValueError, AttributeError):
        said = ""
    if not said:
        old = re.search(r"CUDA Version (\S+)", text_of(folder / "version.txt") or "")
        said = old[1] if old else place.rpartition("cuda-")[2]
    return version_or_none(".".join(str(said).split(".")[:2]))


def _of_distribution(root: Path, ways: Mapping[str, str]) -> Iterator[Toolkit]:
    """Debian's and Ubuntu's own package puts nvcc into /usr/bin."""
    said = dpkg_versions(root).get("nvidia-cuda-toolkit") if is_there(root, "/usr/bin/nvcc") else None
    if said is not None:
        found = re.match(r"(?:\d+:)?(\d+\.\d+)", said)
        by = tuple(name for name, led in ways.items() if led == "/usr")
        yield Toolkit(place="/usr/bin/nvcc", version=version_or_none(found[1]) if found else None, by=by)
