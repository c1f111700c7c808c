"""For which kernels NVIDIA's module was built, and whether it is signed."""

from __future__ import annotations

import gzip
import lzma
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO

from rigfit.core.evidence import Built, Modules
from rigfit.probe.links import is_there, under
from rigfit.probe.reading import exists, names_in, text_of
from rigfit.process.child import Command, output_of

_SIGNATURE = b"~Module signature appended~\n"  # https://docs.kernel.org/admin-guide/module-signing.html
_MODINFO_LIMIT = 3.0  # seconds
_MODULE = re.compile(r"^(\S*/nvidia(?:-current|-tesla\S*)?\.ko(?:\.\w+)?):", re.MULTILINE)


def modules(root: Path, kernel: str | None, environ: Mapping[str, str], *, signature: bool) -> Modules:
    """`signature` asks whether the running kernel's module is signed, which takes up to a second of unpacking."""
    headers = f"/lib/modules/{kernel}/build"
    files = tuple(_files(root))
    if signature:
        files = tuple(
            replace(each, signed=_signed(under(root, each.file), environ)) if each.kernel == kernel else each
            for each in files
        )
    return Modules(
        files=files,
        dkms=tuple(_dkms(root)),
        headers=None if kernel is None or is_there(root, headers) else headers,
        next_kernel=_next_kernel(root),
    )


def _files(root: Path) -> Iterator[Built]:
    for kernel in names_in(root / "lib/modules") or ():
        said = _MODULE.search(text_of(root / "lib/modules" / kernel / "modules.dep") or "")
        if said:
            file = said[1] if said[1].startswith("/") else f"/lib/modules/{kernel}/{said[1]}"
            yield Built(kernel=kernel, file=file)


def _signed(file: Path, environ: Mapping[str, str]) -> bool | None:
    """By the mark at the end of the file; None where it cannot be read."""
    if file.suffix == ".zst":
        return _signed_by_modinfo(file, environ)
    if file.suffix not in (".ko", ".xz", ".gz"):
        return None
    end = b""
    try:
        with _unpacked(file) as stream:
            while chunk := stream.read(1 << 20):
                end = (end + chunk)[-len(_SIGNATURE) :]
    except (OSError, EOFError, lzma.LZMAError):
        return None
    return end == _SIGNATURE


def _unpacked(file: Path) -> IO[bytes] | gzip.GzipFile:
    match file.suffix:
        case ".xz":
            return lzma.open(file)
        case ".gz":
            return gzip.open(file)
    return file.open("rb")


def _signed_by_modinfo(file: Path, environ: Mapping[str, str]) -> bool | None:
    """Python reads no zstd before 3.14; modinfo, where there is one that does, tells who has signed."""
    command = Command(argv=["modinfo", "-F", "signer", str(file)], env=dict(environ), limit=_MODINFO_LIMIT)
    try:
        out, _words, ended = output_of(command)
    except OSError:
        return None
    return bool(out.strip()) if ended.code == 0 else None


def _dkms(root: Path) -> Iterator[Built]:
    """/var/lib/dkms/nvidia/VERSION/KERNEL/ARCH/module, where a build has succeeded."""
    tree = root / "var/lib/dkms"
    for name in names_in(tree) or ():
        if not re.fullmatch(r"nvidia(-current|-srv|-open|-\d+)*", name):
            continue
        for version in (each for each in names_in(tree / name) or () if each[:1].isdigit()):
            for kernel in names_in(tree / name / version) or ():
                if any((tree / name / version / kernel).glob("*/module")):
                    place = f"/var/lib/dkms/{name}/{version}/{kernel}"
                    yield Built(kernel=kernel, file=place, version=version)


def _next_kernel(root: Path) -> str | None:
    """The one that Debian's and Ubuntu's boot loaders start next: /boot/vmlinuz leads to it."""
    for link in ("boot/vmlinuz", "vmlinuz"):
        try:
            name = os.path.basename(os.readlink(root / link))  # noqa: PTH119, PTH115 - a name, not a path under the root
        except OSError:
            continue
        kernel = name.removeprefix("vmlinuz-")
        if kernel != name and exists(root / "lib/modules" / kernel / "modules.dep"):
            return kernel
    return None
