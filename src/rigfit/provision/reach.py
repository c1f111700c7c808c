"""Whether a host answers, told in a bounded time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rigfit.core.words import say
from rigfit.provision.question import Question
from rigfit.sources.urls import host_of, is_file, path_of

_GONE = (404, 410)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """No use of this address: `gone` where its host answers that there is no such thing. `why` is a clause."""

    why: str
    gone: bool = False


def silence_of(
    url: str, environ: Mapping[str, str], *, limit: float, method: Literal["HEAD", "GET"] = "HEAD"
) -> Silence | None:
    """None if the address can be used, as far as one question of `limit` seconds tells.

    A login that is asked for, a method that is refused and a certificate that we do not know are for the installer to
    settle, which has other means.
    """
    if is_file(url):
        return None if Path(path_of(url)).exists() else Silence(why=say("no such file"), gone=True)
    from http.client import HTTPException

    try:
        return Question(lambda: _ask(url, environ, method, limit)).answer(limit)
    except HTTPException:
        return Silence(why=say("what answers there is no web server"))
    except ValueError as error:  # a port or a host that is none
        return Silence(why=say("the address is wrong: {error}", error=str(error)))
    except TimeoutError:
        return Silence(why=say("no answer within {limit:g} s", limit=limit))


def _ask(url: str, environ: Mapping[str, str], method: str, limit: float) -> Silence | None:
    proxies = _proxies(environ)
    if any(proxy.startswith("socks") for proxy in proxies.values()):
        return None  # urllib speaks no SOCKS, the installers do
    if not proxies and (refusal := _no_connection(url, limit)):
        return refusal  # told without the 0.1 s that it takes to load an HTTP client
    from ssl import SSLCertVerificationError
    from urllib.error import HTTPError, URLError
    from urllib.request import ProxyHandler, Request, build_opener, proxy_bypass_environment  # type: ignore[attr-defined]

    direct = proxy_bypass_environment(host_of(url), proxies)
    opener = build_opener(ProxyHandler({} if direct else proxies))
    try:
        opener.open(Request(_without_login(url), method=method), timeout=limit).close()  # noqa: S310
    except HTTPError as error:
        with error:
            return _refusal(error.code, error.reason)
    except URLError as error:
        known = isinstance(error.reason, SSLCertVerificationError)
        return None if known else Silence(why=_words(error.reason))
    except OSError as error:
        return Silence(why=_words(error))
    return None


def _no_connection(url: str, limit: float) -> Silence | None:
    import socket
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=limit).close()
    except OSError as error:
        return Silence(why=_words(error))
    return None


def _refusal(status: int, reason: str) -> Silence | None:
    if status >= 500 or status in (*_GONE, 407):
        return Silence(why=say("it answers {status} {reason}", status=status, reason=reason), gone=status in _GONE)
    return None


def _words(error: object) -> str:
    return str(getattr(error, "strerror", None) or error)


def _without_login(url: str) -> str:
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """By scheme, with `no` for the hosts that are asked directly, as urllib wants it."""
    lower = {name.lower(): value for name, value in environ.items() if value}
    everything = lower.get("all_proxy", "")
    proxies = {scheme: lower.get(f"{scheme}_proxy", everything) for scheme in ("http", "https")}
    proxies = {scheme: proxy for scheme, proxy in proxies.items() if proxy}
    return proxies | {"no": lower.get("no_proxy", "")} if proxies else {}
