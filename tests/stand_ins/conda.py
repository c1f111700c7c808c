"""A stand-in for `conda`, as much of it as `conda-lock install` calls; tests import it, and its command is this file.

`conda create --file EXPLICIT --prefix P` wipes P, as conda does, and has py-rattler install exactly the addresses of the
explicit file. The md5 beside each is all that such a file says of the content: another one is refused, as conda refuses
it. `conda run --prefix P COMMAND` puts P's programs first on PATH. What it was asked for is noted in `asked.jsonl`.

A hollow stand-in is for locks whose packages are not at hand. It reads the same words and refuses the same lines, but
its prefix holds no package: `conda-meta/history` names what would be there, and if pip is among it, `bin/pip` expands
variables as pip does, takes addresses with a sha256 and nothing else, notes them, and installs none of them. It proves
what is asked for, not that it can be had.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

_PACKAGE = re.compile(
    r"(?P<url>(?P<channel>https?://\S+)/(?P<subdir>[^/\s]+)/"
    r"(?P<file>(?P<name>[^/\s]+)-(?P<version>[^-/\s]+)-(?P<build>[^-/\s]+)\.(?:conda|tar\.bz2)))#(?P<md5>[0-9a-f]{32})"
)
_WHEEL = re.compile(r"(?P<name>[\w.-]+) @ (?P<url>https?://\S+\.whl)#sha256=(?P<sha256>[0-9a-f]{64})")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")  # the only form that pip expands, and only where the variable is set
_NOTES = "asked.jsonl"
_OUTER_PIP = "#!/bin/sh\necho 'the pip of the surroundings was called, not that of the prefix' >&2\nexit 3\n"


def make_conda(folder: Path, *, hollow: bool = False) -> Path:
    """The executable. Beside it lies a `pip` that fails: with `folder` first on PATH, no other one is ever run."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_program(folder / "pip", _OUTER_PIP)
    return _write_program(folder / "conda", _starting(folder, "hollow-conda" if hollow else "conda"))


def asked(folder: Path) -> list[dict[str, Any]]:
    """What the stand-in in `folder` was asked for, in turn: `{"create": [...]}`, `{"run": [...]}`, `{"pip": [...]}`."""
    notes = folder / _NOTES
    return [json.loads(line) for line in notes.read_text().splitlines()] if notes.exists() else []


def _starting(folder: Path, role: str) -> str:
    return f'#!/bin/sh\nexec "{sys.executable}" -I "{Path(__file__).resolve()}" {role} "{folder.resolve()}" "$@"\n'


def _write_program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def _note(folder: Path, what: str, value: object) -> None:
    with (folder / _NOTES).open("a") as notes:
        notes.write(json.dumps({what: value}) + "\n")


def _conda(folder: Path, arguments: list[str], *, hollow: bool) -> None:
    parser = argparse.ArgumentParser(prog="conda")
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create")
    create.add_argument("--quiet", action="store_true")
    create.add_argument("--yes", action="store_true", required=True)
    create.add_argument("--file", type=Path, required=True)
    create.add_argument("--prefix", type=Path, required=True)
    run = commands.add_parser("run")
    run.add_argument("--prefix", type=Path, required=True)
    run.add_argument("words", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    if options.command == "run":
        _run(folder, options.prefix, options.words)
    packages = _packages(options.file)
    _note(folder, "create", packages)
    shutil.rmtree(options.prefix, ignore_errors=True)
    if hollow:
        _make_hollow(folder, options.prefix, packages)
    else:
        asyncio.run(_install(options.prefix, packages))


def _packages(explicit: Path) -> list[dict[str, str]]:
    lines = [line for line in explicit.read_text().splitlines() if not line.startswith("#")]
    if "@EXPLICIT" not in lines:
        sys.exit(f"not an explicit file: {explicit}")
    return [_read(_PACKAGE, line) for line in lines if line != "@EXPLICIT"]


def _read(form: re.Pattern[str], line: str) -> dict[str, str]:
    found = form.fullmatch(line)
    if found is None:
        sys.exit(f"not understood: {line}")
    return found.groupdict()


async def _install(prefix: Path, packages: list[dict[str, str]]) -> None:
    import rattler

    await rattler.install([_record(package) for package in packages], prefix, show_progress=False)


def _record(package: dict[str, str]) -> Any:
    from rattler import PackageRecord, RepoDataRecord
    from rattler.package import BuildString

    record = PackageRecord(
        name=package["name"],
        version=package["version"],
        build=BuildString(package["build"]),
        build_number=0,
        subdir=package["subdir"],
        md5=bytes.fromhex(package["md5"]),
    )
    return RepoDataRecord(record, package["file"], package["url"], package["channel"])


def _make_hollow(folder: Path, prefix: Path, packages: list[dict[str, str]]) -> None:
    (prefix / "bin").mkdir(parents=True)
    (prefix / "conda-meta").mkdir()
    named = "".join(f"+{package['channel']}/{package['subdir']}::{package['file']}\n" for package in packages)
    (prefix / "conda-meta" / "history").write_text(named)
    if any(package["name"] == "pip" for package in packages):
        _write_program(prefix / "bin" / "pip", _starting(folder, "hollow-pip"))


def _run(folder: Path, prefix: Path, words: list[str]) -> None:
    _note(folder, "run", words)
    path = os.pathsep.join((str(prefix / "bin"), os.environ["PATH"]))
    sys.stdout.flush()
    os.execvpe(words[0], words, {**os.environ, "PATH": path, "CONDA_PREFIX": str(prefix)})  # noqa: S606


def _pip(folder: Path, arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="pip")
    parser.add_argument("command", choices=["install"])
    parser.add_argument("--no-deps", action="store_true", required=True)
    parser.add_argument("-r", dest="requirements", type=Path, required=True)
    options = parser.parse_args(arguments)
    lines = [_expanded(line) for line in options.requirements.read_text().splitlines() if line]
    _note(folder, "pip", [_read(_WHEEL, line) for line in lines])


def _expanded(line: str) -> str:
    return _VARIABLE.sub(lambda found: os.environ.get(found[1]) or found[0], line)


def main(role: str, folder: Path, arguments: list[str]) -> None:
    if role == "hollow-pip":
        _pip(folder, arguments)
    else:
        _conda(folder, arguments, hollow=role == "hollow-conda")


if __name__ == "__main__":
    failure = 0
    try:
        main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
    except SystemExit as end:
        failure = 1
        sys.stderr.write(f"{end}\n")
    except Exception as error:  # noqa: BLE001 - whatever py-rattler says is the answer
        failure = 1
        sys.stderr.write(f"{error}\n")
    sys.stderr.flush()
    os._exit(failure)  # a normal exit sometimes dies in py-rattler's own threads
