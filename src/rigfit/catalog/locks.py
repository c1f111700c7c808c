"""Reading a lock file: conda-lock's version 1 format, needing YAML and nothing of conda-lock."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from rigfit.catalog.place import Place, described
from rigfit.catalog.sidecar import Sidecar, read_sidecar, sidecar_path
from rigfit.core.problem import ProblemError
from rigfit.core.template import Artifact, Lock, Variant, file_name

SHA256 = re.compile(r"[0-9a-f]{64}")
URL_FORMS: dict[str, re.Pattern[str]] = {
    "conda": re.compile(r"(https?|file)://\S+/[^/\s]+(\.conda|\.tar\.bz2)"),
    "pip": re.compile(r"(\$\{RIGFIT_WHEELS\}/packages/|(https?|file)://)\S+\.whl"),
}
URL_NEEDED = {
    "conda": "the address of a .conda or .tar.bz2 file",
    "pip": "`${RIGFIT_WHEELS}/packages/.../FILE.whl` or the full address of a wheel",
}
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # eight times faster where libyaml was there


def read_lock(variant: Variant, platform: str) -> Lock:
    """The artifacts for `platform`, with their sizes. Raises ProblemError `lock_invalid` or `lock_stale`."""
    path = Path(variant.lock_path)
    reader = _Reader(path=path, fix=(f"rigfit lock {variant.template}",))
    raw = reader.raw()
    entries = reader.entries(raw, platform)
    digest = hashlib.sha256(raw).hexdigest()
    sidecar = read_sidecar(sidecar_path(path.parent, variant.name))
    if not digest == sidecar.lock_sha256 == variant.lock_sha256:
        needed = f"the file that its sizes were written for (sha256 {sidecar.lock_sha256[:16]}...)"
        raise reader.wrong("", needed=needed, found=f"a changed one (sha256 {digest[:16]}...)", code="lock_stale")
    artifacts = [reader.artifact(key, entry, sidecar) for key, entry in entries]
    return Lock(
        path=str(path),
        sha256=digest,
        platform=platform,
        conda=tuple(artifact for artifact in artifacts if artifact.manager == "conda"),
        pip=tuple(artifact for artifact in artifacts if artifact.manager == "pip"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    path: Path
    fix: tuple[str, ...]

    def wrong(self, key: str, *, needed: str, found: str, code: str = "lock_invalid") -> ProblemError:
        return Place(file=self.path, key=key).wrong(needed=needed, found=found, code=code, fix=self.fix)

    def raw(self) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise self.wrong("", needed="a lock file", found=error.strerror or str(error)) from None

    def entries(self, raw: bytes, platform: str) -> list[tuple[str, Mapping[str, Any]]]:
        """The package entries for `platform`, each with its key."""
        document = self._document(raw)
        packages = document.get("package")
        if not isinstance(packages, list):
            raise self.wrong("package", needed="a list of packages", found=described(packages))
        entries: list[tuple[str, Mapping[str, Any]]] = []
        for number, entry in enumerate(packages):
            key = f"package[{number}]"
            if not isinstance(entry, dict):
                raise self.wrong(key, needed="a table", found=described(entry))
            if self._text(f"{key}.platform", entry.get("platform")) == platform:
                entries.append((key, entry))
        if not entries:
            raise self.wrong("package", needed=f"packages for {platform}", found=_platforms(packages))
        return entries

    def _document(self, raw: bytes) -> dict[str, Any]:
        try:
            document = yaml.load(raw, Loader=_Loader)  # noqa: S506 - a safe loader, in C or in Python
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise self.wrong("", needed="YAML", found=f"a syntax error: {' '.join(str(error).split())}") from None
        if not isinstance(document, dict):
            raise self.wrong("", needed="a conda-lock file", found=described(document))
        if document.get("version") != 1:
            version = document.get("version", "none")
            raise self.wrong("version", needed="conda-lock's version 1", found=described(version))
        return document

    def artifact(self, key: str, entry: Mapping[str, Any], sidecar: Sidecar) -> Artifact:
        manager = self._manager(key, entry)
        url = self._text(f"{key}.url", entry.get("url"))
        if not URL_FORMS[manager].fullmatch(url):
            raise self.wrong(f"{key}.url", needed=URL_NEEDED[manager], found=described(url))
        filename = file_name(url)
        size = sidecar.sizes.get(filename)
        if size is None:
            beside = sidecar_path(self.path.parent, self.path.name.removesuffix(".conda-lock.yml")).name
            raise self.wrong(key, needed=f"a file that {beside} has the size of", found=filename)
        return Artifact(
            manager=manager,
            name=self._text(f"{key}.name", entry.get("name")),
            version=self._text(f"{key}.version", entry.get("version")),
            url=url,
            sha256=self._sha256(key, entry),
            size=size.fetch,
            unpacked=size.unpacked,
        )

    def _manager(self, key: str, entry: Mapping[str, Any]) -> Literal["conda", "pip"]:
        match entry.get("manager"):
            case "conda":
                return "conda"
            case "pip":
                return "pip"
            case other:
                raise self.wrong(f"{key}.manager", needed="conda or pip", found=described(other))

    def _sha256(self, key: str, entry: Mapping[str, Any]) -> str:
        hashes = entry.get("hash")
        digest = hashes.get("sha256") if isinstance(hashes, dict) else None
        if not isinstance(digest, str) or not SHA256.fullmatch(digest):
            found = "none" if digest is None else described(digest)
            name = entry.get("name")
            needed = f"the sha256 of {name}, without which it cannot be checked"
            raise self.wrong(f"{key}.hash.sha256", needed=needed, found=found)
        return digest

    def _text(self, key: str, value: Any) -> str:
        if not isinstance(value, str) or not value:
            raise self.wrong(key, needed="a text", found="none" if value is None else described(value))
        return value


def _platforms(packages: Sequence[Any]) -> str:
    names = sorted({str(entry.get("platform")) for entry in packages if isinstance(entry, dict)})
    return f"packages for {', '.join(names)}" if names else "no packages"
