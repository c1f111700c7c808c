"""`rigfit serve` while it runs, and what asks it for pages."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from urllib.parse import urlsplit

from tests.tui.driving import MACHINES
from tests.tui.terminals import RIGFIT

_PATIENCE = 30.0  # seconds
_HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    text: str
    headers: Message

    @property
    def cookie(self) -> dict[str, str]:
        """As a browser sends it back."""
        return {"Cookie": self.headers["Set-Cookie"].partition(";")[0]}


class Server:
    """The other side of a server's link."""

    def __init__(self, process: subprocess.Popen[str], link: str) -> None:
        self.process = process
        self.link = link
        parts = urlsplit(link)
        self.host, self.port = str(parts.hostname), int(parts.port or 0)
        self.entrance = f"/?{parts.query}"

    @property
    def origin(self) -> str:
        return f"http://{self.host}:{self.port}"

    def get(self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        try:
            wire.request(method, path, headers={"Host": f"{self.host}:{self.port}", **(headers or {})})
            response = wire.getresponse()
            text = (
                ""
                if response.status == http.HTTPStatus.SWITCHING_PROTOCOLS
                else response.read().decode("utf-8", "replace")
            )
            return Answer(status=response.status, text=text, headers=response.headers)
        finally:
            wire.close()

    def say(self, request: bytes) -> bytes:
        """All that it answers to what no browser would send."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE) as wire:
            wire.sendall(request)
            return b"".join(iter(lambda: wire.recv(1 << 16), b""))

    def enter(self) -> dict[str, str]:
        """By the link, as the first; the cookie."""
        answer = self.get(self.entrance)
        assert answer.status == 200
        return answer.cookie

    def shake_hands(self, headers: Mapping[str, str]) -> int:
        """The status that the opening of a websocket gets."""
        return self.get("/ws", {**_HANDSHAKE, **headers}).status

    def programs(self) -> list[int]:
        """What runs behind its pages."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(each) for each in children.split()]

    def press_ctrl_c(self) -> None:
        """Heard by all that the terminal has started."""
        os.killpg(self.process.pid, signal.SIGINT)


def rigfit_serve(catalog: Path, home: Path, *words: str, machine: str = "h100-580.json") -> list[str]:
    return [
        RIGFIT,
        "serve",
        "--machine",
        str(MACHINES / machine),
        "--catalog",
        str(catalog),
        "--home",
        str(home),
        *words,
    ]


@contextmanager
def serving(argv: Sequence[str], **env: str) -> Iterator[Server]:
    """Until the end of the block; `env` comes on top of what is there."""
    process = subprocess.Popen(
        argv, stdout=subprocess.PIPE, text=True, env={**os.environ, **env}, start_new_session=True
    )
    assert process.stdout is not None
    try:
        link = process.stdout.readline().strip()
        assert link.startswith("http://"), link
        yield Server(process, link)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def serve_program(script: str, *words: str) -> list[str]:
    """A server of pages with the Python `script` behind each of them."""
    starter = (
        "import sys; from rigfit_installer.serving.address import find; from rigfit_installer.serving.server import serve; "
        "serve(find('127.0.0.1'), 0, (sys.executable, '-c', *sys.argv[1:]), lambda link: print(link, flush=True))"
    )
    return [sys.executable, "-c", starter, script, *words]


def wait_for_end(pid: int) -> None:
    """Of a process that is nobody's child here."""
    deadline = time.monotonic() + _PATIENCE
    with suppress(FileNotFoundError, ProcessLookupError):
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            assert time.monotonic() < deadline, f"process {pid} does not end"
            time.sleep(0.02)
