"""A web server on loopback that serves what a test puts there, well or badly, and remembers what it was asked."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rigfit.core.cancel import Cancel


@dataclass
class Reply:
    """`cut` bytes of the body are announced but not sent; `hangs` never sends the last byte, `waits` not before the site's
    `release`; `ranges` may be asked for."""

    body: bytes = b""
    status: int = 200
    cut: int = 0
    hangs: bool = False
    waits: bool = False
    ranges: bool = False

    def part(self, asked: str) -> tuple[Reply, str]:
        """What answers a `Range` header, and its `Content-Range`, empty for the whole."""
        found = re.fullmatch(r"bytes=(\d*)-(\d*)", asked) if self.ranges else None
        if found is None:
            return self, ""
        first = int(found[1]) if found[1] else max(0, len(self.body) - int(found[2]))
        part = self.body[first : int(found[2]) + 1 if found[1] and found[2] else None]
        return replace(self, body=part, status=206), f"bytes {first}-{first + len(part) - 1}/{len(self.body)}"


@dataclass
class Site:
    """`asked` holds `GET /path` lines; `hanging` is set when somebody waits for the last byte."""

    replies: dict[str, Reply] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    hanging: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *args: object, site: Site) -> None:
        self.site = site
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        reply = self._head()
        if reply.cut:
            self.wfile.write(reply.body[: -reply.cut])
            self.close_connection = True
        elif reply.hangs or reply.waits:
            self.wfile.write(reply.body[:-1])
            self.wfile.flush()
            self.site.hanging.set()
            if self.site.release.wait(60) and reply.waits:
                self.wfile.write(reply.body[-1:])
            self.close_connection = True
        else:
            self.wfile.write(reply.body)

    def do_HEAD(self) -> None:
        self._head()

    def _head(self) -> Reply:
        self.site.asked.append(f"{self.command} {self.path}")
        whole = self.site.replies.get(self.path, Reply(status=404))
        reply, span = whole.part(self.headers.get("Range", ""))
        self.send_response(reply.status)
        if span:
            self.send_header("Content-Range", span)
        page = self.path.endswith("/")
        self.send_header("Content-Type", "text/html" if page else "application/octet-stream")
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        return reply

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: the site remembers by itself."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a client that gives up hangs up."""


@contextmanager
def serve() -> Iterator[Site]:
    site = Site()
    server = _Server(("127.0.0.1", 0), partial(_Handler, site=site))
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        site.release.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def cancelled_when_hanging(site: Site) -> Iterator[Cancel]:
    """A Cancel that is requested once somebody waits for the last byte of a download."""
    cancel = Cancel()

    def stop() -> None:
        site.hanging.wait(60)
        cancel.request()

    stopping = threading.Thread(target=stop)
    stopping.start()
    try:
        yield cancel
    finally:
        stopping.join()
