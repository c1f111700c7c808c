"""Room on the disks, and the way to the package index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from shlex import quote

from rigfit.core.evidence import Evidence, Room, RoomUse, Served
from rigfit.core.finding import Finding, Unknown
from rigfit.core.machine import Machine
from rigfit.core.size import human
from rigfit.core.words import joined, say

CODES = (
    "disk_full",
    "disk_low",
    "inodes_used_up",
    "place_not_writable",
    "certificates_missing",
    "tls_refused",
    "index_serves_other_file",
)
_FULL = 256 << 20  # bytes: below it pip, uv and notebooks fail on their temporary files
_LOW = 2 << 30  # bytes: less than the smallest environment takes
_FEW = 1000  # inodes; an environment has tens of thousands of files
_NAMES: dict[RoomUse, str] = {
    "temporary": say("the folder for temporary files"),
    "environments": say("the home of rigfit"),
    "home": say("your home folder"),
    "cache": say("the cache of uv"),
}
_MOVES: dict[RoomUse, str] = {
    "temporary": say("or set another place: TMPDIR for temporary files"),
    "environments": say("or set another place: RIGFIT_HOME or --home DIR for environments"),
    "home": say("or ask for a larger quota"),
    "cache": say("or set another place: UV_CACHE_DIR for the cache"),
}


def findings(evidence: Evidence) -> Iterator[Finding]:
    yield from _disks(evidence.rooms)
    for room in evidence.rooms:
        if not room.writable:
            yield Finding(
                code="place_not_writable",
                severity="warning" if room.use == "home" else "error",
                what=say("{name}, {path}, cannot be written", name=_NAMES[room.use], path=room.path),
                because=(say("this user has no right to write there, or the disk is mounted read-only"),),
                fix=(f"ls -ld {_quoted(room)}; findmnt -T {_quoted(room)}", _MOVES[room.use]),
            )
    for path in dict.fromkeys(evidence.certificates.values()):
        named = [name for name, each in evidence.certificates.items() if each == path]
        yield Finding(
            code="certificates_missing",
            severity="warning",
            what=say("{variable} names certificates that are not there: {path}", variable=", ".join(named), path=path),
            because=tuple(f"{name}={path}" for name in named),
            fix=(f"unset {' '.join(named)}", say("or give it the file of your organization's certificates")),
            source="https://pip.pypa.io/en/stable/topics/https-certificates/",
        )
    if evidence.served is not None:
        yield from _index(evidence.served)


def unknown(evidence: Evidence) -> Iterator[Unknown]:
    what, served = say("whether the package index serves the locked files"), evidence.served
    if served is None:
        yield Unknown(what=what, why=say("no network was asked"))
    elif served.silence:
        proxies = ", ".join(served.proxies)
        why = say("{reason} (by the proxy of {variables})", reason=served.silence, variables=proxies)
        yield Unknown(what=what, why=why if proxies else served.silence)


def of_record(machine: Machine) -> Iterator[Finding]:
    told: dict[RoomUse, int | None] = {"environments": machine.disk_free, "cache": machine.cache_disk_free}
    rooms = (
        Room(use=use, path=_NAMES[use], disk=free, free=free)  # as much free space is taken for one disk
        for use, free in told.items()
        if free is not None
    )
    yield from _disks(rooms)


def _disks(rooms: Iterable[Room]) -> Iterator[Finding]:
    """One for each disk: what is on it is full together."""
    disks: dict[int, list[Room]] = {}
    for room in rooms:
        disks.setdefault(room.disk, []).append(room)
    for each in disks.values():
        yield from _disk(each)


def _disk(rooms: list[Room]) -> Iterator[Finding]:
    first = rooms[0]
    places = joined(", ", [_NAMES[room.use] for room in rooms])
    because = tuple(say("{path}: {free} free", path=room.path, free=human(room.free)) for room in rooms)
    fix = (
        _freeing(first),
        *(_MOVES[room.use] for room in rooms),
    )
    if first.free < _FULL:
        what = say("the disk is full that holds: {places}", places=places)
        yield Finding(code="disk_full", severity="error", what=what, because=because, fix=fix)
    elif first.files_free is not None and first.files_free < _FEW:
        what = say("the disk has room for hardly any more files (inodes): {places}", places=places)
        files = tuple(say("{path}: {count} inodes free", path=room.path, count=room.files_free) for room in rooms)
        count = say(
            "find what has so many files: `df -i {path}`, `du --inodes -x {path} | sort -n | tail`",
            path=_quoted(first),
        )
        yield Finding(code="inodes_used_up", severity="error", what=what, because=files, fix=(count, *fix[1:]))
    elif first.free < _LOW and any(room.use in ("environments", "cache") for room in rooms):
        what = say("too little space for an environment is left where this lies: {places}", places=places)
        yield Finding(code="disk_low", severity="warning", what=what, because=because, fix=fix)


def _freeing(room: Room) -> str:
    if room.folder is None:
        return say("free some space on that disk")
    return say("free some space: `df -h {path}`, `du -xh {path} | sort -h | tail`", path=_quoted(room))


def _quoted(room: Room) -> str:
    """As a shell wants it, and where a command finds something."""
    return quote(room.folder or room.path)


def _index(served: Served) -> Iterator[Finding]:
    if served.refused:
        proxies = ", ".join(served.proxies)
        through = say("asked through the proxy that {variables} names", variables=proxies)
        yield Finding(
            code="tls_refused",
            severity="error",
            what=say(
                "the certificate of {host} is not believed: something on the way shows its own", host=served.index
            ),
            because=(served.refused, *([through] if proxies else [])),
            fix=(
                say("export SSL_CERT_FILE=FILE  # with the certificates of your organization, who runs the proxy"),
                say("export UV_SYSTEM_CERTS=true  # if this system believes it already (older uv: UV_NATIVE_TLS=true)"),
            ),
            source="https://docs.astral.sh/uv/concepts/authentication/certificates",
        )
    elif served.hashes and served.locked not in served.hashes:
        yield Finding(
            code="index_serves_other_file",
            severity="error",
            what=say("the package index at {host} has other files than those that were locked", host=served.index),
            because=(
                say("{wheel}: needs sha256 {sha256}", wheel=served.wheel, sha256=served.locked),
                *(say("found sha256 {sha256}", sha256=each) for each in served.hashes),
            ),
            fix=(
                say("name another index in UV_DEFAULT_INDEX or PIP_INDEX_URL; nothing with another hash is installed"),
                say("tell whoever runs it: a mirror has to have the same files"),
            ),
        )
