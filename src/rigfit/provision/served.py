"""What the package index serves for a locked wheel, as the installer sees it: through its proxy, with its certificates."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import replace

from rigfit.core.evidence import Served
from rigfit.core.template import Artifact
from rigfit.core.words import say
from rigfit.process.child import Command, output_of
from rigfit.sources.failures import Failure, problem_of
from rigfit.sources.index import sources
from rigfit.sources.places import uv_cache
from rigfit.sources.urls import host_of
from rigfit.sources.uv import uv_binary, uv_environment

_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
_ARGV = ("pip", "compile", "--quiet", "--no-header", "--no-annotate", "--generate-hashes", "--no-deps", "--no-cache")
_DISBELIEVED = re.compile(r"^\s*cause: (.*(?:invalid peer certificate|certificate verify failed).*)$", re.MULTILINE)


def served(wheel: Artifact, environ: Mapping[str, str], *, python: str, limit: float) -> Served:
    """Asks the main index alone, and no cache. Raises ProblemError where uv refuses its settings."""
    where = sources(environ)
    index = where.address()
    begun = Served(
        index=host_of(index) if index else "",
        wheel=f"{wheel.name} {wheel.version}",
        locked=wheel.sha256,
        proxies=tuple(name for name in _PROXIES if environ.get(name) or environ.get(name.lower())),
    )
    if not index:
        return _silent(begun, say("uv or pip is told to use no index"))
    main = {"UV_DEFAULT_INDEX": index, "UV_INDEX": "", "UV_EXTRA_INDEX_URL": "", "UV_FIND_LINKS": ""}
    env = uv_environment(environ, {**dict(where.variables), **main, "UV_HTTP_RETRIES": "0"})
    argv = [uv_binary(), *_ARGV, "--no-python-downloads", "--python", sys.executable, "--python-version", python, "-"]
    question = f"{wheel.name}=={wheel.version}\n"
    out, words, ended = output_of(Command(argv=argv, stdin=question, env=env, cwd="/", limit=limit))
    if ended.timed_out:
        return _silent(begun, say("no answer within {limit:g} s", limit=limit))
    return _told(begun, out, words) if ended.code == 0 else _refused(begun, words, str(uv_cache(environ)))


def _told(begun: Served, out: str, words: str) -> Served:
    hashes = tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", out))
    return replace(begun, hashes=hashes, silence="" if hashes else words or say("it tells no hashes"))


def _refused(begun: Served, words: str, prefix: str) -> Served:
    disbelieved = _DISBELIEVED.search(words)
    if disbelieved:
        return replace(begun, refused=disbelieved[1])
    return _silent(begun, problem_of(Failure(text=words, prefix=prefix)).what)


def _silent(begun: Served, why: str) -> Served:
    return replace(begun, silence=why)
