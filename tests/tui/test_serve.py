"""`rigfit serve`: one link for one browser, nothing for anybody else, and nothing left of it in the end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.tui.served import Server, rigfit_serve, serve_program, serving, wait_for_end
from tests.tui.terminals import RIGFIT, terminal

ROOT = Path(__file__).resolve().parents[2]
REFUSED = 403
_PATIENCE = 30.0  # seconds
RUN_UNTIL_STOPPED = """
import sys
from pathlib import Path
import rigfit_installer.app
from rigfit_installer.app import Installer
from rigfit_installer.serving import entry
from tests.tui.driving import job_until_stopped, recorded_rig
from tests.tui.runs import STOPPED, beginning

catalog, home = Path(sys.argv[1]), Path(sys.argv[2])
job, cancels = job_until_stopped(beginning(), STOPPED)


class Opened(Installer):
    def on_ready(self):
        self.run_job(job)

    def run_ended(self, screen):
        (home / "ended").write_text(f"{screen.view.problem.code} {screen.cancel.requested}")
        super().run_ended(screen)


rigfit_installer.app.Installer = Opened
rig = recorded_rig("cpu-only.json", catalog, home)
sys.exit(entry.main(lambda: (rig.settings, rig.wish)))
"""
DRAWS_WITHOUT_END = """
import os, pathlib, signal, sys
told = []
signal.signal(signal.SIGHUP, lambda *_: told.append(1))
os.write(1, b"__GANGLION__\\n")
while not told:
    os.write(1, b"D" + (4096).to_bytes(4, "big") + b"drawn" + b" " * 4091)
pathlib.Path(sys.argv[1]).write_text("in order")
"""
ENDS_WITHOUT_A_WORD = """
import os
os.write(1, b"__GANGLION__\\nD" + (5).to_bytes(4, "big") + b"drawn")
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def server(catalog: Path, tmp_path: Path) -> Iterator[Server]:
    with serving(rigfit_serve(catalog, tmp_path)) as opened:
        yield opened


def see(server: Server, *texts: str, then: Callable[[], object] = lambda: None) -> None:
    """A page, until it has been sent `texts` and `then` is done with; it is closed after that."""

    async def seen() -> None:
        headers = {**server.enter(), "Origin": server.origin}
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{server.origin}/ws?width=80&height=24", headers=headers) as page,
        ):
            got = b""
            while not all(text.encode() in got for text in texts):
                message = await page.receive()
                assert message.type == aiohttp.WSMsgType.BINARY, (message, got[-2000:])
                got += message.data
            listening = asyncio.create_task(_listen(page))  # answers when the server wants to close
            await asyncio.to_thread(then)
            listening.cancel()

    asyncio.run(asyncio.wait_for(seen(), _PATIENCE))


async def _listen(page: aiohttp.ClientWebSocketResponse[Any]) -> None:
    async for _ in page:
        pass


# Who is let in


def test_the_link_opens_one_browser_one_time(server: Server) -> None:
    first = server.get(server.entrance)
    second = server.get(server.entrance)
    assert first.status == 200
    assert (second.status, second.headers["Set-Cookie"]) == (REFUSED, None)
    assert "has been used" in second.text
    assert server.get("/", first.cookie).status == 200
    assert server.get(server.entrance, first.cookie).status == 200  # the same browser, once more
    assert server.get("/").status == REFUSED


def test_the_cookie_is_neither_for_scripts_nor_for_other_sites_nor_the_token(server: Server) -> None:
    cookie = server.get(server.entrance).headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert server.entrance.partition("=")[2] not in cookie


@pytest.mark.parametrize("token", ["wrong", "", "%C3%A9", "{token}x"])
def test_a_wrong_token_is_refused_and_leaves_the_right_one_usable(server: Server, token: str) -> None:
    right = server.entrance.partition("=")[2]
    answer = server.get("/?token=" + token.format(token=right))
    assert (answer.status, answer.headers["Set-Cookie"]) == (REFUSED, None)
    assert "not the one of this server" in answer.text
    assert "it still works" in answer.text
    server.enter()
    assert "Start `rigfit serve` again" in server.get("/?token=" + token.format(token=right)).text


def test_over_ssh_one_is_told_how_to_come_by_the_link_from_the_machine_that_one_sits_at(
    catalog: Path, tmp_path: Path
) -> None:
    for came, where in (("192.0.2.1 50000 192.0.2.9 22", ""), ("192.0.2.1 50000 192.0.2.9 2222", "-p 2222 ")):
        with terminal(*rigfit_serve(catalog, tmp_path), SSH_CONNECTION=came) as opened:
            opened.wait_for("The browser is on another machine?")
            opened.wait_for(f"ssh {where}-L ")
            opened.wait_for("@192.0.2.9")
            opened.type("\x03")
            opened.end()


