"""The server: a page for each tab, and an installer behind each page, which ends with it."""

from __future__ import annotations

import asyncio
import logging
import shlex
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path

import aiohttp_jinja2
from aiohttp import web
from textual_serve.server import Server, to_int

from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.serving.address import Address
from rigfit_installer.serving.gate import Gate
from rigfit_installer.serving.page import Page

_TEMPLATES = Path(__file__).with_name("templates")
_OWN = Path(__file__).with_name("own")  # what its pages fetch of ours
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
logging.getLogger("textual-serve").disabled = True  # a page that is left while it opens is no error of anybody's
_HEARTBEAT = 15.0  # seconds; a browser that has gone without a word is missed after that
_FAREWELL = 2.0  # seconds that a browser has to close its side


def serve(address: Address, port: int, command: Sequence[str], opened: Callable[[str], None]) -> None:
    """Until it is stopped by a signal. `opened` is given the link. Raises ProblemError."""
    with address.listen(port) as listening:
        gate = Gate(address, listening.getsockname()[1])
        opened(gate.link)
        with redirect_stdout(sys.stderr):  # where textual-serve tells what a page's program complained of
            asyncio.run(PageServer(command, gate).stay(listening))


class PageServer(Server):
    """textual-serve's server behind a gate, with a page that fetches nothing from elsewhere."""

    def __init__(self, command: Sequence[str], gate: Gate) -> None:
        super().__init__(f"exec {shlex.join(command)}", title="rigfit", templates_path=_TEMPLATES)
        self._gate = gate
        self._pages: set[Page] = set()

    async def stay(self, listening: socket.socket) -> None:
        """Serve until a signal comes, and leave with every page's program ended."""
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        for number in _STOPS:
            loop.add_signal_handler(number, stopped.set)
        runner = web.AppRunner(await self._make_app(), access_log=None, shutdown_timeout=_FAREWELL)
        try:
            await runner.setup()
            await web.SockSite(runner, listening).start()
            await stopped.wait()
        finally:
            await runner.cleanup()

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.router.add_static("/own", _OWN)
        app.middlewares.append(self._gate.middleware)
        app.on_response_prepare.append(self._gate.seal)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Nothing: whoever opened us has told of it."""

    async def on_shutdown(self, app: web.Application) -> None:
        del app
        await asyncio.gather(*(page.stop() for page in self._pages))

    async def handle_index(self, request: web.Request) -> web.Response:
        context = {
            "websocket": f"ws://{request.headers['Host']}/ws",
            "opening": said(say("Opening ...")),
            "ended": said(say("This page has ended.")),
            "again": said(say("open it again")),
            "by_hand": said(say("Your browser lets no page copy that comes this way. Copy the line from here:")),
            "close": said(say("close (esc)")),
        }
        return aiohttp_jinja2.render_template("page.html", request, context)

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse(heartbeat=_HEARTBEAT, timeout=_FAREWELL)
        await websocket.prepare(request)

        async def close() -> None:
            await websocket.close()

        page = Page(
            self.command,
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=close,
            download_manager=self.download_manager,
        )
        self._pages.add(page)
        try:
            await page.start(to_int(request.query.get("width", ""), 80), to_int(request.query.get("height", ""), 24))
            await self._process_messages(websocket, page)
        finally:
            await page.stop()
            self._pages.discard(page)
        return websocket
