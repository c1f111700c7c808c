"""The doctor's look at a Python: what lies there, this machine and the facts, brought together."""

from __future__ import annotations

import shlex
import shutil
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

from rigfit.catalog.releases import load_releases
from rigfit.core.finding import Diagnosis
from rigfit.core.selection import Wish
from rigfit.doctor.python.case import Case, Tools, installed_on
from rigfit.doctor.python.case import Fitting as Fits
from rigfit.doctor.python.diagnose import diagnose
from rigfit.doctor.python.look import look_at
from rigfit.doctor.python.native import torch_of
from rigfit.doctor.python.shelf import Shelf, shelf_of
from rigfit.engine.fitting import Fitting
from rigfit.engine.settings import Settings
from rigfit.sources.uv import uv_binary


def inspect(settings: Settings, python: Path, folder: Path) -> Diagnosis:
    """Raises ProblemError `python_invalid`."""
    return diagnose(case_of(settings, python, folder))


def case_of(settings: Settings, python: Path, folder: Path, names: Iterable[str] = ()) -> Case:
    """`names` are libraries that are looked for beside those of the stack. Raises ProblemError `python_invalid`."""
    fitting = Fitting(settings)
    selecting = threading.Thread(target=lambda: fitting.machine, daemon=True)  # NVML is waited for meanwhile
    if settings.machine is None:
        selecting.start()
    look = look_at(python, folder, settings.environ)
    shelf = shelf_of(look)
    torch = torch_of(shelf)
    if settings.machine is None:
        selecting.join()
    return Case(
        look=look,
        shelf=shelf,
        torch=torch,
        installed=installed_on(shelf, torch, look.version, names),
        machine=fitting.machine,
        facts=fitting.facts,
        tools=_tools(shelf, settings.environ),
        read_releases=lambda: load_releases(fitting.catalog),
        ask_fitting=lambda: _fits(fitting),
    )


def _tools(shelf: Shelf, environ: Mapping[str, str]) -> Tools:
    if shelf.copy("pip") is not None:
        return Tools(pip=True)
    return Tools(pip=False, uv="uv" if shutil.which("uv", path=environ.get("PATH")) else shlex.quote(uv_binary()))


def _fits(fitting: Fitting) -> Fits:
    selection = fitting.select(Wish())
    if selection.chosen is None:
        return Fits(instead=fitting.refusal(selection).fix)
    return Fits(setup=f"rigfit setup {selection.chosen.variant.template}")
