"""What a wheel says about itself, read where it lies: sizes, requirements, and the build CUDA of torch."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rigfit.catalog.relock.ranged import RangedFile
from rigfit.catalog.sidecar import BLOCK, Size

_TORCH_CUDA = re.compile(r"^cuda\b[^=]*= *'([\d.]+)'", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelContents:
    """`requires` are its own requirements as written; `cuda` the build CUDA where it is a torch built with one."""

    size: Size
    requires: tuple[str, ...]
    cuda: str | None


def look_into(place: str) -> WheelContents:
    """`place` is a web address or a path."""
    if not place.startswith(("https://", "http://")):
        with zipfile.ZipFile(place) as archive:
            return _contents(archive, Path(place).stat().st_size)
    remote = RangedFile(place)
    with zipfile.ZipFile(remote) as archive:
        return _contents(archive, remote.size)


def _contents(archive: zipfile.ZipFile, size: int) -> WheelContents:
    names = archive.namelist()
    metadata = next(name for name in names if name.count("/") == 1 and name.endswith(".dist-info/METADATA"))
    headers = HeaderParser().parsestr(archive.read(metadata).decode())
    torch = archive.read("torch/version.py").decode() if "torch/version.py" in names else ""
    cuda = _TORCH_CUDA.search(torch)
    return WheelContents(
        size=Size(fetch=size, unpacked=sum(-(-info.file_size // BLOCK) * BLOCK for info in archive.infolist())),
        requires=tuple(headers.get_all("Requires-Dist") or ()),
        cuda=cuda[1] if cuda else None,
    )


def needs(requires: Iterable[str], markers: dict[str, str]) -> dict[str, str]:
    """Requirements that hold in the environment `markers`, without extras: specifier by normalized name."""
    found: dict[str, str] = {}
    for text in requires:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(markers):
            name = canonicalize_name(requirement.name)
            specifiers = [found.get(name, ""), str(requirement.specifier)]
            found[name] = ",".join(specifier for specifier in specifiers if specifier)
    return dict(sorted(found.items()))
