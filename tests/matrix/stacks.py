"""Finds versions, resolves a pair as pip or uv would today, and unpacks each wheel once into a folder of its own."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version
from tests.functional.conftest import find_links
from uv import find_uv_bin

TORCH = "2.13.0+cpu"
PYTHON = "3.11"  # the one Python with wheels of every tokenizers from 0.13 on, and for which transformers 5.20 and later are made


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    packages: tuple[str, ...]  # name==version, without peft; empty where it does not resolve
    error: str = ""

    @property
    def name(self) -> str:
        return hashlib.sha256(" ".join(self.packages).encode()).hexdigest()[:8] if self.packages else ""

    def version(self, package: str) -> str:
        return next((pin.split("==")[1] for pin in self.packages if pin.startswith(f"{package}==")), "")


def newest_patches(package: str, first: str, last: str) -> list[str]:
    """The newest patch of each minor version from `first` to `last`, oldest first."""
    pip = [sys.executable, "-m", "pip", "index", "versions", package]
    text = subprocess.run(pip, capture_output=True, text=True, check=True).stdout
    told = re.search(r"Available versions: (.*)", text)
    assert told, text
    newest: dict[tuple[int, ...], Version] = {}
    for version in map(Version, told[1].split(", ")):
        newest[version.release[:2]] = max(version, newest.get(version.release[:2], version))
    return [str(newest[minor]) for minor in sorted(newest) if minor_of(first) <= minor <= minor_of(last)]


def minor_of(version: str) -> tuple[int, ...]:
    return Version(version).release[:2]


class Shelf:
    """A folder of unpacked wheels, and the bare interpreter that they are for."""

    def __init__(self, root: Path) -> None:
        self.root, self.lock = root, threading.Lock()
        self.uv = [find_uv_bin(), "--quiet", "--no-python-downloads"]
        self.links = [f"--find-links={folder}" for folder in find_links()]
        self.python = root / "python/bin/python"
        if not self.python.exists():
            subprocess.run([*self.uv, "venv", f"--python={PYTHON}", str(root / "python")], check=True)

    def resolve(self, transformers: str, pefts: list[str], bitsandbytes: str, accelerate: str) -> dict[str, Resolved]:
        """The first pair asks the package index; the others find its answers in uv's cache, in a tenth of the time."""
        wanted = [f"torch=={TORCH}", f"transformers=={transformers}", f"bitsandbytes=={bitsandbytes}"]
        wanted.append("accelerate" if accelerate == "newest" else f"accelerate=={accelerate}")
        found: dict[str, Resolved] = {}
        for peft in pefts:
            pair = self.compile([*wanted, f"peft=={peft}"], ["--offline"] if found else [])
            found[peft] = self.compile([*wanted, f"peft=={peft}"], []) if pair.error and found else pair
        return found

    def compile(self, wanted: list[str], more: list[str]) -> Resolved:
        """The newest of everything that is not named, within what the wheels declare; wheels only."""
        plain = ["--no-header", "--no-annotate", "--only-binary=:all:", f"--python={self.python}", *self.links, *more]
        uv = [*self.uv, "pip", "compile", *plain, "-"]
        child = subprocess.run(uv, input="\n".join(wanted), capture_output=True, text=True, check=False)
        if child.returncode:
            return Resolved(packages=(), error=normal(child.stderr))
        pins = (line.split(";")[0].strip() for line in child.stdout.splitlines() if "==" in line)
        return Resolved(packages=tuple(sorted(pin for pin in pins if not pin.startswith("peft=="))))

    def folder(self, pin: str) -> Path:
        folder = self.root / "wheels" / pin.replace("==", "-")
        with self.lock:
            if not folder.exists():
                part = folder.with_name(f"{folder.name}.part")
                where = [f"--python={self.python}", f"--target={part}", "--no-deps", "--only-binary=:all:"]
                subprocess.run([*self.uv, "pip", "install", *where, *self.links, pin], check=True)
                part.rename(folder)
        return folder


def normal(text: str) -> str:
    """An error's text without paths, addresses and line breaks, and no longer than one reads."""
    text = re.sub(r" \([\w.<>]+\.py:\d+ .*\)$", "", " ".join(text.split()))
    text = re.sub(r"https?://[^\s`'\"]+", "...", text)
    text = re.sub(r" \(/[^()]*\)", "", text)
    text = re.sub(r"\{[^{}]*\}", "{...}", text)  # a set has no order
    text = re.sub(r"0x[0-9a-f]{6,}", "0x...", text)
    text = re.sub(r"(?<![\w.:/])/(?:[^\s'\":,()]+/)+([^\s'\":,()/]+)", r"\1", text)
    return text if len(text) <= 240 else text[:237] + "..."
