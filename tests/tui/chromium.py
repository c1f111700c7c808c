"""A headless Chromium, driven over its DevTools protocol: what a person's browser asks for, gets and draws."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PROGRAM = next(filter(None, map(shutil.which, _NAMES)), None)
_PATIENCE = 30.0  # seconds
_PAINTED = 20  # colours, of which smooth signs have many and a ground with frames has three or four
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
    "--window-size=1200,700",
    "--remote-debugging-port=0",
)
# The page's script keeps its terminal in a property of that name, and in no place that others can ask.
_SHOW_TERMINAL = """
Object.defineProperty(Object.prototype, "terminal", {
  configurable: true,
  set(made) {
    window.shownTerminal = made;
    Object.defineProperty(this, "terminal", {value: made, writable: true, configurable: true});
  },
});
"""
_SHOWN_LINES = """
(() => {
  const buffer = window.shownTerminal?.buffer.active;
  return buffer ? Array.from({length: buffer.length}, (_, row) => buffer.getLine(row).translateToString(true)) : [];
})()
"""
_COLOURS = """
(async () => {
  const bytes = Uint8Array.from(atob("%s"), (sign) => sign.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], {type: "image/png"}));
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext("2d").drawImage(image, 0, 0);
  const pixels = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, image.width, image.height).data.buffer);
  return new Set(pixels).size;
})()
"""


class Tab:
    """One tab of the browser."""

    def __init__(self, wire: aiohttp.ClientWebSocketResponse[Any]) -> None:
        self._wire = wire
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.requested: list[str] = []
        self.statuses: dict[str, int] = {}
        self.complaints: list[str] = []

    async def listen(self) -> None:
        async for message in self._wire:
            told = message.json()
            if "id" in told:
                self._answers.pop(told["id"]).set_result(told)
            else:
                self._note(told["method"], told["params"])

    def _note(self, method: str, params: dict[str, Any]) -> None:
        match method:
            case "Network.requestWillBeSent":
                self.requested.append(params["request"]["url"])
            case "Network.webSocketCreated":
                self.requested.append(params["url"])
            case "Network.webSocketHandshakeResponseReceived":
                self.statuses["websocket"] = params["response"]["status"]
            case "Network.responseReceived":
                self.statuses[params["response"]["url"]] = params["response"]["status"]
            case "Log.entryAdded":
                self.complaints.append(params["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(params["exceptionDetails"]))
            case _:
                pass

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._wire.send_json({"id": number, "method": method, "params": params})
        told = await asyncio.wait_for(answer, _PATIENCE)
        assert "error" not in told, f"{method}: {told}"
        result: dict[str, Any] = told["result"]
        return result

    async def begin(self) -> None:
        for domain in ("Page", "Network", "Log", "Runtime"):
            await self.ask(f"{domain}.enable")
        await self.ask("Page.addScriptToEvaluateOnNewDocument", source=_SHOW_TERMINAL)

    async def go_to(self, url: str) -> None:
        await self.ask("Page.navigate", url=url)

    async def value(self, script: str) -> Any:
        result = await self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def text(self) -> str:
        """What a page that is no terminal says."""
        return str(await self.value("document.body?.innerText ?? ''"))

    async def address(self) -> str:
        return str(await self.value("location.href"))

    async def screen(self) -> str:
        """The lines of the terminal in the page."""
        return "\n".join(await self.value(_SHOWN_LINES))

    async def until_drawn(self, line: str) -> None:
        """Until the browser has painted signs in the line of the terminal that has `line`, not only kept them."""
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        while await self._colours(line) < _PAINTED:
            assert asyncio.get_running_loop().time() < deadline, f"not painted: {line}"
            await asyncio.sleep(0.05)

    async def _colours(self, line: str) -> int:
        lines = (await self.screen()).splitlines()
        row = next(number for number, each in enumerate(lines) if line in each)
        place = await self.value(
            "(({x, y, width, height}) => ({x, y, width, height}))"
            "(document.querySelector('.xterm-screen').getBoundingClientRect())"
        )
        height = place["height"] / await self.value("window.shownTerminal.rows")
        clip = {**place, "y": place["y"] + row * height, "height": height, "scale": 1}
        picture = await self.ask("Page.captureScreenshot", format="png", clip=clip)
        return int(await self.value(_COLOURS % picture["data"]))

    async def press(self, key: str) -> None:
        """A sign, or a key by its name."""
        sign = {"text": key} if len(key) == 1 else {}
        await self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, **sign)
        await self.ask("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def until_text(self, *texts: str) -> None:
        await self._until(self.text, lambda shown: all(each in shown for each in texts))

    async def until_screen(self, *texts: str) -> None:
        await self._until(self.screen, lambda shown: all(each in shown for each in texts))

    async def _until(self, look: Callable[[], Any], reached: Callable[[str], bool]) -> None:
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        shown = ""
        while not reached(shown):
            assert asyncio.get_running_loop().time() < deadline, f"not reached: {shown}\n{self.complaints}"
            await asyncio.sleep(0.05)
            with suppress(AssertionError):  # between two pages there is nothing to ask
                shown = await look()


@asynccontextmanager
async def tab(profile: Path, flags: Sequence[str] = ()) -> AsyncIterator[Tab]:
    """The tab of a new browser, which nothing is known of."""
    assert PROGRAM is not None
    browser = await asyncio.create_subprocess_exec(
        PROGRAM,
        *_FLAGS,
        f"--user-data-dir={profile}",
        *flags,
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with aiohttp.ClientSession() as session:
            port = await _port(profile)
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [each for each in await answer.json() if each["type"] == "page"]
            async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as wire:
                opened = Tab(wire)
                listening = asyncio.create_task(opened.listen())
                await opened.begin()
                yield opened
            await listening
    finally:
        with suppress(ProcessLookupError):
            os.killpg(browser.pid, signal.SIGKILL)
        await browser.wait()


async def _port(profile: Path) -> str:
    """Where it can be driven, which it writes down when it has started."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    while len(lines := _lines(profile / "DevToolsActivePort")) < 2:
        assert asyncio.get_running_loop().time() < deadline, "the browser does not start"
        await asyncio.sleep(0.05)
    return lines[0]


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []
