"""Reading a lock file: conda-lock's version 1 format, needing YAML and nothing of conda-lock."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from rigfit.catalog.place import Place, described
from rigfit.catalog.sidecar import Size, read_sidecar, sidecar_path
from rigfit.core.problem import ProblemError
from rigfit.core.template import Artifact, Lock, Variant, file_name
from rigfit.core.words import alternatives, say

CHANNEL_URL = "https://conda.anaconda.org/conda-forge"
INDEX_PATH = re.compile(r"/packages/([0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/[^/?#]+\.whl)$")  # mirrors keep it
SHA256 = re.compile(r"[0-9a-f]{64}")
URL_FORMS: dict[str, re.Pattern[str]] = {
    "conda": re.compile(r"(https?|file)://\S+/[^/\s]+(\.conda|\.tar\.bz2)"),
    "pip": re.compile(r"(\$\{RIGFIT_WHEELS\}/packages/|(https?|file)://)\S+\.whl"),
}
URL_NEEDED = {
    "conda": say("the address of a .conda or .tar.bz2 file"),
    "pip": say("`${{RIGFIT_WHEELS}}/packages/.../FILE.whl` or the full address of a wheel"),
}
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # eight times faster where libyaml was there


def read_lock(variant: Variant, platform: str) -> Lock:
    """The artifacts for `platform`, with their sizes. Raises ProblemError `lock_invalid` or `lock_stale`."""
    file = read_lock_file(Path(variant.lock_path), template=variant.template)
    entries = file.entries(platform)
    beside = sidecar_path(file.path.parent, variant.name)
    sidecar = read_sidecar(beside)
    if not file.sha256 == sidecar.lock_sha256 == variant.lock_sha256:
        needed = say("the file that its sizes were written for (sha256 {sha256}...)", sha256=sidecar.lock_sha256[:16])
        found = say("a changed one (sha256 {sha256}...)", sha256=file.sha256[:16])
        raise file.wrong("", needed=needed, found=found, code="lock_stale")
    if platform not in sidecar.parts:
        needed = say("a platform that {file} has the sizes for", file=beside.name)
        raise file.wrong("package", needed=needed, found=platform, code="lock_stale")
    sizes = sidecar.parts[platform].sizes()
    artifacts = [_artifact(file, entry, sizes, beside.name) for entry in entries]
    return Lock(
        path=str(file.path),
        sha256=file.sha256,
        platform=platform,
        conda=tuple(artifact for artifact in artifacts if artifact.manager == "conda"),
        pip=tuple(artifact for artifact in artifacts if artifact.manager == "pip"),
    )


def read_lock_file(path: Path, *, template: str) -> LockFile:
    """Raises ProblemError `lock_invalid` where it is not one."""
    fix = (f"rigfit lock {template}",)

    def wrong(key: str, *, needed: str, found: str) -> ProblemError:
        return Place(file=path, key=key).wrong(needed=needed, found=found, code="lock_invalid", fix=fix)

    try:
        raw = path.read_bytes()
        document = yaml.load(raw, Loader=_Loader)  # noqa: S506 - a safe loader, in C or in Python
    except OSError as error:
        raise wrong("", needed=say("a lock file"), found=error.strerror or str(error)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        found = say("a syntax error: {error}", error=" ".join(str(error).split()))
        raise wrong("", needed="YAML", found=found) from None
    if not isinstance(document, dict):
        raise wrong("", needed=say("a conda-lock file"), found=described(document))
    if document.get("version") != 1:
        raise wrong("version", needed=say("conda-lock's version 1"), found=described(document.get("version", "none")))
    packages = document.get("package")
    if not isinstance(packages, list):
        raise wrong("package", needed=say("a list of packages"), found=described(packages))
    metadata = document.get("metadata")
    if not isinstance(metadata, dict):
        raise wrong("metadata", needed=say("a table"), found=described(metadata))
    sha256 = hashlib.sha256(raw).hexdigest()
    return LockFile(path=path, sha256=sha256, metadata=metadata, packages=packages, fix=fix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One package of a lock; `key` is its place in the file, `dependencies` are specifiers by name."""

    key: str
    manager: Literal["conda", "pip"]
    name: str
    version: str
    url: str
    sha256: str
    dependencies: Mapping[str, str] = field(hash=False)

    @property
    def filename(self) -> str:
        return file_name(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockFile:
    """A lock file whose packages are read platform by platform."""

    path: Path
    sha256: str
    metadata: Mapping[str, Any] = field(hash=False)
    packages: Sequence[Any]
    fix: tuple[str, ...]

    def wrong(self, key: str, *, needed: str, found: str, code: str = "lock_invalid") -> ProblemError:
        return Place(file=self.path, key=key).wrong(needed=needed, found=found, code=code, fix=self.fix)

    def entries(self, platform: str) -> tuple[Entry, ...]:
        """The packages for `platform`. Raises ProblemError `lock_invalid`, also where there are none."""
        entries = []
        for number, row in enumerate(self.packages):
            key = f"package[{number}]"
            if not isinstance(row, dict):
                raise self.wrong(key, needed=say("a table"), found=described(row))
            if self._text(f"{key}.platform", row.get("platform")) == platform:
                entries.append(self._entry(key, row))
        if not entries:
            needed = say("packages for {platforms}", platforms=platform)
            raise self.wrong("package", needed=needed, found=self._platforms())
        return tuple(entries)

    def _platforms(self) -> str:
        names = sorted({str(row.get("platform")) for row in self.packages})
        return say("packages for {platforms}", platforms=", ".join(names)) if names else say("no packages")

    def _entry(self, key: str, row: Mapping[str, Any]) -> Entry:
        manager = self._manager(key, row)
        url = self._text(f"{key}.url", row.get("url"))
        if not URL_FORMS[manager].fullmatch(url):
            raise self.wrong(f"{key}.url", needed=URL_NEEDED[manager], found=described(url))
        return Entry(
            key=key,
            manager=manager,
            name=self._text(f"{key}.name", row.get("name")),
            version=self._text(f"{key}.version", row.get("version")),
            url=url,
            sha256=self._sha256(key, row),
            dependencies=self._dependencies(key, row),
        )

    def _manager(self, key: str, row: Mapping[str, Any]) -> Literal["conda", "pip"]:
        match row.get("manager"):
            case "conda":
                return "conda"
            case "pip":
                return "pip"
            case other:
                raise self.wrong(f"{key}.manager", needed=alternatives(("conda", "pip")), found=described(other))

    def _sha256(self, key: str, row: Mapping[str, Any]) -> str:
        hashes = row.get("hash")
        digest = hashes.get("sha256") if isinstance(hashes, dict) else None
        if not isinstance(digest, str) or not SHA256.fullmatch(digest):
            found = say("none") if digest is None else described(digest)
            needed = say("the sha256 of {name}, without which it cannot be checked", name=row.get("name"))
            raise self.wrong(f"{key}.hash.sha256", needed=needed, found=found)
        return digest

    def _dependencies(self, key: str, row: Mapping[str, Any]) -> Mapping[str, str]:
        needs = row.get("dependencies", {})
        if not isinstance(needs, dict) or not all(type(part) is str for pair in needs.items() for part in pair):
            raise self.wrong(f"{key}.dependencies", needed=say("specifiers by name"), found=described(needs))
        return needs

    def _text(self, key: str, value: Any) -> str:
        if not isinstance(value, str) or not value:
            raise self.wrong(key, needed=say("a text"), found=say("none") if value is None else described(value))
        return value


def _artifact(file: LockFile, entry: Entry, sizes: Mapping[str, Size], beside: str) -> Artifact:
    size = sizes.get(entry.filename)
    if size is None:
        needed = say("a file that {file} has the size of", file=beside)
        raise file.wrong(entry.key, needed=needed, found=entry.filename)
    return Artifact(
        manager=entry.manager,
        name=entry.name,
        version=entry.version,
        url=entry.url,
        sha256=entry.sha256,
        size=size.fetch,
        unpacked=size.unpacked,
    )
