"""What pip is told on this machine, for a tool that does not read pip's settings itself."""

from __future__ import annotations

import configparser
import contextlib
import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from rigfit.catalog.recipe import DeclaredWheel

_UV_INDEX = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX")


def uv_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ`, with pip's index as uv's default one unless uv has one of its own."""
    index = pip_setting("index-url", environ)
    if index is None or any(environ.get(name) for name in _UV_INDEX):
        return dict(environ)
    return {**environ, "UV_DEFAULT_INDEX": index}


def local_copy(wheel: DeclaredWheel, environ: Mapping[str, str]) -> Path | None:
    """The wheel in a folder that pip is told of, by name and hash."""
    for folder in (pip_setting("find-links", environ) or "").split():
        path = Path(folder.removeprefix("file://")).expanduser() / wheel.filename
        if path.is_file() and _sha256(path) == wheel.sha256:
            return path
    return None


def pip_setting(name: str, environ: Mapping[str, str]) -> str | None:
    """The environment goes first, then pip's files: https://pip.pypa.io/en/stable/topics/configuration/."""
    said = environ.get(f"PIP_{name.upper().replace('-', '_')}")
    if said is not None:
        return said
    parser = configparser.RawConfigParser()
    with contextlib.suppress(configparser.Error):  # pip itself will complain of it
        parser.read(_config_files(environ), encoding="utf-8")
    for section in ("install", "global"):
        if parser.has_option(section, name):
            return parser.get(section, name)
    return None


def _config_files(environ: Mapping[str, str]) -> list[Path]:
    """Later ones override earlier ones."""
    home = Path(environ.get("HOME", "~")).expanduser()
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [
        Path("/etc/pip.conf"),
        home / ".pip" / "pip.conf",
        config / "pip" / "pip.conf",
        Path(sys.prefix) / "pip.conf",
    ]
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:  # pip's word for no files at all
        return []
    return [*files, Path(named)] if named else files


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
