"""Solves conda specs: a script that reads one JSON object and writes one.

A process of its own, because one that ended after a solve crashed at exit in a tenth of the runs (py-rattler 0.28):
this one leaves by `os._exit`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from rattler import BuildString, GenericVirtualPackage, MatchSpec, PackageName, RepoDataRecord, Version, solve


async def solved(job: dict[str, Any]) -> list[RepoDataRecord]:
    return await solve(
        sources=[job["channel"]],
        specs=[MatchSpec(spec) for spec in job["specs"]],
        platforms=[job["platform"], "noarch"],
        virtual_packages=[
            GenericVirtualPackage(PackageName(name), Version(version), BuildString(build))
            for name, version, build in job["virtual_packages"]
        ],
    )


def described(record: RepoDataRecord) -> dict[str, Any]:
    return {
        "name": record.name.normalized,
        "version": str(record.version),
        "subdir": record.subdir,
        "file": record.file_name,
        "md5": record.md5.hex() if record.md5 else None,
        "sha256": record.sha256.hex() if record.sha256 else None,
        "size": record.size,
        "depends": list(record.depends),
    }


def main() -> None:
    try:
        records = asyncio.run(solved(json.load(sys.stdin)))
        said: dict[str, Any] = {"packages": [described(record) for record in records]}
    except Exception as error:  # noqa: BLE001 - whatever the solver says is the answer
        said = {"problem": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
    os._exit(0)


main()
