"""Which libraries an error text tells of: lists of packages, paths, reports of an environment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from packaging.version import InvalidVersion
from packaging.version import Version as PackageVersion

from rigfit.core.installed import Build, Installed
from rigfit.core.version import Version

LIBRARIES = (
    *("torch", "torchvision", "torchaudio", "transformers", "peft", "accelerate", "bitsandbytes", "tokenizers"),
    *("huggingface-hub", "safetensors", "numpy", "scipy", "setuptools", "triton", "datasets", "trl", "pandas"),
    *("pyarrow", "sentencepiece", "protobuf", "sentence-transformers", "diffusers", "xformers", "flash-attn"),
    *("deepspeed", "optimum", "auto-gptq", "gptqmodel", "vllm", "unsloth", "numba", "scikit-learn", "urllib3"),
)
_OTHER_NAMES = {"pytorch": "torch", "pytorch-cuda": "", "pytorch-mutex": ""}  # conda's
_VERSION = r"\d+(?:\.\d+)+(?:\.?(?:a|b|rc|post|dev)\d*)*(?:\+[\w.]+)?"
_NAME = r"[A-Za-z][\w.-]*?"
_NO_LIST = re.compile(
    r"(?:pip3?|uv|conda|mamba|poetry) |Collecting |Downloading |Using cached |Uninstalling |Found existing "
)
_FREEZE = re.compile(
    rf"(?:\[(?:pip3?|conda)\] )?({_NAME})(?:\[[\w,-]+\])?==({_VERSION})(?:\s*(?:;.*|\\|#.*|--hash.*))?"
)
_COLUMNS = re.compile(rf"(?:\[conda\] )?({_NAME})\s+({_VERSION})(?:\s+(\S.*))?")
_REPORT = re.compile(rf"[-*\s]*`?({_NAME})`? version(?: \(GPU\?\))?:\s*({_VERSION})\b.*", re.IGNORECASE)
_ATTRIBUTE = re.compile(rf"\b({_NAME})\.__version__\W+({_VERSION})(?![\w.])")
_SHOWN = re.compile(rf"^Name: ({_NAME})[ ]*\nVersion: ({_VERSION})[ ]*$", re.MULTILINE)
_FOLDER = re.compile(rf"[/\\]({_NAME})-({_VERSION})(?:-py3[.\d]*)?\.(?:dist-info|egg)\b")
_SATISFIED = re.compile(rf"already satisfied: ({_NAME})(?:\[[\w,-]+\])?(?:[<>=!~][^ ]*)? in \S+ .*?\(({_VERSION})\)")
_INSTALLED = re.compile(rf"^Successfully installed ((?:{_NAME}-{_VERSION}[ \n]*)+)", re.MULTILINE)
_PAIR = re.compile(rf"({_NAME})-({_VERSION})(?=\s|$)")
_REQUIRES = re.compile(rf"\b({_NAME}) ({_VERSION}) (?:requires|has requirement) ")
_BUT_HAVE = re.compile(rf"\bbut (?:you(?:'ll)? have|found) ({_NAME})(?: |==)({_VERSION})(?![\w.-]*\d)")
_MISSING = re.compile(rf"\b{_NAME} {_VERSION} requires ({_NAME})\b[^\n]*?, which is not installed")
_TOLD = re.compile(rf"({_NAME})(?:\s*[:=@]\s*|\s+v?(?:ersion\s+)?)v?({_VERSION})")
_PYTHON = re.compile(
    r"\bPython(?: version:?)? (3\.\d+(?:\.\d+)?)\b|[/\\](?:lib[/\\])?python(3\.\d+)[/\\]|cpython-(3)(\d{1,2})-"
)
_NO_CUDA = re.compile(r"Torch not compiled with CUDA enabled|CUDA used to build PyTorch: None")
_CUDA_BUILD = re.compile(r"CUDA used to build PyTorch: (\d+\.\d+)")
_FIGURES = {
    "gpu": re.compile(
        r"CUDA capability sm_(\d+)(\d)\b|compute capability \(CC\) (\d+)\.(\d)|which is of cuda capability (\d+)\.(\d)"
    ),
    "driver-cuda": re.compile(r"NVIDIA driver on your system is too old \(found version (\d+)0(\d)0\)"),
    "wanted-cuda": re.compile(
        r"CUDA binary (?:not )?(?:found )?at .*libbitsandbytes_cuda(\d\d)(\d)(?:_nocublaslt)?\.so"
        r"|Required library version not found: libbitsandbytes_cuda(\d\d)(\d)|Requested CUDA version: +(\d+)\.(\d)"
    ),
}
_CONDA_BUILD = re.compile(r"^py3[\d.]*_(cpu|cuda(\d+\.\d+))")


_LIBRARY_FOLDER = re.compile(
    r"(/[^\s\"':*?<>|]*?/(?:site|dist)-packages)/(?:torch|transformers|peft|accelerate|bitsandbytes)/"
)


class Told(NamedTuple):
    name: str
    version: str


def versions_in(text: str, names: Iterable[str] = ()) -> Installed:
    """`names` are those of interest beside LIBRARIES. What is told twice differently is not known.

    That an import failed is no knowledge: the library may be there, for another Python.
    """
    known = {*LIBRARIES, *names}
    versions: dict[str, str | None] = {}
    doubtful: set[str] = set()
    for name, version in _told(text, known):
        before = versions.setdefault(name, version)
        if before is None or not agree(before, version):
            doubtful.add(name)
        else:
            versions[name] = max(before, version, key=len)
    for match in _MISSING.finditer(text):
        name = normal(match[1])
        doubtful.update({name} & versions.keys())
        versions[name] = None
    sure = {name: version for name, version in versions.items() if name not in doubtful and name in known}
    sure.update(_figures(text))
    build, cuda = _torch(text, sure.get("torch"))
    return Installed(versions=sure, python=_python(text), build=build, cuda=cuda)


def folders_in(text: str) -> tuple[str, ...]:
    """Where the libraries of the stack were imported from, by their paths."""
    return tuple(dict.fromkeys(match[1] for match in _LIBRARY_FOLDER.finditer(text)))


def normal(name: str) -> str:
    """As PEP 503 has it: Huggingface_hub and huggingface.hub are one; conda's name for torch, too."""
    name = re.sub(r"[-_.]+", "-", name).lower()
    return _OTHER_NAMES.get(name, name)


