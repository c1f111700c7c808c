"""Wheels of a few bytes, and package indexes that hold them."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.stand_ins.web import Reply, Site

from rigfit.core.template import Artifact


@dataclass(frozen=True)
class Wheel:
    name: str
    version: str
    content: bytes

    @property
    def filename(self) -> str:
        return f"{self.name}-{self.version}-py3-none-any.whl"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def locked(self, url: str = "", sha256: str = "") -> Artifact:
        """As a lock has it: from the package index, unless it is given an address of its own."""
        return Artifact(
            manager="pip",
            name=self.name,
            version=self.version,
            url=url or f"${{RIGFIT_WHEELS}}/packages/aa/bb/{self.filename}",
            sha256=sha256 or self.sha256,
            size=len(self.content),
            unpacked=sum(entry.file_size for entry in zipfile.ZipFile(io.BytesIO(self.content)).infolist()),
        )

    def flipped(self) -> bytes:
        """The same with one bit of its module changed."""
        at = self.content.index(b'"""') + 3
        return self.content[:at] + bytes([self.content[at] ^ 1]) + self.content[at + 1 :]

    def put_in(self, folder: Path, content: bytes | None = None) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / self.filename
        path.write_bytes(self.content if content is None else content)
        return path


def make_wheel(
    name: str = "alpha",
    version: str = "1.0",
    text: str = "a",
    size: int = 200,
    beside: Mapping[str, str] | None = None,
) -> Wheel:
    """A pure wheel with one module of about `size` bytes; another `text` is another file of the same name.

    `beside` are texts by the names of files that stand beside the module.
    """
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f'"""{text * size}"""\n',
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: stand-in\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **(beside or {}),
    }
    files[f"{info}/RECORD"] = (
        "".join(f"{path},{_record(body)}\n" for path, body in files.items()) + f"{info}/RECORD,,\n"
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, body in files.items():
            archive.writestr(zipfile.ZipInfo(path), body)
    return Wheel(name, version, content.getvalue())


def _record(body: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(body.encode()).digest()).rstrip(b"=").decode()
    return f"sha256={digest},{len(body)}"


def put_on_index(site: Site, *wheels: Wheel, under: str = "/simple") -> str:
    """Add wheels to an index of `site`, without hashes in its pages; the index's address."""
    for wheel in wheels:
        file = f"/files{under}/{wheel.filename}"
        site.replies[file] = Reply(wheel.content)
        page = site.replies.setdefault(f"{under}/{wheel.name}/", Reply())
        page.body += f'<a href="{file}">{wheel.filename}</a>\n'.encode()
    return f"{site.url}{under}"


def file_on_index(site: Site, wheel: Wheel, under: str = "/simple") -> Reply:
    """What the index answers when the file itself is asked for."""
    return site.replies[f"/files{under}/{wheel.filename}"]


def put_on_whole_index(site: Site, *wheels: Wheel) -> str:
    """An index that can be locked against: hashes in its pages, files under the paths that mirrors keep, and ranges."""
    for wheel in wheels:
        place = hashlib.blake2b(wheel.content, digest_size=32).hexdigest()
        file = f"/packages/{place[:2]}/{place[2:4]}/{place[4:]}/{wheel.filename}"
        site.replies[file] = Reply(wheel.content, ranges=True)
        page = site.replies.setdefault(f"/simple/{wheel.name}/", Reply())
        page.body += f'<a href="{file}#sha256={wheel.sha256}">{wheel.filename}</a>\n'.encode()
    return f"{site.url}/simple"
