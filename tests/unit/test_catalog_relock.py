"""Locking, with a channel and a package index of our own making: every tool is the real one, no network is needed."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import random
import re
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import pytest
from packaging.utils import parse_wheel_filename
from tests.stand_ins.command import rigfit

from rigfit.catalog.load import load_templates
from rigfit.catalog.locks import read_lock
from rigfit.catalog.recipe import DeclaredWheel
from rigfit.catalog.relock import check, relock
from rigfit.catalog.relock.index import Question, resolve
from rigfit.catalog.relock.ranged import RangedFile
from rigfit.catalog.relock.target import Target
from rigfit.catalog.relock.wheel import look_into
from rigfit.catalog.sidecar import read_sidecar
from rigfit.cli.main import main
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.version import Version
from rigfit.engine import locking

Files = Mapping[str, str | bytes]
NONE: Files = {}


@dataclass
class Shelf:
    """A package index on this machine. `served` counts the bytes that were asked for by file name."""

    folder: Path
    port: int = 0
    ranges: bool = True
    served: dict[str, int] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wheel(self, filename: str, requires: tuple[str, ...] = (), files: Files = NONE) -> Path:
        content = hashlib.blake2b(filename.encode(), digest_size=32).hexdigest()
        folder = self.folder / "packages" / content[:2] / content[2:4] / content[4:]
        folder.mkdir(parents=True, exist_ok=True)
        return make_wheel(folder / filename, requires, files)

    def page(self, name: str) -> str:
        """What PEP 503 wants for one project."""
        links = []
        for path in sorted((self.folder / "packages").rglob("*.whl")):
            if parse_wheel_filename(path.name)[0] == name:
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                links.append(f'<a href="/{path.relative_to(self.folder)}#sha256={digest}">{path.name}</a>')
        return "\n".join(links)


def noise(size: int) -> bytes:
    """Bytes that do not compress, the same each time."""
    return random.Random(1).randbytes(size)  # noqa: S311


def make_wheel(path: Path, requires: tuple[str, ...] = (), files: Files = NONE) -> Path:
    name, version, *_ = path.name.split("-")
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {line}\n" for line in requires)
    tags = "".join(f"Tag: {tag}\n" for tag in sorted(map(str, parse_wheel_filename(path.name)[3])))
    members: dict[str, str | bytes] = {
        f"{name}/__init__.py": "",
        **files,
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n{tags}",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return path


class Handler(http.server.BaseHTTPRequestHandler):
    shelf: Shelf

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        page = re.fullmatch(r"/simple/([a-z0-9-]+)/", self.path)
        path = self.shelf.folder / unquote(self.path).lstrip("/")
        if page and (text := self.shelf.page(page[1])):
            self.send(200, text.encode(), {"Content-Type": "text/html"})
        elif self.path.startswith("/packages/") and path.is_file():
            self.send_file(path.name, path.read_bytes())
        else:
            self.send(404, b"", {})

    def send_file(self, name: str, content: bytes) -> None:
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if not asked or not self.shelf.ranges:
            self.send(200, content, {"Accept-Ranges": "bytes"} if self.shelf.ranges else {})
            return
        start = int(asked[1]) if asked[1] else max(0, len(content) - int(asked[2]))
        end = int(asked[2]) + 1 if asked[1] and asked[2] else len(content)
        part = content[start:end]
        self.shelf.served[name] = self.shelf.served.get(name, 0) + len(part)
        span = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
        self.send(206, part, {"Content-Range": span, "Accept-Ranges": "bytes"})

    def send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    shelf = Shelf(folder=tmp_path / "index")
    (shelf.folder / "packages").mkdir(parents=True)
    handler = type("OurHandler", (Handler,), {"shelf": shelf})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        shelf.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield shelf
        server.shutdown()
        thread.join()


@pytest.fixture
def index(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """The shelf with the wheels of a small template on it, as the index that pip is configured for."""
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_INDEX_URL", f"{shelf.url}/simple")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    for platform, cuda in (("manylinux_2_28_x86_64", "12.1"), ("manylinux_2_28_aarch64", "12.1")):
        torch(shelf, f"torch-2.0-cp311-cp311-{platform}.whl", cuda)
    torch(shelf, "torch-1.13-cp311-cp311-manylinux1_x86_64.whl", "12.1")
    shelf.wheel("bitsandbytes-0.50-py3-none-manylinux_2_24_x86_64.whl", ("torch <3,>=1.9",))
    shelf.wheel("bitsandbytes-0.50-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", ("torch <3,>=1.9",))
    shelf.wheel("bitsandbytes-0.42-py3-none-any.whl", ("torch <3,>=1.9",))
    shelf.wheel("triton-1.0-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.whl")
    shelf.wheel("filelock-3.0-py3-none-any.whl")
    shelf.wheel("filelock-3.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")
    shelf.wheel("filelock-3.0-cp312-cp312-manylinux_2_17_x86_64.whl")
    shelf.wheel("pip-26.0-py3-none-any.whl")
    shelf.wheel("pip-27.0-py3-none-any.whl")
    return shelf


def torch(shelf: Shelf, filename: str, cuda: str | None) -> Path:
    """As heavy as a wheel can be in a test; on aarch64 it asks for more."""
    version = f"from typing import Optional\n\n__version__ = '2.0'\ncuda: Optional[str] = {cuda!r}\nhip = None\n"
    requires = ("filelock", "triton; platform_machine == 'aarch64'", "opt-einsum; extra == 'opt'")
    return shelf.wheel(filename, requires, {"torch/version.py": version, "torch/lib.so": noise(1_000_000)})


@pytest.fixture
def channel(tmp_path: Path) -> str:
    """A copy of conda-forge, so to say: records of an interpreter and its pip, and no packages."""
    python = record("python", "3.11.9", "h1_cpython", ["__glibc >=2.17,<3.0.a0", "libzlib >=1.3,<2.0a0"])
    newer = record("python", "3.12.1", "h1_cpython", ["libzlib >=1.3,<2.0a0"])
    demanding = record("python", "3.11.10", "h1_cpython", ["__glibc >=2.39,<3.0.a0"])
    folders = {
        "linux-64": [python, newer, demanding, record("libzlib", "1.3.1", "h2_0", [])],
        "linux-aarch64": [python, record("libzlib", "1.3.2", "h4_0", [])],
        "noarch": [record("pip", "26.0", "pyh0_0", ["python >=3.10"])],
    }
    for subdir, records in folders.items():
        packages = {f"{r['name']}-{r['version']}-{r['build']}.conda": r | {"subdir": subdir} for r in records}
        (tmp_path / "channel" / subdir).mkdir(parents=True)
        repodata = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": packages}
        (tmp_path / "channel" / subdir / "repodata.json").write_text(json.dumps(repodata), encoding="utf-8")
    return (tmp_path / "channel").as_uri()


def record(name: str, version: str, build: str, depends: list[str]) -> dict[str, object]:
    text = f"{name}-{version}-{build}".encode()
    return {
        "name": name,
        "version": version,
        "build": build,
        "build_number": 0,
        "depends": depends,
        "md5": hashlib.md5(text).hexdigest(),  # noqa: S324 - conda's records have it
        "sha256": hashlib.sha256(text).hexdigest(),
        "size": 1000,
        "timestamp": 1_700_000_000_000,
    }


TEMPLATE = """
name = "small"
title = "A small template"
purpose = "For tests. It has one variant."
rank = 1