def _told(text: str, known: set[str]) -> Iterator[Told]:
    for pattern in (_ATTRIBUTE, _SHOWN, _FOLDER, _SATISFIED, _REQUIRES, _BUT_HAVE):
        for match in pattern.finditer(text):
            yield Told(normal(match[1]), match[2])
    for installed in _INSTALLED.finditer(text):
        for pair in _PAIR.finditer(installed[1]):
            yield Told(normal(pair[1]), pair[2])
    for line in text.split("\n"):
        if any(sign in line for sign in ("==", "ersion", ".")) and len(line) < 300:
            yield from _told_by(line.strip(), known)


def _told_by(line: str, known: set[str]) -> Iterator[Told]:
    """One line of a list, or `peft 0.14.0, transformers 4.28.0` as people write it."""
    if _NO_LIST.match(line):
        return
    for pattern in (_FREEZE, _REPORT, _COLUMNS):
        match = pattern.fullmatch(line)
        if match and normal(match[1]) in known:
            yield Told(normal(match[1]), match[2])
            return
    told = [_TOLD.fullmatch(part.strip(" `*-.")) for part in re.split(r",|;| and | with | \+ ", line)]
    if all(told):
        yield from (Told(name, match[2]) for match in told if match and (name := normal(match[1])) in known)


def agree(one: str, other: str) -> bool:
    """2.1.0 and 2.1.0+cu121 do."""
    try:
        first, second = PackageVersion(one), PackageVersion(other)
    except InvalidVersion:
        return False
    if first.local and second.local and first.local != second.local:
        return False
    return first.public == second.public


def _figures(text: str) -> Iterator[tuple[str, str]]:
    """FIGURES as far as they are told, and told once."""
    for name, pattern in _FIGURES.items():
        found = {".".join(filter(None, match.groups())) for match in pattern.finditer(text)}
        if len(found) == 1:
            yield name, found.pop()


def _python(text: str) -> str | None:
    found = {match[1] or match[2] or f"{match[3]}.{match[4]}" for match in _PYTHON.finditer(text)}
    longest = max(found, key=len, default=None)
    alike = all(longest == each or str(longest).startswith(f"{each}.") for each in found)
    return longest if alike else None


def _torch(text: str, version: str | None) -> tuple[Build | None, Version | None]:
    """By what the text says of the build, and by the local part of torch's version."""
    local = (version or "").partition("+")[2]
    cudas = {match[1] for match in _CUDA_BUILD.finditer(text)}
    if local.startswith("cu") and local[2:].isdigit():
        cudas.add(f"{local[2:-1]}.{local[-1]}")
    for line in text.split("\n") if "pytorch " in text else ():
        columns = line.removeprefix("[conda]").split()
        if len(columns) > 2 and columns[0] == "pytorch" and (build := _CONDA_BUILD.match(columns[2])):
            cudas.add(build[2] or "")
    if local == "cpu" or _NO_CUDA.search(text):
        cudas.add("")
    if len(cudas) != 1:
        return None, None
    cuda = cudas.pop()
    return ("cuda", Version(cuda)) if cuda else ("cpu", None)
