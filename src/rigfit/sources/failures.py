"""What the words of uv and rattler mean when an installation fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rigfit.core.problem import Problem
from rigfit.core.size import human
from rigfit.core.template import Artifact
from rigfit.core.words import say
from rigfit.sources.names import plain
from rigfit.sources.places import free_bytes
from rigfit.sources.urls import host_of, without_secrets

_SHOWN = 12  # last lines of what the installer said
_OTHER_PLACE = say("or set another place: `--home DIR` for environments, UV_CACHE_DIR or RATTLER_CACHE_DIR for caches")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The last words of an installer, and what it was at: `needed` is the disk space of the step, in bytes.

    `source` is the address that artifacts come from unless the words name another, `cache` the place that was written
    if they speak of fetching.
    """

    text: str
    prefix: str
    cache: str = ""
    artifacts: tuple[Artifact, ...] = ()
    source: str = ""
    needed: int = 0


def problem_of(failure: Failure) -> Problem:
    """The problem that the words amount to; `install_failed` for words that are not known."""
    words = _Words(failure)
    for pattern, tell in _RULES:
        if re.search(pattern, words.text, re.IGNORECASE):
            return tell(words)
    what = words.cause or say("the installer ended without a word")
    return words.problem("install_failed", what, say("run it with `-v`, and report this"))


class _Words:
    """An installer's last words, read."""

    def __init__(self, failure: Failure) -> None:
        self.text = without_secrets(failure.text)
        self.failure = failure

    @property
    def cause(self) -> str:
        """The innermost reason."""
        reasons = re.findall(r"^\s*(?:error|cause|caused by):\s*(.+)$", self.text, re.IGNORECASE | re.MULTILINE)
        lines = [line.strip() for line in self.text.splitlines() if line.strip()]
        return reasons[-1] if reasons else (lines[-1] if lines else "")

    @property
    def artifact(self) -> Artifact | None:
        """The locked file that the words are about."""
        decoded = self.text.replace("%2B", "+")
        for artifact in self.failure.artifacts:
            if artifact.filename in decoded:
                return artifact
        named = re.findall(r"`([\w.-]+)(?:==| @ )|Because ([\w.-]+) was|no versions? of ([\w.-]+)", self.text)
        names = {plain(name) for found in named for name in found if name}
        return next((artifact for artifact in self.failure.artifacts if plain(artifact.name) in names), None)

    @property
    def item(self) -> str:
        return self.artifact.filename if self.artifact else say("a locked file")

    @property
    def host(self) -> str:
        """Where the words say it was fetched from, else where the artifact lives."""
        found = re.search(r"\b(?:https?|file)://\S+", self.text)
        address = found[0] if found else self.failure.source
        if not found and self.artifact is not None and not self.artifact.from_index:
            address = self.artifact.url
        return host_of(address) if address else say("the package index")

    @property
    def place(self) -> Path:
        """The path that could not be written."""
        found = re.search(r"(?:to|directory|file|create|at:?) [`'](/[^`']+)|\bto (/[^:\s]+)", self.text)
        if found:
            return Path(found[1] or found[2])
        return Path(
            self.failure.cache if self.failure.cache and "failed to fetch" in self.text else self.failure.prefix
        )

    def problem(self, code: str, what: str, *fix: str) -> Problem:
        lines = self.text.strip().splitlines()[-_SHOWN:]
        return Problem(code=code, what=what, fix=fix, detail="\n".join(lines))


def _disk_full(words: _Words) -> Problem:
    free = free_bytes(words.place)
    what = say("no space left on the disk of {place}", place=words.place)
    if free is not None:
        what = say("no space left on the disk of {place}, {free} free", place=words.place, free=human(free))
    if words.failure.needed:
        what = say("{full}; the step needs up to {needed}", full=what, needed=human(words.failure.needed))
    return words.problem("disk_full", what, say("free some space and run the same command again"), _OTHER_PLACE)


def _not_writable(words: _Words) -> Problem:
    reason = say("it is read-only") if "read-only" in words.text.lower() else say("permission denied")
    what = say("cannot write {place}: {reason}", place=words.place, reason=reason)
    return words.problem("home_not_writable", what, say("make it writable"), _OTHER_PLACE)


def _other_content(words: _Words) -> Problem:
    hashes = re.findall(r"\b[0-9a-f]{64}\b", words.text)
    needed = words.artifact.sha256 if words.artifact else next(iter(hashes), say("the locked one"))
    found = next((each for each in reversed(hashes) if each != needed), say("none"))
    return _mismatch(words, needed, found)


def _damaged(words: _Words) -> Problem:
    needed = words.artifact.sha256 if words.artifact else say("the locked one")
    return _mismatch(words, needed, say("a damaged file ({reason})", reason=words.cause))


def _mismatch(words: _Words, needed: str, found: str) -> Problem:
    what = say(
        "{file} from {host} is not the locked file: needs sha256 {needed}, found {found}",
        file=words.item,
        host=words.host,
        needed=needed,
        found=found,
    )
    again = say("run the same command again: it is fetched anew")
    or_else = say("if that fails too, the copy at {host} is not the original", host=words.host)
    return words.problem("hash_mismatch", what, again, or_else)


def _unavailable(words: _Words) -> Problem:
    what = say("{file} cannot be had from {host}: {reason}", file=words.item, host=words.host, reason=words.cause)
    return words.problem("artifact_unavailable", what, *folder_fix(words.item))


def folder_fix(item: str) -> tuple[str, ...]:
    """What helps wherever a file cannot be fetched."""
    return (say("get {file} another way, put it in a folder, and name the folder in PIP_FIND_LINKS", file=item),)


def _refused(words: _Words) -> Problem:
    what = say("{host} wants a login for {file}: {reason}", host=words.host, file=words.item, reason=words.cause)
    return words.problem("network_unreachable", what, say("put a login for {host} into ~/.netrc", host=words.host))


def _broken_off(words: _Words) -> Problem:
    what = say(
        "the download of {file} from {host} broke off each time: {reason}",
        file=words.item,
        host=words.host,
        reason=words.cause,
    )
    return words.problem("network_unreachable", what, *NETWORK_FIX)


def _unreachable(words: _Words) -> Problem:
    what = say("{host} cannot be reached: {reason}", host=words.host, reason=words.cause)
    return words.problem("network_unreachable", what, *NETWORK_FIX)


NETWORK_FIX = (
    say("check the connection, and HTTPS_PROXY and SSL_CERT_FILE if you are behind a proxy"),
    say("or name a package index that can be reached in UV_DEFAULT_INDEX or PIP_INDEX_URL"),
)

# The first that is found decides, so the order matters: a full disk and a time-out also read "Failed to extract".
_RULES: tuple[tuple[str, Callable[[_Words], Problem]], ...] = (
    (r"no space left on device|disk quota exceeded", _disk_full),
    (r"read-only file system|permission denied \(os error", _not_writable),
    (r"hash mismatch|no hashes were provided", _other_content),
    (r"\((?:404 Not Found|410 Gone)\)|network connectivity is disabled|distribution not found at", _unavailable),
    (r"\((?:401 Unauthorized|403 Forbidden|407 Proxy Authentication Required)\)", _refused),
    (r"end of file before message|error decoding response|network timeout|operation timed out", _broken_off),
    (r"error sending request|dns error|connect error|request failed after|status server error", _unreachable),
    (r"extract archive|invalid zip|bad crc|failed to fetch [\s\S]*an io error occurred", _damaged),
    (r"was not found in|no versions? of|no wheels? with a|cannot be used", _unavailable),
)
