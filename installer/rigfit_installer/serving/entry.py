"""What the server starts for each page: the application, drawn through pipes, which ends with the server."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rigfit.core.selection import Wish
    from rigfit.engine.settings import Settings

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}


def main(asked: Callable[[], tuple[Settings, Wish]]) -> int:
    """Stays until it is left, or the page is closed; the exit code."""
    _end_with_the_server()
    _forget_the_terminal()
    from rigfit_installer.app import Installer, stay
    from rigfit_installer.rig import Rig

    app = Installer(Rig(*asked()))
    app.driver_class = app.get_driver_class()  # the one that textual-serve names: there is no terminal
    return stay(app)


def _end_with_the_server() -> None:
    """By SIGHUP, never by the Ctrl-C that the server's terminal sends to all: the server passes it on in its way."""
    parent = os.getppid()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.setsid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGHUP))
    if os.getppid() != parent:  # it ended before the kernel was asked
        os.kill(os.getpid(), signal.SIGHUP)


def _forget_the_terminal() -> None:
    """What the server's terminal can draw says nothing of the browser, which can draw everything."""
    os.environ.update(_TERMINAL)
    os.environ.pop("COLORFGBG", None)
    os.environ.setdefault("RIGFIT_ASCII", "0")
