"""A file behind an address, read by byte ranges, as far as `zipfile` needs a file to be one."""

from __future__ import annotations

import contextlib
import http.client
import io
import urllib.error
import urllib.request

from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import joined, say

_BLOCK = 1 << 16
_TRIES = 3
_SECONDS = 60.0


class RangedFile:
    """Starts with the tail, where a zip archive keeps its directory. Raises ProblemError `network_unreachable`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._position = 0
        self._blocks: dict[int, bytes] = {}
        tail, self.size = self._ask(f"bytes=-{_BLOCK}")
        self._tail_start = self.size - len(tail)
        self._tail = tail

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = start + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        start = self._position
        end = self.size if size < 0 else min(self.size, start + size)
        self._position = max(start, end)
        if start >= end:
            return b""
        if start >= self._tail_start:
            return self._tail[start - self._tail_start : end - self._tail_start]
        first, last = start // _BLOCK, (end - 1) // _BLOCK
        self._fetch(first, last)
        joined = b"".join(self._blocks[number] for number in range(first, last + 1))
        return joined[start - first * _BLOCK : end - first * _BLOCK]

    def _fetch(self, first: int, last: int) -> None:
        """Have blocks `first` to `last`, by one question for all that are missing and what lies between them."""
        missing = [number for number in range(first, last + 1) if number not in self._blocks]
        if not missing:
            return
        start, end = missing[0] * _BLOCK, min(self.size, (missing[-1] + 1) * _BLOCK)
        content, _ = self._ask(f"bytes={start}-{end - 1}")
        for number in range(missing[0], missing[-1] + 1):
            offset = number * _BLOCK - start
            self._blocks[number] = content[offset : offset + _BLOCK]

    def _ask(self, span: str) -> tuple[bytes, int]:
        """The bytes of a range, and the size of the whole file."""
        request = urllib.request.Request(self._url, headers={"Range": span})  # noqa: S310 - a web address, see look_into
        last: Exception | None = None
        for _ in range(_TRIES):
            with contextlib.ExitStack() as stack:
                try:
                    answer = stack.enter_context(urllib.request.urlopen(request, timeout=_SECONDS))  # noqa: S310
                    if answer.status != http.client.PARTIAL_CONTENT:
                        raise self._unreachable(say("the server gives whole files only, no byte ranges"))
                    return answer.read(), int(answer.headers["Content-Range"].rsplit("/", 1)[-1])
                except (urllib.error.URLError, http.client.HTTPException, TimeoutError) as error:
                    last = error
        raise self._unreachable(str(last))

    def _unreachable(self, detail: str) -> ProblemError:
        return ProblemError(
            Problem(
                code="network_unreachable",
                what=say("cannot look into {file}", file=self._url.rsplit("/", 1)[-1]),
                fix=(say("see whether the package index can be reached, and run it again"),),
                detail=joined(": ", [self._url, detail]),
            ),
        )
