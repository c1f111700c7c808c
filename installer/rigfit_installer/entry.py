"""What the command `rigfit` opens: something to see at once, then the application."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING

from rigfit_installer.curtain import curtain

if TYPE_CHECKING:
    from rigfit.core.selection import Wish
    from rigfit.engine.settings import Settings


def main(asked: Callable[[], tuple[Settings, Wish]]) -> int:
    """`asked` reads the command line, which costs imports, too. Stays until it is left; the exit code."""
    with curtain():
        gc.disable()  # nothing of what is imported is garbage: a tenth of the time
        from rigfit_installer.rig import Rig

        rig = Rig(*asked())
        rig.look_ahead()
        from rigfit_installer.app import open_with
    gc.freeze()
    gc.enable()
    return open_with(rig)
