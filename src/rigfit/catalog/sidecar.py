"""The file of sizes and versions beside each lock: all that choosing and planning need without reading the lock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rigfit.catalog.place import Place, described
from rigfit.catalog.table import SHA256, TABLE, TEXT, VERSION, WHOLE, Table, read_text
from rigfit.core.template import Stack
from rigfit.core.words import say

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

    def to_json(self) -> dict[str, int]:
        return {"fetch": self.fetch, "unpacked_estimate" if self.estimated else "unpacked": self.unpacked}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The lock on one platform. `rows` are its files' sizes as they stand, looked at only when they are needed."""

    stack: Stack
    rows: Mapping[str, Any] = field(hash=False)
    place: Place

    def sizes(self) -> dict[str, Size]:
        """By file name. Raises ProblemError for a row that is none, and where `fetch` and `disk` are not the sums."""
        sizes = {name: _size(row, self.place.at(f"sizes[{name}]")) for name, row in self.rows.items()}
        fetch, disk = sum(size.fetch for size in sizes.values()), sum(size.unpacked for size in sizes.values())
        for key, said, total in (("fetch", self.stack.fetch, fetch), ("disk", self.stack.disk, disk)):
            if said != total:
                needed = say("the sum of all sizes, {total}", total=total)
                raise self.place.at(key).wrong(needed=needed, found=str(said))
        return sizes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """`inputs_sha256` is the hash of what people edit; `parts` are by platform."""

    lock_sha256: str
    inputs_sha256: str
    parts: Mapping[str, Part] = field(hash=False)


def lock_path(folder: Path, variant: str) -> Path:
    return folder / f"{variant}.conda-lock.yml"


def sidecar_path(folder: Path, variant: str) -> Path:
    return folder / f"{variant}.sizes.json"


def read_sidecar(path: Path) -> Sidecar:
    place = Place(file=path, fix=(f"rigfit lock {path.parent.name}",))
    try:
        values = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise place.wrong(needed="JSON", found=say("a syntax error: {error}", error=str(error))) from None
    if not isinstance(values, dict):
        raise place.wrong(needed=say("a JSON object"), found=described(values))
    with Table(values, place) as table:
        table.get("about", TEXT)
        platforms = table.table("platforms")
        return Sidecar(
            lock_sha256=table.get("lock_sha256", SHA256),
            inputs_sha256=table.get("inputs_sha256", SHA256),
            parts={platform: _part(platform, platforms.table(platform)) for platform in platforms.values},
        )


def sidecar_text(*, lock_sha256: str, inputs_sha256: str, parts: Sequence[tuple[Stack, Mapping[str, Size]]]) -> str:
    """JSON with a line for each file, so that a change of one shows as one line."""
    head = {"about": ABOUT, "lock_sha256": lock_sha256, "inputs_sha256": inputs_sha256}
    body = json.dumps(head, indent=1).removesuffix("\n}")
    platforms = ",\n".join(_part_text(stack, sizes) for stack, sizes in parts)
    return f'{body},\n "platforms": {{\n{platforms}\n }}\n}}\n'


def _part_text(stack: Stack, sizes: Mapping[str, Size]) -> str:
    head: dict[str, Any] = {
        "python": stack.python,
        "glibc": str(stack.glibc),
        "glibc_because": stack.glibc_because,
        "fetch": stack.fetch,
        "disk": stack.disk,
        "versions": dict(sorted(stack.versions.items())),
    }
    lines = json.dumps(head, indent=1).removesuffix("\n}").splitlines()
    rows = [f"    {json.dumps(name)}: {json.dumps(size.to_json())}" for name, size in sorted(sizes.items())]
    indented = "\n".join(f"  {line}" for line in lines[1:])
    return f"  {json.dumps(stack.platform)}: {{\n{indented},\n" + '   "sizes": {\n' + ",\n".join(rows) + "\n   }\n  }"


def _part(platform: str, table: Table) -> Part:
    with table:
        stack = Stack(
            platform=platform,
            python=table.get("python", TEXT),
            versions=_versions(table.table("versions")),
            glibc=table.get("glibc", VERSION),
            glibc_because=table.get("glibc_because", TEXT),
            fetch=table.get("fetch", WHOLE),
            disk=table.get("disk", WHOLE),
        )
        return Part(stack=stack, rows=table.get("sizes", TABLE), place=table.place)


def _versions(table: Table) -> dict[str, str]:
    for name in ("torch", "bitsandbytes"):
        if name not in table.values:
            raise table.place.at(name).wrong(needed=say("a locked version"), found=say("none"))
    return {name: table.get(name, TEXT) for name in table.values}


def _size(row: object, place: Place) -> Size:
    with Table(row if isinstance(row, dict) else {}, place) as table:
        estimated = "unpacked_estimate" in table.values
        key = "unpacked_estimate" if estimated else "unpacked"
        return Size(fetch=table.get("fetch", WHOLE), unpacked=table.get(key, WHOLE), estimated=estimated)
