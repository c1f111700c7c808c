"""Conda packages of a few bytes: a `python` that is a shim around a real one, and a noarch `pip`."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stand_ins.web import Reply, Site

from rigfit.core.template import Artifact

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
INTERPRETER = str(getattr(sys, "_base_executable", "") or sys.executable)


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    build: str
    subdir: str
    content: bytes

    @property
    def filename(self) -> str:
        return f"{self.name}-{self.version}-{self.build}.tar.bz2"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def md5(self) -> str:
        return hashlib.md5(self.content).hexdigest()  # noqa: S324 - all that an explicit file says of a package

    @property
    def place(self) -> str:
        return f"{self.subdir}/{self.filename}"

    def locked(self, channel: str, sha256: str | None = None) -> Artifact:
        return Artifact(
            manager="conda",
            name=self.name,
            version=self.version,
            url=f"{channel}/{self.place}",
            sha256=self.sha256 if sha256 is None else sha256,
            size=len(self.content),
            unpacked=len(self.content) * 3,
        )

    def put_in(self, folder: Path, content: bytes | None = None) -> str:
        """Into a channel on disk; the channel's address."""
        path = folder / self.place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.content if content is None else content)
        return folder.as_uri()

    def put_on(self, site: Site) -> str:
        """Onto a channel on the web; the channel's address."""
        site.replies[f"/forge/{self.place}"] = Reply(self.content)
        return f"{site.url}/forge"


def write_records(folder: Path, depends: Mapping[Package, Sequence[str]]) -> str:
    """A channel on disk that can be solved against, though it holds no package; its address."""
    for subdir in ("linux-64", "noarch"):
        records = {package.filename: _record(package, needs) for package, needs in depends.items()}
        chosen = {name: record for name, record in records.items() if record["subdir"] == subdir}
        (folder / subdir).mkdir(parents=True)
        (folder / subdir / "repodata.json").write_text(json.dumps({"info": {"subdir": subdir}, "packages": chosen}))
    return folder.as_uri()


def _record(package: Package, depends: Sequence[str]) -> dict[str, Any]:
    return {
        "name": package.name,
        "version": package.version,
        "build": package.build,
        "build_number": 0,
        "depends": list(depends),
        "subdir": package.subdir,
        "md5": package.md5,
        "sha256": package.sha256,
        "size": len(package.content),
    }


def make_python(text: str = "the standard library") -> Package:
    """`bin/python` starts the interpreter that runs the tests; `text` tells one build from another."""
    shim = f'#!/bin/sh\nexec {INTERPRETER} "$@"\n'
    files = {"bin/python": shim, f"bin/python{MINOR}": shim, f"lib/python{MINOR}/big.txt": text * 2000}
    return _package("python", f"{MINOR}.0", "h0_0_cpython", "linux-64", files)


def make_whole_python() -> Package:
    """A `python` that takes the prefix for its own, as a real one does, by way of `pyvenv.cfg`."""
    config = f"home = {Path(INTERPRETER).parent}\ninclude-system-site-packages = false\n"
    files = {"pyvenv.cfg": config, f"lib/python{MINOR}/site-packages/README.txt": "none\n"}
    links = {"bin/python": INTERPRETER, f"bin/python{MINOR}": INTERPRETER}
    return _package("python", f"{MINOR}.0", "h1_0_cpython", "linux-64", files, links=links)


def make_pip() -> Package:
    """A noarch package with an entry point, as conda-forge builds pip."""
    files = {
        "site-packages/pip/__init__.py": "def main():\n    print('pip of the stand-in')\n",
        "site-packages/pip-99.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: pip\nVersion: 99.0\n",
    }
    link = {"noarch": {"type": "python", "entry_points": ["pip = pip:main"]}, "package_metadata_version": 1}
    return _package("pip", "99.0", "pyhd_0", "noarch", files, index={"noarch": "python"}, link=link)


def make_real_pip(wheel: Path) -> Package:
    """The pip of a wheel as conda-forge builds it, but for the launchers of another operating system."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith(".exe")]
        files = {f"site-packages/{name}": archive.read(name).decode() for name in names}
    link = {
        "noarch": {"type": "python", "entry_points": ["pip = pip._internal.cli.main:main"]},
        "package_metadata_version": 1,
    }
    version = wheel.name.split("-")[1]
    return _package("pip", version, "pyh0_0", "noarch", files, index={"noarch": "python"}, link=link)


def _package(
    name: str,
    version: str,
    build: str,
    subdir: str,
    files: dict[str, str],
    *,
    index: dict[str, Any] | None = None,
    link: dict[str, Any] | None = None,
    links: dict[str, str] | None = None,
) -> Package:
    about = {"name": name, "version": version, "build": build, "build_number": 0, "depends": [], "subdir": subdir}
    info = {
        "info/index.json": json.dumps(about | (index or {})),
        "info/paths.json": json.dumps(
            {
                "paths_version": 1,
                "paths": [
                    *(_path(*each) for each in files.items()),
                    *({"_path": path, "path_type": "softlink"} for path in links or ()),
                ],
            },
        ),
        "info/files": "\n".join([*files, *(links or ())]),
        "info/about.json": "{}",
    }
    if link:
        info["info/link.json"] = json.dumps(link)
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:bz2") as archive:
        for path, text in (info | files).items():
            entry = tarfile.TarInfo(path)
            entry.size = len(text.encode())
            entry.mode = 0o755 if path.startswith("bin/") else 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
        for path, target in (links or {}).items():
            entry = tarfile.TarInfo(path)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return Package(name, version, build, subdir, content.getvalue())


def _path(path: str, text: str) -> dict[str, Any]:
    body = text.encode()
    return {
        "_path": path,
        "path_type": "hardlink",
        "sha256": hashlib.sha256(body).hexdigest(),
        "size_in_bytes": len(body),
    }
