"""What lies around a driver on a machine, as it was found: the doctor's evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from rigfit.core.traces import Traces
from rigfit.core.version import Version

RoomUse = Literal["temporary", "environments", "home", "cache"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """NVIDIA's module for one kernel: a file of /lib/modules, or a build of DKMS of that driver version.

    `signed` is None where nobody asked, or the file could not be read.
    """

    kernel: str
    file: str
    version: str | None = None
    signed: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Modules:
    """`headers` is where the running kernel's build files should be, None where they are there."""

    files: tuple[Built, ...] = ()
    dkms: tuple[Built, ...] = ()
    headers: str | None = None
    next_kernel: str | None = None

    def file_of(self, kernel: str | None) -> Built | None:
        return next((each for each in self.files if each.kernel == kernel), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of a package of the driver by the system's package manager; `log` is where it stands."""

    when: str
    package: str
    before: str | None
    after: str | None
    by: str
    log: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A library of the driver where the loader looks, in its order; `variable` names the one that leads there.

    `version` is told by the name of the file behind the links, and None with WSL's libraries and with stubs.
    """

    name: str
    path: str
    version: Version | None = None
    variable: str | None = None

    @property
    def is_stub(self) -> bool:
        return "/stubs/" in self.path

    @property
    def is_compat(self) -> bool:
        """Of NVIDIA's package for running newer CUDA on an older driver (cuda-compat)."""
        return "/compat/" in self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Fabric:
    """The switches between the GPUs of an SXM board, and the service that they need.

    `running` is None where other users' processes are out of sight; `package` is the service's, with its version.
    """

    switches: tuple[str, ...]
    running: bool | None = None
    package: str | None = None
    version: Version | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolkit:
    """A CUDA toolkit; `by` are the variables that lead to it: `PATH`, `CUDA_HOME`, `CUDA_PATH`."""

    place: str
    version: Version | None = None
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Space on the disk of a place, for us. Files are inodes: None where the file system makes them as it needs.

    `folder` is `path`, or its nearest parent that is there; None of a record.
    """

    use: RoomUse
    path: str
    folder: str | None = None
    disk: int
    free: int
    files_free: int | None = None
    writable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What the package index serves for one locked wheel.

    `hashes` is empty where it did not tell: `refused` then holds the reason if the certificate was not believed, else
    `silence` says why.
    """

    index: str
    wheel: str
    locked: str
    hashes: tuple[str, ...] = ()
    refused: str = ""
    silence: str = ""
    proxies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """`libraries` is None where the loader's list may not be read; `certificates` are variables that name no file.

    `variables` are those of this process that change what CUDA sees; `served` is None where no network was asked.
    """

    traces: Traces
    modules: Modules = field(default_factory=Modules)
    changes: tuple[Change, ...] = ()
    libraries: tuple[Library, ...] | None = ()
    fabric: Fabric | None = None
    toolkits: tuple[Toolkit, ...] = ()
    rooms: tuple[Room, ...] = ()
    certificates: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    served: Served | None = None

    def where(self, name: str) -> tuple[Library, ...]:
        return tuple(each for each in self.libraries or () if each.name == name)
