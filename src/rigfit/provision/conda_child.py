"""Installs conda packages with py-rattler: a stand-alone script, because that library can take its process down.

Reads `{"prefix", "cache", "packages": [{"name", "version", "build", "subdir", "url", "sha256", "size"}]}` from stdin and
writes JSON lines: `{"done": bytes, "item": name}` as it goes, and last `{"installed": true}` or `{"failed": text}`.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import threading
import time
from typing import Any, TextIO

_PAUSE = 0.1  # seconds between two reports


class Reporter:
    """Hears py-rattler, from threads of its own; a package counts in full once it is in the cache."""

    def __init__(self, packages: list[dict[str, Any]], out: TextIO) -> None:
        self._sizes: dict[str, int] = {package["name"]: package["size"] for package in packages}
        self._names: list[str] = []
        self._done: dict[str, int] = {}
        self._out = out
        self._lock = threading.Lock()
        self._said = 0.0

    def on_populate_cache_start(self, _operation: int, package_name: str) -> int:
        with self._lock:
            self._names.append(package_name)
            return len(self._names) - 1

    def on_download_start(self, cache_entry: int) -> int:
        return cache_entry

    def on_download_progress(self, download_idx: int, progress: int, _total: int | None) -> None:
        self._count(download_idx, progress)

    def on_populate_cache_complete(self, cache_entry: int) -> None:
        self._count(cache_entry, None)

    def __getattr__(self, name: str) -> Any:
        """The rest of what py-rattler reports, which nobody asked for."""
        if name.startswith("on_"):
            return lambda *_: 0
        raise AttributeError(name)

    def _count(self, entry: int, done: int | None) -> None:
        with self._lock:
            name = self._names[entry]
            size = self._sizes.get(name, 0)
            self._done[name] = size if done is None else min(done, size)
            if time.monotonic() - self._said >= _PAUSE:
                self._said = time.monotonic()
                say(self._out, {"done": sum(self._done.values()), "item": name})


def say(out: TextIO, value: dict[str, Any]) -> None:
    out.write(json.dumps(value) + "\n")
    out.flush()


def record_of(package: dict[str, Any]) -> Any:
    """What py-rattler needs; that a package is noarch, and its entry points, it reads in the package itself."""
    from rattler import PackageRecord, RepoDataRecord
    from rattler.package import BuildString

    number = re.search(r"(\d+)$", package["build"])
    record = PackageRecord(
        name=package["name"],
        version=package["version"],
        build=BuildString(package["build"]),
        build_number=int(number[1]) if number else 0,
        subdir=package["subdir"],
        sha256=bytes.fromhex(package["sha256"]),
        size=package["size"],
    )
    folder, _, file_name = package["url"].rpartition("/")
    return RepoDataRecord(record, file_name, package["url"], folder.rpartition("/")[0])


async def install(job: dict[str, Any], out: TextIO) -> None:
    import rattler
    from rattler.package_cache import PackageCache, ValidationMode

    # The default believes whatever lies in the cache: a file cut short by a power failure, for one.
    cache = PackageCache.new_layered([job["cache"]], validation_mode=ValidationMode.full())
    await rattler.install(
        [record_of(package) for package in job["packages"]],
        job["prefix"],
        package_cache=cache,
        execute_link_scripts=False,
        show_progress=False,
        reporter=Reporter(job["packages"], out),
    )


def main() -> None:
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever the library prints is no line of ours
    try:
        asyncio.run(install(json.load(sys.stdin), out))
    except Exception as error:  # noqa: BLE001 - any failure is an answer
        say(out, {"failed": f"{error}"})
    else:
        say(out, {"installed": True})
    os._exit(0)  # a normal exit sometimes dies in the library's own threads


main()
