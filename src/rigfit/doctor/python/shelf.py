"""What lies on an interpreter's path: installed distributions, and the modules that an import would take."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from rigfit.doctor.python.look import Look

# What 8-bit LoRA is made of; what those are imported as is their name.
STACK = ("torch", "transformers", "accelerate", "peft", "bitsandbytes")
# By the names of distributions, what else is imported from the same folders.
MODULES: Mapping[str, str] = {
    **{name: name for name in STACK},
    "numpy": "numpy",
    "tokenizers": "tokenizers",
    "huggingface-hub": "huggingface_hub",
    "safetensors": "safetensors",
}
_INFO = re.compile(r"(?P<name>[^-~][^-]*)(?:-(?P<version>[^-]+).*)?\.(?:dist|egg)-info")
_VERSION = re.compile(r"""^(?:__version__|version)\s*(?::[^=]*)?=\s*['"]([^'"]+)['"]""", re.MULTILINE)
_HEAD = 1 << 16  # letters of a module in which its version stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A distribution as installed: `info` is the folder of its metadata, `folder` the one on the path that it is in.

    `version` is None where the metadata cannot be read. `editable` is the checkout that it stands for.
    """

    name: str
    version: str | None
    folder: Path
    info: Path
    installer: str = ""
    requires: tuple[str, ...] = ()
    requires_python: str = ""
    tags: tuple[str, ...] = ()
    editable: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """What an import would find in `folder` of the path: `file` is a package's folder, or a file."""

    name: str
    folder: Path
    file: Path

    @property
    def version(self) -> str | None:
        """What it would call itself."""
        places = [self.file / "version.py", self.file / "__init__.py"] if self.file.is_dir() else [self.file]
        texts = (text_of(place) for place in places if place.suffix == ".py")
        found = (_VERSION.search(text) for text in texts)
        return next((match[1] for match in found if match), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Everything in the order of the path, so that the first is the one that counts."""

    copies: Mapping[str, tuple[Copy, ...]]
    modules: Mapping[str, tuple[Module, ...]]

    def copy(self, name: str) -> Copy | None:
        """The one that an import of its metadata finds."""
        return next(iter(self.copies.get(name, ())), None)

    def module(self, name: str) -> Module | None:
        return next(iter(self.modules.get(name, ())), None)


class _Metadata(Distribution):
    """As the standard library reads what lies in `info`, also where it is no UTF-8."""

    def __init__(self, info: Path) -> None:
        self._info = info

    def read_text(self, filename: str) -> str | None:
        try:
            return (self._info / filename).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None

    def locate_file(self, path: str | os.PathLike[str]) -> Path:
        return self._info.parent / path


def shelf_of(look: Look) -> Shelf:
    """Nothing is imported. Folders that are on the path twice, by a link, count once."""
    folders = _folders(look)
    copies: dict[str, list[Copy]] = {}
    for folder in folders:
        for copy in _copies_in(folder):
            copies.setdefault(copy.name, []).append(copy)
    modules = {name: tuple(_modules(module, folders)) for name, module in MODULES.items()}
    return Shelf(copies={name: tuple(found) for name, found in copies.items()}, modules=modules)


def _folders(look: Look) -> tuple[Path, ...]:
    once = {os.path.realpath(place): place for place in reversed(look.path) if place.is_dir()}
    return tuple(place for place in look.path if once.get(os.path.realpath(place)) is place)


def _copies_in(folder: Path) -> Iterator[Copy]:
    try:
        names = sorted(file.name for file in folder.iterdir())
    except OSError:
        return
    for entry in names:
        match = _INFO.fullmatch(entry)
        if match:
            yield _copy(folder, folder / entry, match["name"], match["version"])


def _copy(folder: Path, info: Path, name: str, version: str | None) -> Copy:
    """Only what belongs to the stack is read; of the rest its name and version suffice."""
    known = canonicalize_name(name)
    if known not in READ and version is not None and info.suffix == ".dist-info":
        return Copy(name=known, version=version, folder=folder, info=info)
    told = _Metadata(info)
    metadata = told.metadata
    return Copy(
        name=canonicalize_name(metadata["Name"]) if metadata and metadata["Name"] else known,
        version=metadata["Version"] if metadata else None,
        folder=folder,
        info=info,
        installer=(told.read_text("INSTALLER") or "").strip(),
        requires=tuple(told.requires or ()) if metadata else (),
        requires_python=(metadata["Requires-Python"] or "") if metadata else "",
        tags=tuple(re.findall(r"^Tag: *(\S+)", told.read_text("WHEEL") or "", re.MULTILINE)),
        editable=_editable(told.read_text("direct_url.json")),
    )


def _editable(text: str | None) -> Path | None:
    """PEP 610."""
    try:
        told = json.loads(text or "{}")
        if not told.get("dir_info", {}).get("editable"):
            return None
        return Path(unquote(urlsplit(told["url"]).path))
    except (ValueError, KeyError, AttributeError):
        return None


def _modules(name: str, folders: tuple[Path, ...]) -> Iterator[Module]:
    """As the import system looks in each folder; one without `__init__.py` hides nothing."""
    for folder in folders:
        found = _in(folder, name)
        if found is not None:
            yield Module(name=name, folder=folder, file=found)


def _in(folder: Path, name: str) -> Path | None:
    if (folder / name / "__init__.py").is_file():
        return folder / name
    return next((place for place in (*folder.glob(f"{name}.*.so"), folder / f"{name}.py") if place.is_file()), None)


def text_of(place: Path) -> str:
    """The beginning of a file; empty where it cannot be read."""
    try:
        with place.open(encoding="utf-8", errors="replace") as file:
            return file.read(_HEAD)
    except OSError:
        return ""


# Those of which the metadata is read: the stack, what it needs of its own kind, and what gets into its way.
READ = frozenset({*MODULES, "setuptools", "triton", "scipy", "pyarrow", "datasets", "pynvml", "nvidia-ml-py"})
