"""The installer with a run that ends only when it is stopped: `python -m tests.tui.endless_run CATALOG HOME`.

How the run ended is written to `HOME/ended`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.tui.driving import job_until_stopped, recorded_rig
from tests.tui.runs import STOPPED, beginning

from rigfit_installer.app import Installer
from rigfit_installer.screens.run import RunScreen


class Opened(Installer):
    def on_ready(self) -> None:
        job, _cancels = job_until_stopped(beginning(), STOPPED)
        self.run_job(job)

    def run_ended(self, screen: RunScreen) -> None:
        assert screen.view.problem is not None
        (self.rig.settings.home.path / "ended").write_text(f"{screen.view.problem.code} {screen.cancel.requested}")
        super().run_ended(screen)


if __name__ == "__main__":
    app = Opened(recorded_rig("cpu-only.json", Path(sys.argv[1]), Path(sys.argv[2])))
    app.run()
    sys.exit(app.return_code)