[verify]
imports = ["torch"]
quantization = ["int8"]

[[variants]]
name = "cu121"
cuda = "12.1"
platforms = ["linux-64"]
pins = ["torch ==2.0"]
"""
ENVIRONMENT = """
name: small
channels: [conda-forge]
dependencies:
  - python 3.11.*
  - pip
  - pip: [pip, bitsandbytes]
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    folder = tmp_path / "catalog" / "small"
    folder.mkdir(parents=True)
    (folder / "template.toml").write_text(TEMPLATE, encoding="utf-8")
    (folder / "environment.yml").write_text(ENVIRONMENT, encoding="utf-8")
    return folder.parent


def refusal(catalog: Path, channel: str, template: str = "small", variants: list[str] | None = None) -> Problem:
    with pytest.raises(ProblemError) as caught:
        list(relock(catalog, template, variants=variants, channel=channel))
    return caught.value.problem


def generated(catalog: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((catalog / "small").iterdir())}


@pytest.mark.usefixtures("index")
def test_a_lock_is_made_that_passes_its_audit(catalog: Path, channel: str) -> None:
    *_, last = relock(catalog, "small", channel=channel)
    assert last.startswith("small/cu121: linux-64: Python 3.11.9, torch 2.0, 3 conda packages and 4 wheels")
    assert check(catalog, "small") == []
    (variant,) = load_templates(catalog)[0].variants
    assert variant.stacks[0].versions == {"bitsandbytes": "0.50", "filelock": "3.0", "pip": "26.0", "torch": "2.0"}
    lock = read_lock(variant, "linux-64")
    assert {artifact.name for artifact in lock.conda} == {"python", "libzlib", "pip"}
    assert all(artifact.url.startswith("https://conda.anaconda.org/conda-forge/") for artifact in lock.conda)
    assert all(artifact.from_index for artifact in lock.pip)


