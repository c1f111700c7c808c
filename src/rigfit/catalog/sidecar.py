"""The file of sizes and versions beside each lock: all that choosing and planning need without reading the lock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rigfit.catalog.place import Place, described
from rigfit.catalog.table import SHA256, TABLE, TEXT, VERSION, WHOLE, Table, read_text
from rigfit.core.version import Version

BLOCK = 4096
CONDA_FACTOR = 4  # a CPython 3.11 tree takes 3.5 times its zstd -19 archive in blocks of 4096 bytes, rounded up
ABOUT = (
    "Written by `rigfit lock`; sizes in bytes. fetch: the file as downloaded. unpacked: its files, each rounded up to"
    f" blocks of {BLOCK}. unpacked_estimate: {CONDA_FACTOR} times fetch, as conda's records do not tell."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Bytes to fetch and bytes on disk; `estimated` says that the latter is a guess by rule."""

    fetch: int
    unpacked: int
    estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """`sizes` by file name, `versions` of the libraries by name; `inputs_sha256` is the hash of what people edit."""

    lock_sha256: str
    inputs_sha256: str
    python: str
    glibc: Version
    glibc_because: str
    versions: Mapping[str, str] = field(hash=False)
    sizes: Mapping[str, Size] = field(hash=False)

    @property
    def fetch(self) -> int:
        return sum(size.fetch for size in self.sizes.values())

    @property
    def disk(self) -> int:
        return sum(size.unpacked for size in self.sizes.values())

    def to_text(self) -> str:
        """JSON with a line for each file, so that a change of one shows as one line."""
        head: dict[str, Any] = {
            "about": ABOUT,
            "lock_sha256": self.lock_sha256,
            "inputs_sha256": self.inputs_sha256,
            "python": self.python,
            "glibc": str(self.glibc),
            "glibc_because": self.glibc_because,
            "fetch": self.fetch,
            "disk": self.disk,
            "versions": dict(sorted(self.versions.items())),
        }
        rows = [f"  {json.dumps(name)}: {json.dumps(_size_json(size))}" for name, size in sorted(self.sizes.items())]
        body = json.dumps(head, indent=1).removesuffix("\n}")
        return body + ',\n "sizes": {\n' + ",\n".join(rows) + "\n }\n}\n"


def lock_path(folder: Path, variant: str) -> Path:
    return folder / f"{variant}.conda-lock.yml"


def sidecar_path(folder: Path, variant: str) -> Path:
    return folder / f"{variant}.sizes.json"


def read_sidecar(path: Path) -> Sidecar:
    try:
        values = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise Place(file=path).wrong(needed="JSON", found=f"a syntax error: {error}") from None
    if not isinstance(values, dict):
        raise Place(file=path).wrong(needed="a JSON object", found=described(values))
    with Table(values, Place(file=path)) as table:
        sidecar = Sidecar(
            lock_sha256=table.get("lock_sha256", SHA256),
            inputs_sha256=table.get("inputs_sha256", SHA256),
            python=table.get("python", TEXT),
            glibc=table.get("glibc", VERSION),
            glibc_because=table.get("glibc_because", TEXT),
            versions=_versions(table),
            sizes=_sizes(table),
        )
        table.get("about", TEXT)
        for key, total in (("fetch", sidecar.fetch), ("disk", sidecar.disk)):
            if table.get(key, WHOLE) != total:
                raise table.place.at(key).wrong(needed=f"the sum of all sizes, {total}", found=str(values[key]))
    return sidecar


def _size_json(size: Size) -> dict[str, int]:
    return {"fetch": size.fetch, "unpacked_estimate" if size.estimated else "unpacked": size.unpacked}


def _versions(table: Table) -> dict[str, str]:
    versions = Table(table.get("versions", TABLE), table.place.at("versions"))
    return {name: versions.get(name, TEXT) for name in versions.values}


def _sizes(table: Table) -> dict[str, Size]:
    sizes = {}
    for name, values in table.get("sizes", TABLE).items():
        with Table(values if isinstance(values, dict) else {}, table.place.at(f"sizes[{name}]")) as row:
            estimated = "unpacked_estimate" in row.values
            key = "unpacked_estimate" if estimated else "unpacked"
            sizes[name] = Size(fetch=row.get("fetch", WHOLE), unpacked=row.get(key, WHOLE), estimated=estimated)
    return sizes
