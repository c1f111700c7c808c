"""A throw-away package index, a tiny checkout to install from, and a bare machine to run install.sh on."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]

# What install.sh may expect of a bare machine beside Python: POSIX, and the two or three that every Linux has.
TOOLS = [
    "sh",
    "awk",
    "cat",
    "cut",
    "dirname",
    "du",
    "env",
    "grep",
    "id",
    "ln",
    "mkdir",
    "readlink",
    "rm",
    "rmdir",
    "sed",
    "tail",
    "uname",
]

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "rigfit"
version = "0.1.0"
dependencies = ["stub-library"]
"""

# Builds the wheel without any tool, so that the index needs to hold none.
BACKEND = """
import pathlib, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "rigfit-0.1.0-py3-none-any.whl"
    info = "rigfit-0.1.0.dist-info/"
    files = {
        "rigfit/__init__.py": "",
        "rigfit/main.py": pathlib.Path("src/rigfit/main.py").read_text(),
        info + "METADATA": "Metadata-Version: 2.1\\nName: rigfit\\nVersion: 0.1.0\\nRequires-Dist: stub-library\\n",
        info + "WHEEL": "Wheel-Version: 1.0\\nGenerator: stub\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        info + "entry_points.txt": "[console_scripts]\\nrigfit = rigfit.main:main\\n",
    }
    files[info + "RECORD"] = "".join(f"{path},,\\n" for path in [*files, info + "RECORD"])
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return name
"""

# Stands for rigfit: tells what it was asked, and ends with a code that is its own.
COMMAND = """
import sys

import stub_library

def main():
    if "--version" in sys.argv:
        print("rigfit VERSION")
        return 0
    print("asked", *sys.argv[1:], sep="|")
    return 7
"""


@dataclass
class Index:
    """A PEP 503 index on loopback that remembers what it was asked, and can be made to hang on a wheel."""

    wheels: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    hangs: bool = False
    reached: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def answer(self, path: str) -> bytes | None:
        self.asked.append(path)
        name = path.strip("/").rpartition("/")[2]
        if path.startswith("/simple/"):
            files = [wheel for wheel in self.wheels if wheel.startswith(name.replace("-", "_") + "-")]
            return "".join(f'<a href="/files/{file}">{file}</a>' for file in files).encode() or None
        if self.hangs:
            self.reached.set()
            self.release.wait(60)
        return self.wheels.get(name)


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, *args: object, index: Index) -> None:
        self.index = index
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self._send(with_body=True)

    def do_HEAD(self) -> None:
        self._send(with_body=False)

    def _send(self, *, with_body: bool) -> None:
        body = self.index.answer(self.path)
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Type", "text/html" if self.path.startswith("/simple/") else "application/zip")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        if with_body and body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: the index remembers by itself."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a killed client hangs up, and that is what some tests are about."""


@contextmanager
def serve(folder: Path) -> Iterator[Index]:
    """An index with the one library that the stand-in for rigfit depends on; `folder` is for making its wheel."""
    info = "stub_library-1.0.dist-info/"
    path = folder / "stub_library-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("stub_library.py", "")
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: stub-library\nVersion: 1.0\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: s\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(info + "RECORD", f"stub_library.py,,\n{info}METADATA,,\n{info}WHEEL,,\n{info}RECORD,,\n")
    index = Index(wheels={path.name: path.read_bytes()})
    server = _Server(("127.0.0.1", 0), partial(_Handler, index=index))
    index.url = f"http://127.0.0.1:{server.server_port}/simple"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield index
    index.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class BareMachine:
    """A home, a checkout and a PATH of our own; every path has a space in it."""

    folder: Path
    variables: dict[str, str]
    prefix: tuple[str, ...] = ()

    @property
    def home(self) -> Path:
        return self.folder / "home of somebody"

    @property
    def checkout(self) -> Path:
        return self.folder / "a checkout" / "rigfit"

    @property
    def tools(self) -> Path:
        return self.folder / "tools"

    @property
    def data(self) -> Path:
        return self.home / ".local" / "share" / "rigfit"

    @property
    def link(self) -> Path:
        return self.home / ".local" / "bin" / "rigfit"

    def write_command(self, version: str) -> None:
        self.checkout.joinpath("src/rigfit/main.py").write_text(COMMAND.replace("VERSION", version))

    def add_program(self, name: str, text: str) -> None:
        path = self.tools / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        script = str(self.checkout / "installer" / "install.sh")
        return subprocess.Popen(
            [*self.prefix, "/bin/sh", script, *arguments],
            env=self.variables,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def install_on_terminal(self, *arguments: str, term: str = "xterm") -> str:
        """What it says there."""
        ours, its = pty.openpty()
        command = [*self.prefix, "/bin/sh", str(self.checkout / "installer" / "install.sh"), *arguments]
        process = subprocess.Popen(command, env={**self.variables, "TERM": term}, stdin=its, stdout=its, stderr=its)
        os.close(its)
        said = b""
        with suppress(OSError):  # it has ended, and its terminal with it
            while heard := os.read(ours, 1 << 16):
                said += heard
        os.close(ours)
        process.wait(timeout=120)
        return said.decode().replace("\r", "")

    def install(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def rigfit(self, *arguments: str) -> str:
        command = [*self.prefix, str(self.link), *arguments]
        return subprocess.run(command, env=self.variables, check=False, capture_output=True, text=True).stdout.strip()


def make_machine(folder: Path, index_url: str) -> BareMachine:
    machine = BareMachine(folder=folder, variables={})
    for path in (machine.home, machine.tools, machine.checkout / "src" / "rigfit", machine.checkout / "environments"):
        path.mkdir(parents=True)
    shutil.copytree(REPOSITORY / "installer", machine.checkout / "installer")
    machine.checkout.joinpath("pyproject.toml").write_text(PYPROJECT)
    machine.checkout.joinpath("backend.py").write_text(BACKEND)
    machine.write_command("0.1.0")
    for tool in TOOLS:
        machine.tools.joinpath(tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
    machine.variables.update(
        HOME=str(machine.home),
        PATH=str(machine.tools),
        SHELL="/bin/bash",
        LC_ALL="C.UTF-8",
        NO_PROXY="127.0.0.1",
        PIP_CONFIG_FILE=os.devnull,
        PIP_DISABLE_PIP_VERSION_CHECK="1",
        PIP_RETRIES="1",  # with none, pip says nothing of why it could not connect
        UV_HTTP_RETRIES="0",
        PIP_INDEX_URL=index_url,
    )
    return machine


def base_python() -> str:
    """The interpreter behind this virtual environment, which is what a person has on the PATH."""
    return str(getattr(sys, "_base_executable", sys.executable))
