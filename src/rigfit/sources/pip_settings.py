"""What pip is told of sources, read without starting pip (0.4 s), because uv does not read it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class PipSettings:
    """Settings of `pip install`, from its files and PIP_* variables; empty where nothing is said."""

    index_url: str = ""
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    cert: str = ""
    proxy: str = ""
    trusted_hosts: tuple[str, ...] = ()
    timeout: str = ""


def read_pip_settings(environ: Mapping[str, str]) -> PipSettings:
    """Variables win over files, `[install]` over `[global]`, later files over earlier ones, as pip has it."""
    said = {**_from_files(environ), **_from_variables(environ)}
    return PipSettings(
        index_url=said.get("index-url", ""),
        extra_index_urls=tuple(said.get("extra-index-url", "").split()),
        find_links=tuple(said.get("find-links", "").split()),
        no_index=said.get("no-index", "").lower() in {"1", "true", "yes", "on", "y", "t"},
        cert=said.get("cert", ""),
        proxy=said.get("proxy", ""),
        trusted_hosts=tuple(said.get("trusted-host", "").split()),
        timeout=said.get("timeout", said.get("default-timeout", "")),
    )


def _from_variables(environ: Mapping[str, str]) -> dict[str, str]:
    names = (name for name, value in environ.items() if name.startswith("PIP_") and value)
    return {_key(name.removeprefix("PIP_")): environ[name] for name in names}


def _from_files(environ: Mapping[str, str]) -> dict[str, str]:
    if environ.get("PIP_CONFIG_FILE") == os.devnull:
        return {}
    files = [file for file in map(str, _files(environ)) if os.path.isfile(file)]  # noqa: PTH113 - Path.is_file raises where we may not look
    if not files:
        return {}
    from configparser import Error, RawConfigParser

    parser = RawConfigParser(interpolation=None, strict=False)
    try:
        parser.read(files, encoding="utf-8")
    except (Error, UnicodeDecodeError):  # pip would refuse it; here it only says nothing
        return {}
    said: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            said |= {_key(name): value for name, value in parser.items(section) if value}
    return said


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    """The places of pip's documentation for Unix, the least important first."""
    home = Path(environ.get("HOME") or Path.home())
    for folder in environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep):
        yield Path(folder, "pip", "pip.conf")
    yield Path("/etc/pip.conf")
    yield home / ".pip" / "pip.conf"
    yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "pip", "pip.conf")
    yield Path(sys.prefix, "pip.conf")
    if named := environ.get("PIP_CONFIG_FILE"):
        yield Path(named)


def _key(name: str) -> str:
    return name.lower().replace("_", "-").removeprefix("--")
