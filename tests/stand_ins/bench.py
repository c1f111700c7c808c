"""A virtual environment whose libraries are files written here, so that one fault at a time can be put into it."""

from __future__ import annotations

import os
import shutil
import venv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rigfit.core.finding import Diagnosis, Finding
from rigfit.engine.diagnosing import examine_python
from rigfit.engine.settings import Settings
from rigfit.store.paths import find_home

MACHINES = Path(__file__).parents[1] / "machines"
STACK = {"transformers": "4.57.6", "peft": "0.18.1", "accelerate": "1.12.0", "numpy": "2.3.5", "tokenizers": "0.22.1"}
LIBRARIES = ("cpu", "cuda118", "cuda128")


@dataclass
class Bench:
    """A virtual environment with a sound stack, and where its Python is started."""

    folder: Path
    environ: dict[str, str] = field(default_factory=lambda: {"PATH": os.environ["PATH"]})

    def __post_init__(self) -> None:
        venv.create(self.env, with_pip=False, symlinks=True)
        self.work.mkdir()
        for name, version in STACK.items():
            self.put(name, version)
        self.put("huggingface_hub", "0.36.0")
        self.put_torch("2.8.0", "12.8")
        self.put("bitsandbytes", "0.50.2")
        for number, name in enumerate(LIBRARIES):
            (self.site / f"bitsandbytes/libbitsandbytes_{name}.so").write_bytes(bytes([number]) * (100 + number))

    @property
    def env(self) -> Path:
        return self.folder / "env"

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def site(self) -> Path:
        (found,) = self.env.glob("lib/python3*/site-packages")
        return found

    def put(self, name: str, version: str, *lines: str, into: Path | None = None, own: str | None = None) -> Path:
        """A library; `lines` are further ones of its metadata, `own` what its files call themselves."""
        site = into or self.site
        info = site / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        head = ("Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines)
        (info / "METADATA").write_text("\n".join(head) + "\n")
        (site / name).mkdir(exist_ok=True)
        (site / name / "__init__.py").write_text(f'__version__ = "{own or version}"\n')
        return info

    def have(self, name: str, version: str) -> None:
        """That version in the place of the one that is there."""
        for old in self.site.glob(f"{name}-*.dist-info"):
            shutil.rmtree(old)
        self.put(name, version)

    def put_torch(self, version: str, cuda: str | None) -> None:
        self.have("torch", version)
        told = f"__version__ = {version!r}\ncuda: Optional[str] = {cuda!r}\nhip: Optional[str] = None\n"
        (self.site / "torch/version.py").write_text(told)

    def examined(self, machine: str = "cpu-only", named: Path | None = None, **environ: str) -> Diagnosis:
        return self.examined_with(environ, machine, named)

    def examined_with(self, environ: Mapping[str, str], machine: str, named: Path | None = None) -> Diagnosis:
        around = {**self.environ, "HOME": str(self.folder / "home"), **environ}
        settings = Settings(
            home=find_home(str(self.folder / "rigfit"), around), environ=around, machine=MACHINES / f"{machine}.json"
        )
        return examine_python(settings, named or self.env, folder=self.work)

    def only(self, code: str, machine: str = "cpu-only", **environ: str) -> Finding:
        """That finding, and no other."""
        found = self.examined_with(environ, machine).findings
        assert [each.code for each in found] == [code], found
        return found[0]
