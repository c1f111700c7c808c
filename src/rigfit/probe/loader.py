"""The list that ldconfig writes for the loader: where a library is looked for, the first one first."""

from __future__ import annotations

import struct

# Measured with ldconfig of glibc 2.36 on 2026-11-22. Before 2.32 another list, of an older form, stands before it.
_MAGIC = b"glibc-ld.so.cache1.1"
_HEADER = struct.Struct("<20sII20x")  # magic, count of entries, length of the texts
_ENTRY = struct.Struct("<iIIIQ")  # flags, where the name and the path stand, two more
_MACHINE, _64_BIT = 0xFF00, (0x0300, 0x0A00)  # x86-64, AArch64: 32-bit libraries are for other programs


def listed(cache: bytes, name: str) -> tuple[str, ...] | None:
    """The paths of a soname; None where the list is of no form that is known.

    The texts stand in another order than the entries, which is the loader's.
    """
    start = cache.find(_MAGIC)
    if start < 0:
        return None
    cache, wanted = cache[start:], name.encode()
    try:
        _, count, _ = _HEADER.unpack_from(cache)
        entries = (_ENTRY.unpack_from(cache, _HEADER.size + _ENTRY.size * each) for each in range(count))
        return tuple(
            _text(cache, path).decode("utf-8", "replace")
            for flags, key, path, *_ in entries
            if flags & _MACHINE in _64_BIT and _text(cache, key) == wanted
        )
    except struct.error:
        return None


def _text(cache: bytes, start: int) -> bytes:
    return cache[start : cache.find(b"\0", start)]