@pytest.mark.usefixtures("index")
def test_of_two_wheels_of_one_version_the_interpreters_favourite_is_taken(catalog: Path, channel: str) -> None:
    list(relock(catalog, "small", channel=channel))
    (variant,) = load_templates(catalog)[0].variants
    filelock = next(artifact for artifact in read_lock(variant, "linux-64").pip if artifact.name == "filelock")
    assert filelock.filename == "filelock-3.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"


def test_the_sizes_are_those_of_the_wheels_and_no_wheel_is_fetched(index: Shelf, catalog: Path, channel: str) -> None:
    list(relock(catalog, "small", channel=channel))
    sizes = read_sidecar(catalog / "small" / "cu121.sizes.json").parts["linux-64"].sizes()
    (path,) = index.folder.rglob("torch-2.0-*x86_64.whl")
    size = sizes[path.name]
    with zipfile.ZipFile(path) as archive:
        blocks = sum((info.file_size + 4095) // 4096 for info in archive.infolist())
    assert (size.fetch, size.unpacked) == (path.stat().st_size, blocks * 4096)
    assert index.served[path.name] < size.fetch / 2
    conda = sizes["python-3.11.9-h1_cpython.conda"]
    assert (conda.fetch, conda.unpacked, conda.estimated) == (1000, 4000, True)


@pytest.mark.usefixtures("index")
def test_locking_twice_gives_the_same_files(catalog: Path, channel: str) -> None:
    list(relock(catalog, "small", channel=channel))
    first = generated(catalog)
    (catalog / "small" / ".cu121.conda-lock.yml.new").write_text("left by one that was killed", encoding="utf-8")
    list(relock(catalog, "small", variants=["cu121"], channel=channel))
    assert generated(catalog) == first
    assert "cu121.sizes.json" in first


@pytest.mark.usefixtures("index")
def test_the_oldest_glibc_and_the_wheel_because_of_which_are_recorded(catalog: Path, channel: str) -> None:
    list(relock(catalog, "small", channel=channel))
    (variant,) = load_templates(catalog)[0].variants
    (stack,) = variant.stacks
    assert (str(stack.glibc), stack.glibc_because) == ("2.28", "torch 2.0")


def rewrite(catalog: Path, old: str, new: str) -> None:
    """The recipe, changed."""
    path = catalog / "small" / "template.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.usefixtures("index")
def test_one_lock_holds_every_platform_and_each_has_its_own(catalog: Path, channel: str) -> None:
    rewrite(catalog, '["linux-64"]', '["linux-64", "linux-aarch64"]')
    said = list(relock(catalog, "small", channel=channel))
    assert [line.split(" ")[1] for line in said[-2:]] == ["linux-64:", "linux-aarch64:"]
    assert check(catalog, "small") == []
    (variant,) = load_templates(catalog)[0].variants
    x86, arm = variant.stacks
    assert (x86.platform, arm.platform) == ("linux-64", "linux-aarch64")
    assert arm.versions == {**x86.versions, "triton": "1.0"}
    locks = {platform: read_lock(variant, platform) for platform in variant.platforms}
    for lock, zlib, tag in ((locks["linux-64"], "1.3.1", "x86_64"), (locks["linux-aarch64"], "1.3.2", "aarch64")):
        assert next(artifact.version for artifact in lock.conda if artifact.name == "libzlib") == zlib
        assert next(artifact.filename for artifact in lock.pip if artifact.name == "torch").endswith(f"{tag}.whl")
    shared = "pip-26.0-py3-none-any.whl"
    assert all(any(artifact.filename == shared for artifact in lock.pip) for lock in locks.values())


@pytest.mark.usefixtures("index")
def test_for_an_older_glibc_older_wheels_are_taken_and_the_interpreter_decides_what_is_needed(
    catalog: Path, channel: str
) -> None:
    rewrite(catalog, 'pins = ["torch ==2.0"]', 'glibc = "2.17"\npins = ["torch <3"]')
    list(relock(catalog, "small", channel=channel))
    (variant,) = load_templates(catalog)[0].variants
    (stack,) = variant.stacks
    assert (stack.versions["torch"], stack.versions["bitsandbytes"]) == ("1.13", "0.42")
    assert (str(stack.glibc), stack.glibc_because) == ("2.17", "filelock 3.0")


@pytest.mark.usefixtures("index")
def test_what_no_wheel_has_for_an_older_glibc_is_refused_with_the_platform_named(catalog: Path, channel: str) -> None:
    rewrite(catalog, 'platforms = ["linux-64"]', 'platforms = ["linux-64"]\nglibc = "2.17"')
    problem = refusal(catalog, channel)
    assert problem.code == "lock_unsolvable"
    assert "on Python 3.11, linux-64 with glibc 2.17" in problem.what
    assert "torch" in problem.detail
    assert generated(catalog).keys() == {"environment.yml", "template.toml"}


def test_a_cpu_build_on_the_other_platform_is_no_cuda_variant(index: Shelf, catalog: Path, channel: str) -> None:
    torch(index, "torch-2.0-cp311-cp311-manylinux_2_28_aarch64.whl", None)
    rewrite(catalog, '["linux-64"]', '["linux-64", "linux-aarch64"]')
    problem = refusal(catalog, channel)
    assert "needs the build CUDA of its torch on linux-aarch64, none; found 12.1" in problem.what
    assert generated(catalog).keys() == {"environment.yml", "template.toml"}


@pytest.mark.usefixtures("index")
def test_a_build_cuda_that_the_wheel_contradicts_is_refused(catalog: Path, channel: str) -> None:
    path = catalog / "small" / "template.toml"
    path.write_text(TEMPLATE.replace('"12.1"', '"12.4"'), encoding="utf-8")
    problem = refusal(catalog, channel)
    assert problem.code == "catalog_invalid"
    needed = "needs the build CUDA of its torch on linux-64, 12.1; found 12.4"
    assert f"variants[cu121].cuda`: {needed}" in problem.what


@pytest.mark.usefixtures("index")
def test_a_failure_leaves_the_lock_as_it_was(catalog: Path, channel: str) -> None:
    list(relock(catalog, "small", channel=channel))
    (catalog / "small" / "environment.yml").write_text(
        ENVIRONMENT.replace("bitsandbytes]", "bitsandbytes >=9]"),
        encoding="utf-8",
    )
    before = generated(catalog)
    problem = refusal(catalog, channel)
    assert problem.code == "lock_unsolvable"
    assert "bitsandbytes" in problem.detail
    assert generated(catalog) == before


@pytest.mark.usefixtures("index")
def test_a_bound_against_what_conda_brings_is_refused_with_the_way_out(catalog: Path, channel: str) -> None:
    environment = ENVIRONMENT.replace("pip: [pip,", "pip: [pip >=27,")
    (catalog / "small" / "environment.yml").write_text(environment, encoding="utf-8")
    problem = refusal(catalog, channel)
    assert problem.code == "lock_unsolvable"
    assert "or bound the conda package likewise: pip==26.0 is what conda brings" in problem.fix


def test_an_interpreter_that_cannot_be_solved_is_a_problem_with_the_solvers_words(catalog: Path, channel: str) -> None:
    (catalog / "small" / "environment.yml").write_text(ENVIRONMENT.replace("3.11.*", "3.9.*"), encoding="utf-8")
    problem = refusal(catalog, channel)
    assert problem.code == "lock_unsolvable"
    assert "python 3.9" in problem.what
    assert problem.detail


def test_a_channel_that_is_not_there_is_a_problem(catalog: Path, tmp_path: Path) -> None:
    problem = refusal(catalog, (tmp_path / "nowhere").as_uri())
    assert problem.code == "lock_unsolvable"
    assert "nowhere" in problem.detail


@pytest.mark.usefixtures("index")
def test_the_command_ends_with_what_to_do_next(catalog: Path, channel: str) -> None:
    (catalog / "facts").mkdir()
    ran = rigfit("lock", "small", "--catalog", catalog, "--channel", channel)
    assert (ran.code, ran.out) == (0, "locked: small\n"), ran.err
    assert ran.err.splitlines()[-1] == f"next: `rigfit templates --check small --catalog {catalog}`"


@pytest.mark.parametrize("words", [[], ["current"]])
def test_after_the_checkouts_own_templates_the_matrix_is_next(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(locking, "write_locks", lambda *_: iter(()))
    assert main(["lock", *words]) == 0
    check, matrix = capsys.readouterr().err.splitlines()[-2:]
    assert check == f"next: `{' '.join(['rigfit templates --check', *words])}`"
    assert "`python tests/selection_matrix.py`" in matrix


def test_unknown_names_are_answered_with_the_known_ones(catalog: Path, channel: str) -> None:
    template = refusal(catalog, channel, template="big")
    assert (template.code, template.fix) == ("unknown_template", ("choose one of: small",))
    variant = refusal(catalog, channel, variants=["cu999"])
    assert (variant.code, variant.fix) == ("unknown_variant", ("choose one of: cu121",))


def test_an_index_that_gives_whole_files_only_is_a_problem(index: Shelf, catalog: Path, channel: str) -> None:
    index.ranges = False
    problem = refusal(catalog, channel)
    assert problem.code == "network_unreachable"
    assert "no byte ranges" in problem.detail


@pytest.mark.usefixtures("index")
def test_without_conda_lock_the_extra_is_named(
    catalog: Path,
    channel: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "conda_lock.lockfile.v1", None)
    problem = refusal(catalog, channel)
    assert (problem.code, problem.fix) == ("usage", ("pip install 'rigfit[lock]'",))


def declared(catalog: Path, shop: Path, *, pin: str = "2.1+cpu") -> Path:
    """A CPU variant whose torch is not on the index, and a folder that has it."""
    shop.mkdir()
    path = make_wheel(shop / "torch-2.1+cpu-cp311-cp311-manylinux_2_28_x86_64.whl", ("filelock",))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    table = f"""
[[variants]]
name = "cpu"
platforms = ["linux-64"]
pins = ["torch =={pin}"]

[[variants.wheels]]
name = "torch"
url = "https://wheels.example/cpu/torch-2.1%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl"
sha256 = "{digest}"
source = "made for this test"
read = 2026-11-22
"""
    (catalog / "small" / "template.toml").write_text(TEMPLATE + table, encoding="utf-8")
    return path


@pytest.mark.usefixtures("index")
def test_a_declared_wheel_is_found_in_a_folder_that_pip_is_told_of(
    catalog: Path,
    channel: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = declared(catalog, tmp_path / "shop")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / path.name).write_bytes(b"another file of that name")
    config = tmp_path / "pip.conf"
    config.write_text(f"[global]\nfind-links =\n    {tmp_path / 'elsewhere'}\n    {path.parent}\n", encoding="utf-8")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    list(relock(catalog, "small", channel=channel))
    assert check(catalog, "small") == []
    cpu = load_templates(catalog)[0].variants[1]
    assert (cpu.is_cpu, cpu.stacks[0].versions["torch"]) == (True, "2.1+cpu")
    torch = next(artifact for artifact in read_lock(cpu, "linux-64").pip if artifact.name == "torch")
    assert torch.url == "https://wheels.example/cpu/torch-2.1%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl"
    assert torch.size == path.stat().st_size


@pytest.mark.usefixtures("index")
def test_a_pin_that_passes_a_declared_wheel_by_is_refused(
    catalog: Path,
    channel: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = declared(catalog, tmp_path / "shop", pin="2.0")
    monkeypatch.setenv("PIP_FIND_LINKS", str(path.parent))
    problem = refusal(catalog, channel, variants=["cpu"])
    assert problem.code == "lock_unsolvable"
    assert "needs a pin on the declared wheel, `torch ==2.1+cpu`; found 2.0" in problem.what


def test_a_declared_wheel_that_no_folder_has_is_asked_for_at_its_address(index: Shelf) -> None:
    path = index.wheel("torch-2.1+cpu-cp311-cp311-manylinux_2_28_x86_64.whl", ("filelock",))
    wheel = DeclaredWheel(
        name="torch",
        url=f"{index.url}/{path.relative_to(index.folder)}".replace("+", "%2B"),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        source="made for this test",
        read="2026-11-22",
    )
    question = Question(
        requirements=("torch ==2.1+cpu",),
        constraints=(),
        wheels=(wheel,),
        python=(3, 11),
        target=Target(platform="linux-64", glibc=Version("2.28")),
    )
    filelock, found = resolve(question)
    assert (filelock.name, found.name, found.version) == ("filelock", "torch", "2.1+cpu")
    assert found.url == found.place == wheel.url
    assert found.sha256 == wheel.sha256


def test_a_declared_wheel_of_another_platform_takes_no_part(index: Shelf) -> None:
    wheel = DeclaredWheel(
        name="torch",
        url="https://wheels.example/cpu/torch-2.0-cp311-cp311-manylinux_2_28_x86_64.whl",
        sha256="0" * 64,
        source="made for this test",
        read="2026-11-22",
    )
    question = Question(
        requirements=("torch ==2.0",),
        constraints=(),
        wheels=(wheel,),
        python=(3, 11),
        target=Target(platform="linux-aarch64", glibc=Version("2.28")),
    )
    found = next(row for row in resolve(question) if row.name == "torch")
    assert found.place.startswith(index.url)
    assert found.place.endswith("aarch64.whl")


def test_reading_by_ranges_gives_what_the_file_holds(shelf: Shelf) -> None:
    numbers = random.Random(2)  # noqa: S311 - the same numbers each time
    content = noise(500_000)
    (shelf.folder / "packages" / "file").write_bytes(content)
    remote = RangedFile(f"{shelf.url}/packages/file")
    assert remote.size == len(content)
    for _ in range(200):
        start, size = numbers.randrange(len(content)), numbers.randrange(150_000)
        assert remote.seek(start) == start
        assert remote.read(size) == content[start : start + size]
    remote.seek(-10, 2)
    assert remote.read() == content[-10:]
    assert remote.read(5) == b""


def test_a_file_shorter_than_one_block_is_read_at_once(shelf: Shelf) -> None:
    path = shelf.wheel("tiny-1.0-py3-none-any.whl", ("six",))
    contents = look_into(f"{shelf.url}/{path.relative_to(shelf.folder)}")
    assert contents == look_into(str(path))
    assert contents.requires == ("six",)
    assert shelf.served[path.name] == path.stat().st_size
