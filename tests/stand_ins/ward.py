"""A machine with a fault: a root folder that is filled with traces, and the doctor that looks at it."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.stand_ins.command import Ran, rigfit
from tests.stand_ins.nvml import StandIn

KERNEL = "6.8.0-60-generic"
OTHER_KERNEL = "6.8.0-59-generic"
VERSION = "580.159.04"  # the stand-in's
FOUND = 7
_OURS = (
    *("CONDA_OVERRIDE_CUDA", "CUDA_VISIBLE_DEVICES", "CUDA_HOME", "CUDA_PATH", "LD_LIBRARY_PATH"),
    *("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE", "SSL_CERT_DIR", "KUBERNETES_SERVICE_HOST"),
)


def list_of_loader(*files: str) -> bytes:
    """What ldconfig writes for 64-bit programs, the first file first; the texts are in another order, as its own are."""
    start = 48 + 24 * len(files)
    texts, places = b"", {}
    for file in sorted(files, reverse=True):
        folder = file.rpartition("/")[0]
        places[file] = (start + len(texts) + len(folder) + 1, start + len(texts))
        texts += f"{file}\0".encode()
    entries = b"".join(struct.pack("<iIIIQ", 0x0303, *places[file], 0, 0) for file in files)
    return struct.pack("<20sII20x", b"glibc-ld.so.cache1.1", len(files), len(texts)) + entries + texts


@dataclass
class Ward:
    """A root folder that is filled with traces, and the command that looks at it."""

    standin: StandIn
    environ: dict[str, str] = field(default_factory=dict)
    said: tuple[str, ...] = ()

    def trace(self, file: str, text: str | bytes = "") -> None:
        path = self.standin.root / file.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)

    def link(self, file: str, to: str) -> None:
        path = self.standin.root / file.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(to)

    def library(self, file: str, version: str | None) -> None:
        """A library of the driver behind its soname, as packages lay them out."""
        if version is None:
            self.trace(file)
        else:
            self.trace(f"{file.removesuffix('.1')}.{version}")
            self.link(file, f"{Path(file).name.removesuffix('.1')}.{version}")

    def listed(self, *files: str) -> None:
        self.trace("etc/ld.so.cache", list_of_loader(*files))

    def without_library(self) -> None:
        self.standin = replace(self.standin, library=self.standin.place / "nowhere")

    def doctor(self, *words: str) -> Ran:
        kept = {name: value for name, value in os.environ.items() if name not in _OURS}
        nvml = self.standin.environ(*self.said)
        joined = ":".join(filter(None, (self.environ.get("LD_LIBRARY_PATH"), nvml["LD_LIBRARY_PATH"])))
        environ = {**kept, "TMPDIR": str(self.standin.place), **nvml, **self.environ, "LD_LIBRARY_PATH": joined}
        options = ("--json", "--root", str(self.standin.root), "--home", str(self.standin.place))
        return rigfit("doctor", *options, *(words or ("--offline",)), environ=environ)

    def findings(self, *words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.doctor(*words).result["findings"]
        return found

    def first(self, code: str, *, exit_code: int = FOUND) -> dict[str, Any]:
        """The finding that stands first; its evidence as one text under `evidence`."""
        ran = self.doctor()
        found: dict[str, Any] = ran.result["findings"][0]
        assert (found["code"], ran.code) == (code, exit_code), ran.out
        assert found["source"] or code in ("gpu_in_use", "library_copies"), found
        return {**found, "evidence": "\n".join(found["because"])}


def loaded(ward: Ward, version: str) -> None:
    ward.trace("proc/driver/nvidia/version", f"NVRM version: NVIDIA UNIX x86_64 Kernel Module  {version}  Wed\n")
    for name in ("nvidiactl", "nvidia0", "nvidia-uvm"):
        ward.trace(f"dev/{name}")


def bridge(ward: Ward, driver: str) -> None:
    """A PCI device of NVIDIA that is no GPU."""
    ward.trace("sys/bus/pci/devices/0000:05:00.0/vendor", "0x10de\n")
    ward.trace("sys/bus/pci/devices/0000:05:00.0/class", "0x068000\n")
    ward.link("sys/bus/pci/devices/0000:05:00.0/driver", f"../../../bus/pci/drivers/{driver}")


def well(standin: StandIn) -> Ward:
    """A machine whose driver answers and on which nothing is wrong."""
    made = _with_a_card(standin, "0x10de")
    loaded(made, VERSION)
    return made


def without_nvidia(standin: StandIn) -> Ward:
    """A machine with a card of another maker, and nothing of NVIDIA's."""
    made = _with_a_card(standin, "0x8086")
    made.without_library()
    return made


def _with_a_card(standin: StandIn, maker: str) -> Ward:
    made = Ward(standin)
    made.trace("proc/sys/kernel/osrelease", f"{KERNEL}\n")
    made.trace("proc/1/comm", "systemd\n")
    made.trace("sys/bus/pci/devices/0000:01:00.0/vendor", f"{maker}\n")
    made.trace("sys/bus/pci/devices/0000:01:00.0/class", "0x030000\n")
    made.listed()
    return made
