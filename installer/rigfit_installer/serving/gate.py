"""Who is let in: the one browser that came with the link; whatever else asks is told why not."""

from __future__ import annotations

import secrets
from http import HTTPStatus

import aiohttp_jinja2
from aiohttp import web
from aiohttp.typedefs import Handler

from rigfit.core.words import Words, say
from rigfit.language import said
from rigfit_installer.serving.address import Address

_HOST = say("The page was asked for under a name or port that is not the one of this server.")
_ORIGIN = say("Another page asked for this one.")
_NO_TOKEN = say("This browser has not come by the link that `rigfit serve` printed.")
_WRONG_TOKEN = say("The token in this link is not the one of this server.")
_USED_TOKEN = say("This link has been used: it opens one browser, one time.")
_AGAIN = say("Start `rigfit serve` again, and open the link that it prints, whole and as it is.")
_WHOLE = say("Open the link as `rigfit serve` printed it, whole: it still works.")
_SAME_NAME = say(
    "Open the link as `rigfit serve` printed it. Through a tunnel, take the same port on both sides "
    "(`ssh -L PORT:127.0.0.1:PORT`); for another name or address of this machine, name it with `--host`."
)


class Gate:
    """One token, for one browser, which is known by its cookie from then on."""

    def __init__(self, address: Address, port: int) -> None:
        self._address = address
        self._port = port
        self._token = secrets.token_urlsafe(32)
        self._pass = secrets.token_urlsafe(32)
        self._cookie = f"rigfit-{port}"  # browsers keep one jar for all ports of a host
        self._is_used = False

    @property
    def link(self) -> str:
        return f"{self._address.url(self._port)}?token={self._token}"

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self._is_for_us(request):
            return _refused(request, _HOST, _SAME_NAME)
        if not _is_from_our_page(request):
            return _refused(request, _ORIGIN, _AGAIN)
        token = request.query.get("token")
        if _same(request.cookies.get(self._cookie), self._pass):
            return await handler(request) if token is None else _sent_on(request)
        if token is None:
            return _refused(request, _NO_TOKEN, self._what_now)
        if not _same(token, self._token) or request.method != "GET":
            return _refused(request, _WRONG_TOKEN, self._what_now)
        if self._is_used:
            return _refused(request, _USED_TOKEN, _AGAIN)
        return self._let_in(request)

    @property
    def _what_now(self) -> Words:
        """The link is still good until a browser has come by it."""
        return _AGAIN if self._is_used else _WHOLE

    def _is_for_us(self, request: web.Request) -> bool:
        hosts = request.headers.getall("Host", [])
        return len(hosts) == 1 and self._address.is_asked_for_by(hosts[0], self._port)

    def _let_in(self, request: web.Request) -> web.Response:
        self._is_used = True
        response = _sent_on(request)
        response.set_cookie(self._cookie, self._pass, path="/", httponly=True, samesite="Strict")
        return response

    async def seal(self, request: web.Request, response: web.StreamResponse) -> None:
        """No page from elsewhere in ours, nor ours in another, and nothing that outlives it."""
        websocket = (
            f" ws://{request.headers['Host']}" if self._is_for_us(request) else ""
        )  # of others nothing is copied
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
            f"img-src 'self' data:; connect-src 'self'{websocket}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers.setdefault("Cache-Control", "no-store")


def _is_from_our_page(request: web.Request) -> bool:
    """A websocket is open to every page, so there the browser has to say which page it is."""
    origin = request.headers.get("Origin")
    if origin is None:
        return request.path != "/ws"
    return origin == f"http://{request.headers['Host']}"


def _same(given: str | None, known: str) -> bool:
    """`given` may hold any bytes: what is no UTF-8 of a header comes as surrogates."""
    return given is not None and secrets.compare_digest(given.encode("utf-8", "surrogateescape"), known.encode())


def _sent_on(request: web.Request) -> web.Response:
    """To the address without the token, by a page of ours.

    After a click on another site, as in a terminal in the browser, browsers keep a Strict cookie back from a redirect.
    """
    return aiohttp_jinja2.render_template("opening.html", request, {"opening": said(say("Opening ..."))})


def _refused(request: web.Request, why: Words, what_now: Words) -> web.Response:
    context = {"title": said(say("Refused")), "why": said(why), "what_now": said(what_now)}
    return aiohttp_jinja2.render_template("refused.html", request, context, status=HTTPStatus.FORBIDDEN)
