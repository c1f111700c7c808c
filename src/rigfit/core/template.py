"""The catalog's values: templates, their variants, and the artifacts that a lock names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from rigfit.core.version import Version

Quantization = Literal["int8", "nf4"]  # 8 bits (LLM.int8) and 4 bits (NormalFloat4), as bitsandbytes has them

_TOLD = ("torch", "transformers", "peft", "accelerate", "bitsandbytes")


def in_brief(versions: Mapping[str, str]) -> str:
    """The libraries that a person chooses by: `torch 2.13.0, peft 0.21.2`."""
    return ", ".join(f"{name} {versions[name]}" for name in _TOLD if name in versions)


def file_name(url: str) -> str:
    """The name under which the file of an address is known; an address has `+` as `%2B`."""
    return url.rsplit("/", 1)[-1].replace("%2B", "+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One locked file. `size` is what is fetched, `unpacked` what it takes on disk, in bytes.

    `url` is as the lock has it: `${RIGFIT_WHEELS}/...` for a file of the package index, else a full address.
    """

    manager: Literal["conda", "pip"]
    name: str
    version: str
    url: str
    sha256: str
    size: int
    unpacked: int

    @property
    def filename(self) -> str:
        return file_name(self.url)

    @property
    def from_index(self) -> bool:
        """Whether the package index has it, so that it is asked for by name, version and hash."""
        return self.url.startswith("${RIGFIT_WHEELS}/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A lock file for one platform: the conda section is the interpreter, the pip section the libraries."""

    path: str
    sha256: str
    platform: str
    conda: tuple[Artifact, ...]
    pip: tuple[Artifact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What a variant is on one platform: `versions` are the locked ones, `python` the interpreter's.

    `fetch` and `disk` are the bytes of all its artifacts, packed and unpacked; `glibc` is the oldest that they run on,
    because of the wheel `glibc_because`.
    """

    platform: str
    python: str
    versions: dict[str, str] = field(hash=False)
    glibc: Version
    glibc_because: str
    fetch: int
    disk: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to install a template, for each of its platforms. `cuda` is the build CUDA of its torch, None for a CPU build.

    `accepts` are the ways to quantize that may be proven, the first is what the template is for.
    """

    template: str
    name: str
    cuda: Version | None
    accepts: tuple[Quantization, ...]
    lock_path: str
    lock_sha256: str
    stacks: tuple[Stack, ...]

    @property
    def is_cpu(self) -> bool:
        return self.cuda is None

    @property
    def platforms(self) -> tuple[str, ...]:
        return tuple(stack.platform for stack in self.stacks)

    @property
    def environment(self) -> str:
        """The name of the environment it becomes; another lock is another environment."""
        return f"{self.template}-{self.name}-{self.lock_sha256[:8]}"

    def stack(self, platform: str | None) -> Stack:
        """For `platform`; for one that it is not made for, its first, so that everything else can be judged."""
        return next((stack for stack in self.stacks if stack.platform == platform), self.stacks[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """`purpose` says in two sentences whom it is for; `imports` is what verify must be able to load."""

    name: str
    title: str
    purpose: str
    rank: int
    imports: tuple[str, ...]
    variants: tuple[Variant, ...]
