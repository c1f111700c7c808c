"""A terminal driver that outlives its terminal, so that a run can be stopped in order after a line has dropped.

Textual's own takes a vanished terminal for a bug of the application, and then waits for ever to write to it.
"""

from __future__ import annotations

from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message


class HungUp(Message):
    """There is no terminal any more."""


class LastingDriver(LinuxDriver):
    def write(self, data: str) -> None:
        if self._writer_thread is not None and self._writer_thread.is_alive():
            super().write(data)

    def close(self) -> None:
        if self._writer_thread is not None and self._writer_thread.is_alive():
            super().close()

    def _run_input_thread(self) -> None:
        try:
            self.run_input_thread()
        except OSError:
            self._app.post_message(HungUp())
