"""Addresses without what nobody should read in them."""

from __future__ import annotations

import re

_SECRET = re.compile(r"(?<=://)[^/\s`'\"]+@")  # greedy: a password may hold an @
_HOST = re.compile(r"^\w[\w+.-]*://(?:[^/\s]*@)?([^/:\s?#]*)")


def without_secrets(text: str) -> str:
    """The same text, with `user:password@` taken out of every address in it."""
    return _SECRET.sub("", text)


def host_of(url: str) -> str:
    """The host alone; for `file://` and plain paths, the address itself."""
    found = _HOST.match(url)
    return (found[1] if found else "") or without_secrets(url)


def is_file(url: str) -> bool:
    return url.startswith("file://") or "://" not in url


def path_of(url: str) -> str:
    """The path that a `file://` address or a plain path names."""
    from urllib.parse import unquote, urlsplit

    return unquote(urlsplit(url).path) if "://" in url else url
