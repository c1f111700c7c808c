"""The evidence is read under the root and nowhere else; the odd files of package managers are read as they are."""

from __future__ import annotations

import json
import lzma
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rigfit.core.machine import Driver, Machine, Platform
from rigfit.core.version import Version
from rigfit.probe.evidence.gather import gather
from rigfit.probe.evidence.history import changes
from rigfit.probe.evidence.modules import modules
from rigfit.probe.evidence.toolkits import toolkits
from rigfit.probe.links import resolved
from rigfit.probe.loader import listed

KERNEL = "6.8.0-60-generic"
WATCHED = """
import json, sys
from pathlib import Path
seen = []
watching = False
def hook(event, arguments):
    if watching and event in ("open", "os.listdir", "os.scandir", "subprocess.Popen", "socket.connect"):
        seen.append(str(arguments[0]))
sys.addaudithook(hook)
from rigfit.core.machine import DriverFault, Machine, Platform
from rigfit.probe.evidence.gather import gather
machine = Machine(
    platform=Platform(os="linux", arch="x86_64", glibc=None, kernel="6.8.0-60-generic"),
    driver=DriverFault(fault="version_mismatch", what="so"),
)
environ = {"PATH": "/usr/local/cuda/bin:/usr/bin", "LD_LIBRARY_PATH": "/usr/lib", "SSL_CERT_FILE": "/etc/x.pem", "CUDA_HOME": "/usr"}
watching = True
gather(machine, root=Path(sys.argv[1]), environ=environ, home=Path(sys.argv[1]))
watching = False
print(json.dumps(seen))
"""


def put(root: Path, file: str, text: str | bytes = "") -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)


def test_nothing_is_opened_outside_of_the_root_and_nobody_else_is_asked(tmp_path: Path) -> None:
    put(tmp_path, "proc/1/comm", "init")
    put(tmp_path, "var/log/apt/history.log", "")
    ran = subprocess.run([sys.executable, "-c", WATCHED, tmp_path], capture_output=True, text=True, check=True)
    seen = json.loads(ran.stdout)
    assert len(seen) > 10
    assert [each for each in seen if not each.startswith(str(tmp_path))] == []


def test_links_are_followed_as_the_system_under_the_root_would(tmp_path: Path) -> None:
    put(tmp_path, "usr/lib/libcuda.so.580.1")
    (tmp_path / "lib64").symlink_to("/usr/lib")
    (tmp_path / "usr/lib/libcuda.so.1").symlink_to("../lib/libcuda.so.580.1")
    (tmp_path / "usr/lib/round").symlink_to("round")
    assert resolved(tmp_path, "/lib64/libcuda.so.1") == "/usr/lib/libcuda.so.580.1"
    assert resolved(tmp_path, "/usr/lib/round") == "/usr/lib/round"
    assert resolved(tmp_path, "/../../etc/./none") == "/etc/none"


@pytest.mark.parametrize(
    ("name", "content", "signed"),
    [
        ("nvidia.ko", b"code~Module signature appended~\n", True),
        ("nvidia.ko", b"code" * 4_000_000 + b"~Module signature appended~\n", True),
        ("nvidia.ko", b"code", False),
        ("nvidia.ko.xz", lzma.compress(b"code~Module signature appended~\n"), True),
        ("nvidia.ko.xz", b"no archive at all", None),
        ("nvidia.ko.zst", b"packed", None),
        ("nvidia-current.ko", b"code", False),
    ],
)
def test_a_signature_is_told_by_the_end_of_the_module(
    tmp_path: Path, *, name: str, content: bytes, signed: bool | None
) -> None:
    put(tmp_path, f"lib/modules/{KERNEL}/modules.dep", f"extra/{name}: \n")
    put(tmp_path, f"lib/modules/{KERNEL}/extra/{name}", content)
    built = modules(tmp_path, KERNEL, {"PATH": ""}, signature=True).file_of(KERNEL)
    assert built is not None
    assert built.signed is signed


@pytest.mark.parametrize(("says", "signed"), [("echo 'DKMS module key'", True), ("true", False), ("exit 1", None)])
def test_of_a_module_packed_with_zstd_modinfo_tells_who_has_signed(
    tmp_path: Path, *, says: str, signed: bool | None
) -> None:
    put(tmp_path, f"lib/modules/{KERNEL}/modules.dep", "updates/dkms/nvidia.ko.zst: \n")
    put(tmp_path, "bin/modinfo", f'#!/bin/sh\ntest "$1 $2" = "-F signer" || exit 9\n{says}\n')
    (tmp_path / "bin/modinfo").chmod(0o755)
    built = modules(tmp_path, KERNEL, {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}, signature=True).file_of(KERNEL)
    assert built is not None
    assert built.signed is signed


