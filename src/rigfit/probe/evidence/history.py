"""When the packages of the driver were changed, and by whom, as the package managers wrote it down."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from rigfit.core.evidence import Change
from rigfit.probe.reading import bytes_of, names_in, text_of

_DRIVER = re.compile(r"(lib)?nvidia-\S+|libcuda1|(akmod|kmod|xorg-x11-drv)-nvidia\S*|nvidia|cuda-drivers\S*")
_NOT_DRIVER = re.compile(r"nvidia-(container|cuda|modprobe|settings|prime|docker)")
_ENOUGH = 1 << 24  # letters of an unpacked log
_NEWEST = 8  # of the older logs of apt, a month each


def changes(root: Path) -> tuple[Change, ...]:
    """The newest first."""
    found = [*_apt(root), *_dnf(root), *_pacman(root)]
    return tuple(sorted(found, key=lambda each: each.when, reverse=True))


def _is_driver(package: str) -> bool:
    return _DRIVER.fullmatch(package) is not None and _NOT_DRIVER.search(package) is None


def _apt(root: Path) -> Iterator[Change]:
    folder = root / "var/log/apt"
    logs = [name for name in names_in(folder) or () if re.fullmatch(r"history\.log(\.\d+\.gz)?", name)]
    for name in sorted(logs, key=lambda log: int((re.findall(r"\d+", log) or ["0"])[0]))[:_NEWEST]:
        for entry in re.split(r"\n\n+", _log(folder / name)):
            said = dict(re.findall(r"^([A-Z][A-Za-z-]+): (.*)$", entry, re.MULTILINE))
            when, by = " ".join(said.get("Start-Date", "").split()), said.get("Commandline", "")
            for package, before, after in _of_apt(said):
                if _is_driver(package):
                    log = f"/var/log/apt/{name}"
                    yield Change(when=when, package=package, before=before, after=after, by=by, log=log)


def _of_apt(said: Mapping[str, str]) -> Iterator[tuple[str, str | None, str]]:
    """`libnvidia-compute-570:amd64 (570.133.20-0ubuntu1, 570.153.02-0ubuntu1), ...`; what is new has one version."""
    for package, versions in re.findall(r"([^\s,:]+):\w+ \(([^)]*)\)", said.get("Upgrade", "")):
        before, _, after = versions.partition(", ")
        yield package, before, after
    for package, version in re.findall(r"([^\s,:]+):\w+ \(([^),]*)", said.get("Install", "")):
        yield package, None, version


def _log(file: Path) -> str:
    data = bytes_of(file) or b""
    if file.suffix == ".gz":
        try:
            with gzip.open(file) as stream:
                data = stream.read(_ENOUGH)
        except (OSError, EOFError):
            return ""
    return data.decode("utf-8", "replace")


def _dnf(root: Path) -> Iterator[Change]:
    """`2025-06-03T06:12:11+0000 SUBDEBUG Upgrade: akmod-nvidia-3:570.153.02-1.fc41.x86_64`; what it was stands below as `Upgraded`."""
    file = "/var/log/dnf.rpm.log"
    said = text_of(root / file.lstrip("/")) or ""
    lines = re.findall(r"^(\S+) SUBDEBUG (Upgrade|Upgraded|Installed): (\S+)-(\S+)-[^-\s]+$", said, re.MULTILINE)
    before: dict[str, str] = {}
    for when, word, package, version in reversed(lines):
        if word == "Upgraded":
            before[package] = version
        elif _is_driver(package):
            old = before.get(package) if word == "Upgrade" else None
            yield Change(when=when.replace("T", " "), package=package, before=old, after=version, by="dnf", log=file)


def _pacman(root: Path) -> Iterator[Change]:
    file = "/var/log/pacman.log"
    said = text_of(root / file.lstrip("/")) or ""
    pattern = r"^\[([^\]]+)\] \[ALPM\] upgraded (\S+) \((\S+) -> (\S+)\)$"
    for when, package, before, after in re.findall(pattern, said, re.MULTILINE):
        if _is_driver(package):
            yield Change(
                when=when.replace("T", " "), package=package, before=before, after=after, by="pacman", log=file
            )