def test_a_look_at_the_head_of_the_link_does_not_use_it_up(server: Server) -> None:
    assert server.get(server.entrance, method="HEAD").status == REFUSED
    server.enter()


@pytest.mark.parametrize(
    "host", ["evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.2:{port}", "", "[::1]:{port}"]
)
def test_another_host_header_is_refused_and_leaves_the_link_usable(server: Server, host: str) -> None:
    answer = server.get(server.entrance, {"Host": host.format(port=server.port)})
    assert (answer.status, answer.headers["Set-Cookie"]) == (REFUSED, None)
    assert "not the one of this server" in answer.text
    cookie = server.enter()
    assert server.get("/", {**cookie, "Host": host.format(port=server.port)}).status == REFUSED


def test_localhost_is_a_name_of_this_machine(server: Server) -> None:
    assert server.get(server.entrance, {"Host": f"LocalHost:{server.port}"}).status == 200


@pytest.mark.parametrize("path", ["/", "/ws", "/static/js/textual.js", "/own/page.css", "/download/x", "/nothing"])
def test_nothing_is_given_without_the_cookie(server: Server, path: str) -> None:
    server.enter()
    for cookie in ({}, {"Cookie": f"rigfit-{server.port}=wrong"}):
        answer = server.get(path, cookie)
        assert answer.status == REFUSED
        assert "by the link" in answer.text or "Another page" in answer.text


@pytest.mark.parametrize("line", [b"Cookie: rigfit-%d=\xff\xfe", b"Origin: \xff", b"Host: \xff\xfe"])
def test_bytes_that_are_no_text_are_refused_like_anything_else(server: Server, line: bytes) -> None:
    line = line.replace(b"%d", str(server.port).encode())
    host = b"" if line.startswith(b"Host") else f"Host: {server.host}:{server.port}\r\n".encode()
    answer = server.say(b"GET / HTTP/1.1\r\nConnection: close\r\n" + host + line + b"\r\n\r\n")
    assert answer.startswith((b"HTTP/1.1 403 ", b"HTTP/1.1 400 "))
    server.enter()


