"""An environment of real wheels with a torch of a few bytes, for the doctor to look at, and to be broken and mended."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.stand_ins.command import Ran, rigfit
from tests.stand_ins.wheels import Wheel, make_wheel

from rigfit.sources.uv import uv_binary

IMPORTED = "torch was imported"
# Its line for other programs is `uv ...`: so it is found as people find it.
ENVIRON = {**os.environ, "PATH": os.pathsep.join((str(Path(uv_binary()).parent), os.environ["PATH"]))}


def torch_wheel(version: str, cuda: str | None) -> Wheel:
    """Tells its build as the real one does, also where the name of its wheel does not; an import leaves a trace beside it."""
    build = version if "+" in version else f"{version}+cu{str(cuda).replace('.', '')}"
    trace = f'from pathlib import Path\nPath(__file__).with_name("{IMPORTED}").touch()\n'
    told = f"__version__ = {build!r}\ncuda: str = {cuda!r}\nhip = None\n"
    beside = {"torch/__init__.py": trace, "torch/version.py": told}
    return make_wheel("torch", version, beside=beside)


@dataclass(frozen=True)
class Patient:
    folder: Path
    python: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "python", self.folder / "bin/python")

    @property
    def site(self) -> Path:
        (found,) = self.folder.glob("lib/python3*/site-packages")
        return found

    def install(self, *words: str | Path) -> None:
        install = [uv_binary(), "--quiet", "pip", "install", f"--python={self.python}", *map(str, words)]
        subprocess.run(install, check=True, cwd="/")

    def looked_at(
        self, *words: str | Path, environ: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> Ran:
        home = ("--home", self.folder.parent / "home", "--json")
        return rigfit(
            "doctor", "--python", self.python, *home, *words, environ=environ or ENVIRON, folder=folder or self.folder
        )


def patient(folder: Path, torch: Wheel, *pins: str) -> Patient:
    """With Python 3.11 and `pins` from the package index, around that torch."""
    subprocess.run([uv_binary(), "--quiet", "--no-python-downloads", "venv", "--python=3.11", str(folder)], check=True)
    made = Patient(folder)
    made.install("--no-deps", torch.put_in(folder.parent / "wheels"))
    made.install(*pins)
    return made


def followed(line: str, folder: Path, environ: Mapping[str, str] | None = None) -> None:
    """Does what a suggestion says, in a shell as a person would."""
    around = dict(environ or ENVIRON)
    ran = subprocess.run(line, shell=True, check=False, cwd=folder, env=around, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
