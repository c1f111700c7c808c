"""The libraries that some Python has, as far as they are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from packaging.version import InvalidVersion
from packaging.version import Version as PackageVersion

from rigfit.core.version import Version

Build = Literal["cpu", "cuda", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """`versions` by normal name (`huggingface-hub`): None says that it was looked for and is not there; a name that is
    missing was not looked for. `build` and `cuda` are torch's own; `python` is the interpreter's version, `3.11.7`.
    """

    versions: Mapping[str, str | None] = field(default_factory=dict)
    python: str | None = None
    build: Build | None = None
    cuda: Version | None = None

    def version(self, package: str) -> PackageVersion | None:
        """None for what is absent, not known, or has a version that is none."""
        text = self.python if package == "python" else self.versions.get(package)
        try:
            return None if text is None else PackageVersion(text)
        except InvalidVersion:
            return None

    def is_absent(self, package: str) -> bool:
        return package in self.versions and self.versions[package] is None