APT = """
Start-Date: 2026-11-20  06:12:11
Commandline: apt-get install nvtop
Install: libnvidia-compute-580:amd64 (580.159.04-0ubuntu1, automatic), nvtop:amd64 (3.0.2-1)
Upgrade: nvidia-container-toolkit:amd64 (1.17.0-1, 1.18.0-1)
"""


def test_histories_of_all_package_managers_are_put_in_order_and_hold_the_driver_alone(tmp_path: Path) -> None:
    put(tmp_path, "var/log/apt/history.log", APT)
    put(tmp_path, "var/log/apt/history.log.1.gz", b"no archive at all")
    put(
        tmp_path, "var/log/pacman.log", "[2026-11-21T06:12:11+0200] [ALPM] upgraded nvidia-utils (570.1-1 -> 580.2-1)\n"
    )
    put(tmp_path, "var/log/dnf.rpm.log", "2026-11-19T01:02:03+0000 SUBDEBUG Installed: bash-5.3-1.x86_64\n")
    found = changes(tmp_path)
    assert [(each.package, each.before, each.after) for each in found] == [
        ("nvidia-utils", "570.1-1", "580.2-1"),
        ("libnvidia-compute-580", None, "580.159.04-0ubuntu1"),
    ]
    assert found[1].by == "apt-get install nvtop"


def test_an_upgrade_by_dnf_tells_what_that_one_replaced(tmp_path: Path) -> None:
    said = (("Upgrade", "560.1-1"), ("Upgraded", "550.1-1"), ("Upgrade", "570.1-1"), ("Upgraded", "560.1-1"))
    lines = (
        f"2026-11-{10 + day}T01:02:03+0000 SUBDEBUG {word}: akmod-nvidia-3:{version}.fc41.x86_64\n"
        for day, (word, version) in enumerate(said)
    )
    put(tmp_path, "var/log/dnf.rpm.log", "".join(lines))
    assert [(each.before, each.after) for each in changes(tmp_path)] == [
        ("3:560.1", "3:570.1"),
        ("3:550.1", "3:560.1"),
    ]


@pytest.mark.parametrize("cache", [None, b"", b"no list", b"glibc-ld.so.cache1.1 cut off"])
def test_a_list_of_the_loader_that_cannot_be_read_is_unknown(tmp_path: Path, cache: bytes | None) -> None:
    platform = Platform(os="linux", arch="x86_64", glibc=None, kernel=KERNEL)
    machine = Machine(platform=platform, driver=Driver(version=Version("580.1")))
    if cache is not None:
        put(tmp_path, "etc/ld.so.cache", cache)
    assert gather(machine, root=tmp_path, environ={}, home=tmp_path).libraries is None


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_the_list_that_ldconfig_writes_is_read_in_the_order_of_the_loader(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("zzz", "aaa", "lib", "compat")]
    for folder in folders:
        folder.mkdir()
        built = ("-shared", "-nostdlib", "-Wl,-soname,libcuda.so.1", "-o", str(folder / "libcuda.so.1"))
        subprocess.run(["gcc", *built, "-xc", "/dev/null"], check=True)
    put(tmp_path, "conf", "".join(f"{folder}\n" for folder in folders))
    ldconfig = shutil.which("ldconfig", path="/sbin:/usr/sbin") or pytest.skip("needs ldconfig")
    subprocess.run([ldconfig, "-X", "-C", tmp_path / "cache", "-f", tmp_path / "conf"], check=True)
    found = listed((tmp_path / "cache").read_bytes(), "libcuda.so.1") or ()
    ours = [path for path in found if path.startswith(str(tmp_path))]
    assert ours == [f"{folder}/libcuda.so.1" for folder in folders]


def test_a_package_that_comes_meanwhile_is_seen(tmp_path: Path) -> None:
    put(tmp_path, "usr/bin/nvcc")
    assert toolkits(tmp_path, {}) == ()
    told = "Package: nvidia-cuda-toolkit\nStatus: install ok installed\nVersion: 12.0.140~12.0.1-4build4\n\n"
    put(tmp_path, "var/lib/dpkg/status", told)
    assert [str(each.version) for each in toolkits(tmp_path, {})] == ["12.0"]
