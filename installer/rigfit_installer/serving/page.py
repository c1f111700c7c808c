"""One page: the wire between its websocket and the program that it shows."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress

from textual_serve.app_service import AppService

_PATIENCE = 10.0  # seconds for a run to stop itself


class Page(AppService):
    """Closing the page does what closing a terminal does: SIGHUP, so that a run under way is stopped first."""

    async def run(self) -> None:
        try:
            await super().run()
        finally:
            await self.remote_close()  # the program may have ended without a word

    async def on_data(self, payload: bytes) -> None:
        with suppress(ConnectionError):  # read on: a program that nobody reads from cannot end
            await super().on_data(payload)

    async def stop(self) -> None:
        if self._task is None:
            return
        await self._download_manager.cancel_app_downloads(app_service_id=self.app_service_id)
        self._signal(signal.SIGHUP)
        ended, _ = await asyncio.wait({self._task}, timeout=_PATIENCE)
        if not ended:
            self._signal(signal.SIGKILL)
        await self._task

    def _signal(self, number: signal.Signals) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(process.pid, number)  # asyncio's own way may wait for the child, and then misses its end
