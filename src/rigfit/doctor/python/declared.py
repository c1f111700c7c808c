"""What libraries declare that they need, and what is there instead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion
from packaging.version import Version as PackageVersion

from rigfit.core.finding import Severity
from rigfit.doctor.python.look import Look
from rigfit.doctor.python.shelf import Copy, Shelf

# What transformers compares with its own list when it is imported, and refuses to be imported otherwise.
_ASKED_AT_IMPORT = frozenset(
    {
        "tqdm",
        "regex",
        "requests",
        "packaging",
        "filelock",
        "numpy",
        "tokenizers",
        "huggingface-hub",
        "safetensors",
        "pyyaml",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmet:
    """A declared requirement, and what is there: None for nothing."""

    owner: Copy
    needs: Requirement
    found: str | None

    @property
    def name(self) -> str:
        return str(canonicalize_name(self.needs.name))

    @property
    def severity(self) -> Severity:
        strict = self.owner.name == "transformers" and self.name in _ASKED_AT_IMPORT
        return "error" if strict or self.found is None else "warning"


def unmet_of(copy: Copy, look: Look, shelf: Shelf) -> Iterator[Unmet]:
    """As `pip check` judges, for the markers of that Python."""
    for line in copy.requires:
        try:
            needs = Requirement(line)
            applies = needs.marker is None or needs.marker.evaluate({**look.markers, "extra": ""})
        except (InvalidRequirement, ValueError):
            continue
        found = shelf.copy(canonicalize_name(needs.name)) if applies else None
        module = shelf.module(canonicalize_name(needs.name))
        if applies and found is None and module is None:
            yield Unmet(owner=copy, needs=needs, found=None)
        elif found is not None and found.version and not _allows(needs, found.version):
            yield Unmet(owner=copy, needs=needs, found=found.version)


def _allows(needs: Requirement, version: str) -> bool:
    try:
        return needs.specifier.contains(PackageVersion(version), prereleases=True)
    except InvalidVersion:
        return True
