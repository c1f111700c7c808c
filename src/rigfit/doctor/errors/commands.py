"""Command lines of the rules for the very Python that was named: with its own pip, or with uv where it has none."""

from __future__ import annotations

import re
import shlex

_PARTS = re.compile(r"""( && |; | \| )(?=(?:[^'"]|'[^']*'|"[^"]*")*$)""")  # not within quotes
_PIP = re.compile(r"(?:python -m )?pip (.*)")


def for_python(line: str, place: str, uv: str = "") -> str:
    """`uv` is the program that installs into the Python at `place`, empty where its own pip does.

    Empty where there is no such command without pip.
    """
    parts = _PARTS.split(line)
    told = [_one(part, shlex.quote(place), uv) for part in parts[::2]]
    if not all(told[at] for at, part in enumerate(parts[::2]) if part):
        return ""
    return "".join(part for pair in zip(told, [*parts[1::2], ""], strict=True) for part in pair)


def _one(part: str, python: str, uv: str) -> str:
    if (found := _PIP.fullmatch(part)) is not None:
        return _with_uv(found[1], python, uv) if uv else f"{python} -m pip {found[1]}"
    return f"{python} {part.removeprefix('python ')}" if part.startswith("python ") else part


def _with_uv(words: str, python: str, uv: str) -> str:
    verb, _, rest = words.partition(" ")
    if words == "cache purge":
        return f"{uv} cache clean"
    if verb == "list":
        return f"{uv} pip list --python {python}"
    if verb == "uninstall":
        return f"{uv} pip uninstall --python {python} {rest.removeprefix('-y ')}"
    if verb == "install" and rest != "--upgrade pip":
        return f"{uv} pip install --python {python} {rest.replace('--force-reinstall', '--reinstall')}"
    return ""
