"""Where the server listens, and under which names a browser may ask for it."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import say

_HTTP = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """`host` as it was asked for, `ip` as it was found."""

    host: str
    ip: IPv4Address | IPv6Address

    @property
    def is_exposed(self) -> bool:
        """Whether others than this machine can reach it."""
        return not self.ip.is_loopback

    def listen(self, port: int) -> socket.socket:
        """Port 0 takes a free one. Raises ProblemError."""
        family = socket.AF_INET6 if self.ip.version == 6 else socket.AF_INET
        try:
            return socket.create_server((str(self.ip), port), family=family)
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            what = say("cannot listen on {host}, port {port}: {reason}", host=self.host, port=port, reason=reason)
            fix = (say("leave `--port` and `--host` out: a free port of this machine is taken"),)
            raise ProblemError(Problem(code="address_unavailable", what=what, fix=fix)) from error

    def url(self, port: int) -> str:
        name = socket.gethostname() if self.ip.is_unspecified else self.host
        return f"http://{f'[{name}]' if ':' in name else name}:{port}/"

    def is_asked_for_by(self, header: str, port: int) -> bool:
        """Whether the Host header means this server: a page that points its own name at us (DNS rebinding) does not."""
        name, asked = _parted(header.lower())
        return asked == str(port) and (name in self._names or (self.ip.is_unspecified and _is_number(name)))

    @property
    def _names(self) -> tuple[str, ...]:
        own = ("localhost",) if self.ip.is_loopback else ()
        every = ("localhost", socket.gethostname().lower()) if self.ip.is_unspecified else ()
        return (self.host.lower(), str(self.ip), *own, *every)


def find(host: str) -> Address:
    """Raises ProblemError where `host` is no address of any machine."""
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0] if host else None
    except (OSError, UnicodeError):
        found = None
    if found is None:
        what = say("`--host {host}`: there is no such address", host=host)
        fix = (say("give an address of this machine, or leave `--host` out"),)
        raise ProblemError(Problem(code="address_unavailable", what=what, fix=fix))
    return Address(host=host, ip=ip_address(str(found[4][0]).partition("%")[0]))


def _parted(header: str) -> tuple[str, str]:
    """Name and port, without the brackets of an IPv6 address."""
    name, colon, port = header.rpartition(":")
    if not colon or port.endswith("]"):
        name, port = header, str(_HTTP)
    return name.removeprefix("[").removesuffix("]"), port


def _is_number(name: str) -> bool:
    if "%" in name:  # a scope may hold any sign, and no browser sends one
        return False
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
