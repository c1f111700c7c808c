"""`rigfit serve` in a real browser, which is what its gate and its page are made for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from socket import gethostname

import pytest
from aiohttp import web
from tests.tui import chromium
from tests.tui.chromium import Tab
from tests.tui.served import Server, rigfit_serve, serving

pytestmark = pytest.mark.skipif(
    chromium.PROGRAM is None, reason="no chromium here (Debian: `apt-get install chromium-headless-shell`)"
)
OTHER_NAME = "rebound.example"
EXPOSED = ("--host", "0.0.0.0", "--yes")  # noqa: S104
SECOND = "another page opens ours: <script>{script}</script><p id='told'>waiting</p><a href='{link}'>open</a>"
OPENS_WEBSOCKET = """
const wire = new WebSocket("ws://{host}:{port}/ws");
wire.onopen = () => document.querySelector("#told").textContent = "let in";
wire.onerror = () => document.querySelector("#told").textContent = "kept out";
"""


def browse(catalog: Path, folder: Path, journey: Callable[[Tab, Server], Awaitable[None]]) -> None:
    async def browsed() -> None:
        flags = [f"--host-resolver-rules=MAP {OTHER_NAME} 127.0.0.1"]
        async with chromium.tab(folder / "profile", flags) as tab:
            await journey(tab, server)

    with serving(rigfit_serve(catalog, folder / "home")) as server:
        asyncio.run(browsed())


@asynccontextmanager
async def other_page(html: str) -> AsyncIterator[int]:
    """A page of another server on this machine; its port."""

    async def given(_request: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", given)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def test_the_page_shows_the_machine_and_hears_keys(catalog: Path, tmp_path: Path) -> None:
    async def journey(tab: Tab, server: Server) -> None:
        await tab.go_to(server.link)
        await tab.until_screen("NVIDIA H100 80GB HBM3", "580.159.04", "only 4-bit (NF4)")
        await tab.until_drawn("NVIDIA H100 80GB HBM3")
        assert await tab.address() == f"{server.origin}/"  # the token is in no address that stays
        await tab.press("e")
        await tab.until_screen("No environment yet")
        await tab.press("q")
        await tab.until_text("This page has ended.")

    browse(catalog, tmp_path, journey)


def test_the_page_asks_this_machine_alone(catalog: Path, tmp_path: Path) -> None:
    async def journey(tab: Tab, server: Server) -> None:
        await tab.go_to(server.link)
        await tab.until_screen("H100")
        here = (f"{server.origin}/", f"ws://{server.host}:{server.port}/", "data:")
        assert [url for url in tab.requested if not url.startswith(here)] == []
        assert {url: status for url, status in tab.statuses.items() if status not in (200, 101)} == {}
        assert any(url.endswith(".ttf") for url in tab.requested)
        assert [each for each in tab.complaints if "WebGL" not in each] == []  # such as of the security policy

    browse(catalog, tmp_path, journey)


def test_a_wrong_token_is_refused(catalog: Path, tmp_path: Path) -> None:
    async def journey(tab: Tab, server: Server) -> None:
        wrong = f"{server.origin}/?token=wrong"
        await tab.go_to(wrong)
        await tab.until_text("Refused", "not the one of this server", "rigfit serve")
        assert tab.statuses[wrong] == 403
        assert "websocket" not in tab.statuses
        assert server.programs() == []

    browse(catalog, tmp_path, journey)


def test_a_second_browser_is_refused(catalog: Path, tmp_path: Path) -> None:
    async def journey(tab: Tab, server: Server) -> None:
        server.enter()
        await tab.go_to(server.link)
        await tab.until_text("Refused", "has been used")
        assert server.programs() == []

    browse(catalog, tmp_path, journey)


def test_another_name_that_points_here_is_refused(catalog: Path, tmp_path: Path) -> None:
    async def journey(tab: Tab, server: Server) -> None:
        rebound = server.link.replace(server.host, OTHER_NAME)
        await tab.go_to(rebound)
        await tab.until_text("Refused", "name or port")
        assert tab.statuses[rebound] == 403
        assert server.programs() == []
        await tab.go_to(server.link)  # which was not used up
        await tab.until_screen("H100")

    browse(catalog, tmp_path, journey)


def test_another_page_on_this_machine_cannot_open_the_websocket_of_a_browser_that_was_let_in(
    catalog: Path, tmp_path: Path
) -> None:
    async def journey(tab: Tab, server: Server) -> None:
        await tab.go_to(server.link)
        await tab.until_screen("H100")
        script = OPENS_WEBSOCKET.replace("{host}", server.host).replace("{port}", str(server.port))
        async with other_page(SECOND.format(script=script, link="")) as port:
            await tab.go_to(f"http://127.0.0.1:{port}/")
            await tab.until_text("kept out")

    browse(catalog, tmp_path, journey)


def test_the_link_may_be_clicked_on_another_site(catalog: Path, tmp_path: Path) -> None:
    """As in a terminal that is a page itself."""

    async def journey(tab: Tab, server: Server) -> None:
        async with other_page(SECOND.format(script="", link=server.link)) as port:
            await tab.go_to(f"http://{OTHER_NAME}:{port}/")
            await tab.until_text("waiting")
            await tab.value("document.querySelector('a').click()")
            await tab.until_screen("H100")

    browse(catalog, tmp_path, journey)


def test_a_page_says_when_the_server_has_ended(catalog: Path, tmp_path: Path) -> None:
    async def journey(tab: Tab, server: Server) -> None:
        await tab.go_to(server.link)
        await tab.until_screen("H100")
        server.press_ctrl_c()
        await tab.until_text("This page has ended.")

    browse(catalog, tmp_path, journey)


@asynccontextmanager
async def page_with_a_step(catalog: Path, folder: Path, name: str, *words: str) -> AsyncIterator[Tab]:
    """Of a machine that says what to do, under a name that leads here."""
    argv = rigfit_serve(catalog, folder / "home", *words, machine="driver-updated-not-rebooted.json")
    with serving(argv) as server:
        async with chromium.tab(folder / "profile", [f"--host-resolver-rules=MAP {name} 127.0.0.1"]) as tab:
            await tab.ask("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
            await tab.go_to(server.link)
            await tab.until_screen("[1]  sudo reboot")
            yield tab


async def in_the_clipboard(tab: Tab) -> str:
    """As a page of this machine may read it."""
    async with other_page("<p>a page</p>") as port:
        await tab.go_to(f"http://127.0.0.1:{port}/")
        await tab.until_text("a page")
        return str(await tab.value("navigator.clipboard.readText()"))


@pytest.mark.parametrize("words", [(), EXPOSED], ids=["this machine", "plain http"])
def test_a_line_is_copied_also_where_the_browser_trusts_the_page_less(
    words: tuple[str, ...], catalog: Path, tmp_path: Path
) -> None:
    async def journey() -> None:
        async with page_with_a_step(catalog, tmp_path, gethostname(), *words) as tab:
            assert await tab.value("isSecureContext") is not bool(words)
            await tab.press("1")
            await tab.until_screen("sent to the clipboard of your browser")
            assert await tab.value("document.querySelector('.by-hand').hidden")
            await tab.press("e")  # keys still go to the terminal
            await tab.until_screen("No environment yet")
            assert await in_the_clipboard(tab) == "sudo reboot"

    asyncio.run(journey())


def test_a_line_that_the_browser_lets_no_page_copy_is_shown_selected(catalog: Path, tmp_path: Path) -> None:
    selected = "document.activeElement.value.substring(document.activeElement.selectionStart, document.activeElement.selectionEnd)"

    async def journey() -> None:
        async with page_with_a_step(catalog, tmp_path, gethostname(), *EXPOSED) as tab:
            await tab.value("document.execCommand = () => false")
            await tab.press("1")
            await tab.until_text("Copy the line from here")
            assert await tab.value(selected) == "sudo reboot"
            await tab.press("Escape")
            await tab.press("e")
            await tab.until_screen("No environment yet")
            assert await tab.value("document.querySelector('.by-hand').hidden")

    asyncio.run(journey())
