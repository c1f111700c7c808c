"""One GPU: what it is, what it holds, and what 8-bit means on it."""

from __future__ import annotations

from rigfit.core.fact import Facts
from rigfit.core.machine import Gpu
from rigfit.core.selection import Selection
from rigfit.core.use import Use
from rigfit_installer.draw.machine import gpu_rows
from rigfit_installer.widgets.sheet import Sheet


class GpuCard(Sheet):
    """Drawn with what is known so far: facts, judgement and use come later than the machine."""

    def __init__(self, gpu: Gpu) -> None:
        super().__init__()
        self.gpu = gpu
        self.border_title = f"GPU {gpu.index}"
        self._facts: Facts | None = None
        self._judged: Selection | None = None
        self._use: Use | None = None
        self._draw()

    def know(self, facts: Facts, judged: Selection) -> None:
        self._facts, self._judged = facts, judged
        self._draw()

    def watch_use(self, use: Use | None) -> None:
        """None where nobody tells any more."""
        self._use = use
        self._draw()

    def _draw(self) -> None:
        self.lay(gpu_rows(self.gpu, self._facts, self._judged, self._use))
