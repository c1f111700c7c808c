"""The line that puts `rigfit` where the shell finds it: install.sh prints it, and the application then hides it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from rigfit.core.words import Words, say


def path_lines(environ: Mapping[str, str]) -> tuple[tuple[Words, str], ...]:
    """What for, and the line; none where `rigfit` is found already."""
    if shutil.which("rigfit", path=environ.get("PATH", "")):
        return ()
    folder = _folder(environ)
    if environ.get("SHELL", "").endswith("/fish"):
        return ((say("first, once"), f'fish_add_path "{folder}"'),)
    return ((say("first, once"), f'export PATH="{folder}:$PATH"'),)


def _folder(environ: Mapping[str, str]) -> Path:
    """That of the link which install.sh makes, else that of this program."""
    linked = Path(environ.get("HOME") or Path.home()) / ".local" / "bin"
    return linked if (linked / "rigfit").exists() else Path(sys.executable).parent