def test_nothing_of_a_foreign_host_header_is_in_the_policy_of_its_refusal(server: Server) -> None:
    answer = server.say(b"GET / HTTP/1.1\r\nConnection: close\r\nHost: a; script-src *\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"connect-src 'self'; base-uri" in answer
    assert b"script-src *" not in answer


def test_a_websocket_is_opened_by_our_own_page_only(server: Server) -> None:
    cookie = server.enter()
    assert server.shake_hands({**cookie, "Origin": server.origin}) == 101
    assert server.shake_hands({"Origin": server.origin}) == REFUSED
    assert server.shake_hands(cookie) == REFUSED
    for origin in ("http://evil.example", f"http://{server.host}:1", f"https://{server.host}:{server.port}", "null"):
        assert server.shake_hands({**cookie, "Origin": origin}) == REFUSED


def test_the_browser_is_told_to_fetch_nothing_from_elsewhere(server: Server) -> None:
    answer = server.get("/", server.enter())
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
    assert answer.text.count("://") == 1  # the websocket's
    assert f"ws://{server.host}:{server.port}/ws" in answer.text


# Where it listens


def exposed(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [RIGFIT, "serve", *words]
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)


def test_another_address_than_this_machine_needs_a_yes_and_says_what_it_exposes() -> None:
    ran = exposed("--host", "0.0.0.0")  # noqa: S104
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "environments here as you" in ran.stderr
    assert "plain http" in ran.stderr
    assert "--yes" in ran.stderr


@pytest.mark.parametrize("answer", ["n", "", "\x04"])
def test_a_no_opens_nothing(answer: str) -> None:
    with terminal(RIGFIT, "serve", "--host", "0.0.0.0") as asked:  # noqa: S104
        asked.wait_for("[y/N]")
        asked.type(answer + "\n" if answer != "\x04" else answer)
        asked.wait_for("nothing was opened")
        assert asked.end() == 130


def test_a_yes_opens_it_under_every_address_and_the_own_name_but_no_other(catalog: Path, tmp_path: Path) -> None:
    argv = rigfit_serve(catalog, tmp_path, "--host", "0.0.0.0", "--yes")  # noqa: S104
    with serving(argv) as opened:
        assert opened.host == socket.gethostname().lower()
        assert opened.get("/?token=x", {"Host": f"evil.example:{opened.port}"}).status == REFUSED
        assert "not the one of this server" in opened.get(opened.entrance, {"Host": f"evil.example:{opened.port}"}).text
        assert "by the link" in opened.get("/", {"Host": f"192.0.2.7:{opened.port}"}).text
        opened.enter()


def test_an_address_of_this_machine_alone_needs_no_yes(catalog: Path, tmp_path: Path) -> None:
    with serving(rigfit_serve(catalog, tmp_path, "--host", "localhost")) as opened:
        assert opened.host == "localhost"
        opened.enter()


def test_a_port_that_is_taken_is_told(server: Server) -> None:
    ran = exposed("--port", str(server.port))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"port {server.port}" in ran.stderr


@pytest.mark.parametrize("host", ["", "nowhere.invalid"])
def test_an_address_that_is_none_is_told(host: str) -> None:
    ran = exposed("--host", host)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"--host {host}" in ran.stderr


# What is behind a page


def test_a_page_shows_the_machine_that_the_command_line_names(server: Server) -> None:
    see(server, "NVIDIA H100 80GB HBM3", "580.159.04")


def test_what_the_servers_terminal_cannot_draw_the_browser_can(catalog: Path, tmp_path: Path) -> None:
    with serving(rigfit_serve(catalog, tmp_path), TERM="linux", LC_ALL="C", COLORFGBG="0;15") as opened:
        see(opened, "●", "38;2;")


def test_a_page_that_is_closed_ends_its_program(server: Server) -> None:
    programs: list[int] = []
    see(server, "H100", then=lambda: programs.extend(server.programs()))
    assert len(programs) == 1
    wait_for_end(programs[0])


def test_a_page_that_is_closed_stops_its_run_first(catalog: Path, tmp_path: Path) -> None:
    programs: list[int] = []
    argv = serve_program(RUN_UNTIL_STOPPED, str(catalog), str(tmp_path))
    with serving(argv, PYTHONPATH=str(ROOT)) as opened:
        see(opened, "64 libraries", then=lambda: programs.extend(opened.programs()))
        wait_for_end(programs[0])
    assert (tmp_path / "ended").read_text() == "stopped True"


def test_a_page_that_is_closed_lets_a_program_end_that_draws_much(tmp_path: Path) -> None:
    programs: list[int] = []
    with serving(serve_program(DRAWS_WITHOUT_END, str(tmp_path / "ended"))) as opened:
        see(opened, "drawn", then=lambda: programs.extend(opened.programs()))
        wait_for_end(programs[0])
    assert (tmp_path / "ended").read_text() == "in order"


def test_a_program_that_ends_without_a_word_closes_its_page() -> None:
    closed: list[bool] = []

    async def seen(opened: Server, headers: Mapping[str, str]) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{opened.origin}/ws", headers=headers) as page,
        ):
            kinds = [message.type async for message in page]
            closed.append(kinds == [aiohttp.WSMsgType.BINARY] and page.closed)

    with serving(serve_program(ENDS_WITHOUT_A_WORD)) as opened:
        asyncio.run(asyncio.wait_for(seen(opened, {**opened.enter(), "Origin": opened.origin}), _PATIENCE))
    assert closed == [True]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_all_its_programs(server: Server, number: int) -> None:
    programs: list[int] = []

    def ended() -> None:
        programs.extend(server.programs())
        server.process.send_signal(number)
        assert server.process.wait(_PATIENCE) == 130

    see(server, "H100", then=ended)
    assert len(programs) == 1
    assert not any(Path(f"/proc/{each}").exists() for each in programs)


def test_ctrl_c_lets_a_run_stop_itself_first(catalog: Path, tmp_path: Path) -> None:
    argv = serve_program(RUN_UNTIL_STOPPED, str(catalog), str(tmp_path))
    with serving(argv, PYTHONPATH=str(ROOT)) as opened:

        def stopped() -> None:
            opened.press_ctrl_c()
            opened.process.wait(_PATIENCE)

        see(opened, "64 libraries", then=stopped)
    assert (tmp_path / "ended").read_text() == "stopped True"


def test_a_server_that_is_killed_leaves_no_program(server: Server) -> None:
    programs: list[int] = []

    def killed() -> None:
        programs.extend(server.programs())
        time.sleep(1)  # a program that still draws would end by that, one that has drawn would not
        os.kill(server.process.pid, signal.SIGKILL)

    see(server, "best fit", then=killed)
    assert len(programs) == 1
    wait_for_end(programs[0])
