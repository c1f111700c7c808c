"""Real runs that take a second: a shop on loopback with an interpreter and libraries of a few bytes, and its last bytes kept back.

py-rattler and uv install them for real; the environment's Python says what the payload would say, once the shop has answered.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.stand_ins.catalogs import make_catalog
from tests.stand_ins.channel import MINOR, make_whole_python
from tests.stand_ins.command import rigfit
from tests.stand_ins.plans import bare_environ
from tests.stand_ins.proof import make_speaking_wheel
from tests.stand_ins.web import Reply, Site, serve
from tests.stand_ins.wheels import make_wheel, put_on_index

from rigfit.core.cancel import Cancel
from rigfit.core.event import Event
from rigfit.core.plan import BaseKind, Plan
from rigfit.core.selection import Wish
from rigfit.engine.settings import Settings
from rigfit.store.paths import Home
from rigfit_installer.job import Job
from rigfit_installer.rig import Rig

CPU = Wish(variant="cpu")
_PYTHON = make_whole_python()
CONDA_PYTHON, LIBRARY = f"/forge/{_PYTHON.place}", "/files/simple/torch-2.13.0-py3-none-any.whl"
LOCAL_PYTHON = "/interpreter"
_PATIENCE = 60.0  # seconds
# The real interpreter under another name, which asks the shop before it does anything but say what it is.
_ASKING = """#!/bin/sh
case "$*" in
*find_spec*) exec "{python}" -c 'import json, subprocess, sys
said = json.loads(subprocess.check_output(["{python}", *sys.argv[1:]]))
print(json.dumps({{**said, "python": "{here}"}}))' "$@" ;;
esac
"{python}" -c 'import urllib.request; urllib.request.urlopen("{site}{path}").read()'
exec "{python}" "$@"
"""


@dataclass(frozen=True, kw_only=True)
class Shop:
    """Where everything comes from, and the home that it goes to."""

    folder: Path
    site: Site
    settings: Settings

    @property
    def home(self) -> Path:
        return self.settings.home.path

    @property
    def words(self) -> tuple[str, ...]:
        """The same settings for a command."""
        return ("--variant", "cpu", "--home", str(self.home), "--catalog", str(self.settings.catalog))

    def rig(self) -> Rig:
        return Rig(self.settings, CPU)

    def based_on(self, base: BaseKind) -> Shop:
        return replace(self, settings=replace(self.settings, base=base))

    def hold(self, path: str) -> None:
        self.site.replies[path].waits = True

    def let_go(self, path: str) -> None:
        """For whoever asks from now on."""
        self.site.replies[path].waits = False
        self.site.hanging.clear()

    def fetched(self, path: str) -> int:
        return self.site.asked.count(f"GET {path}")

    def listed(self) -> list[tuple[bool, str, bool]]:
        """What the command tells, in a process of its own: usable, standing, and whether there is a receipt."""
        found = rigfit("list", "--json", "--home", self.home, environ=self.settings.environ)
        environments: list[dict[str, Any]] = found.result["environments"]
        return [(each["usable"], each["standing"], each["receipt"] is not None) for each in environments]

    def records(self) -> list[str]:
        return [file.name for file in (self.home / "receipts").glob("*")]

    def at_work(self) -> list[int]:
        """The processes of a run: whatever was given this shop's variables."""
        mark = f"HOME={self.folder}/user\0".encode()
        return [int(each.parent.name) for each in Path("/proc").glob("[0-9]*/environ") if mark in _content(each)]


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # it has ended, or is somebody else's
        return b""


@contextmanager
def open_shop(folder: Path) -> Iterator[Shop]:
    with serve() as site:
        torch, proof = make_wheel("torch", "2.13.0"), make_speaking_wheel(site, "bitsandbytes", "0.50.2")
        index = put_on_index(site, torch, proof)
        catalog = make_catalog(folder / "catalog", torch, proof, conda=(_PYTHON.locked(_PYTHON.put_on(site)),))
        environ = bare_environ(folder, UV_DEFAULT_INDEX=index, CONDA_OVERRIDE_CUDA="")
        environ["PATH"] = f"{_asking_python(folder / 'bin', site)}:{environ['PATH']}"
        yield Shop(
            folder=folder,
            site=site,
            settings=Settings(home=Home(folder / "home"), environ=environ, catalog=catalog),
        )


def _asking_python(folder: Path, site: Site) -> Path:
    """A folder with an interpreter of this machine that can be kept waiting."""
    site.replies[LOCAL_PYTHON] = Reply(b"go on")
    folder.mkdir()
    file = folder / f"python{MINOR}"
    file.write_text(_ASKING.format(python=sys.executable, here=file, site=site.url, path=LOCAL_PYTHON))
    file.chmod(0o755)
    return folder


class PausingRig(Rig):
    """The real one, whose first run pauses after one event until it is asked to stop."""

    def __init__(self, shop: Shop, after: Callable[[Event], bool]) -> None:
        super().__init__(shop.settings, CPU)
        self._after = after
        self.paused = False

    def setup(self, plan: Plan) -> Job:
        job = super().setup(plan)
        return replace(job, events=lambda cancel: self._pausing(job.events(cancel), cancel))

    def _pausing(self, events: Iterator[Event], cancel: Cancel) -> Iterator[Event]:
        woken = threading.Event()
        with cancel.on_cancel(woken.set):
            for event in events:
                yield event
                if self._after(event) and not self.paused:
                    self.paused = True
                    woken.wait(_PATIENCE)
