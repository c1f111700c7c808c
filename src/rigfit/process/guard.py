"""Becomes the program that it is told to run, after asking the kernel to end it when the parent ends.

Runs as a script: `python -I -S guard.py PARENT_PID PROGRAM ARGUMENT...`. A `preexec_fn` would do the same, but is
not safe in a program with threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    parent, *argv = sys.argv[1:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != int(parent):  # it ended before the kernel was asked
        os._exit(128 + int(signal.SIGKILL))
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - becoming another program is the point
    except OSError as error:
        sys.stderr.write(f"{argv[0]}: {error.strerror}\n")
        os._exit(127)


main()
