"""What is worth knowing beside the libraries: conda's own books, Jupyter kernels, the module of another project."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from packaging.version import Version as PackageVersion

from rigfit.core.finding import Finding
from rigfit.core.words import say
from rigfit.doctor.python.case import Case, public
from rigfit.doctor.python.look import kernel_python
from rigfit.doctor.python.shelf import MODULES

_CONDA_NAMES = {"torch": "pytorch", "huggingface-hub": "huggingface_hub"}
_WRAPPER = PackageVersion("12")  # from here on the package pynvml has no module of that name itself


def conda_and_pip(case: Case) -> Iterator[Finding]:
    """What conda believes to be there, and pip has put another version over."""
    folder = case.look.prefix / "conda-meta"
    booked = dict(_booked(folder)) if folder.is_dir() else {}
    for package in MODULES:
        copy, record = case.shelf.copy(package), booked.get(_CONDA_NAMES.get(package, package))
        if copy is None or copy.version is None or record is None or copy.installer == "conda":
            continue
        if public(copy.version) == record[0]:
            continue
        yield Finding(
            code="conda_and_pip",
            severity="warning",
            what=say("conda takes {package} for another version than the one that is there", package=package),
            because=(
                say("conda's books: {version}: {place}", version=record[0], place=record[1]),
                say("{package} {version}: {place}", package=package, version=copy.version, place=copy.info),
            ),
            fix=(
                say(
                    "change {package} with pip alone from now on; conda would put its version over this one",
                    package=package,
                ),
            ),
            source="https://www.anaconda.com/blog/using-pip-in-a-conda-environment",
        )


def _booked(folder: Path) -> Iterator[tuple[str, tuple[str, Path]]]:
    for file in folder.glob("*-*-*.json"):
        name, version, _ = file.stem.rsplit("-", 2)
        yield name, (version, file)


def kernels(case: Case) -> Iterator[Finding]:
    """Jupyter kernels that were installed with this environment and start another Python, or none."""
    own = os.path.realpath(case.look.prefix)
    for spec in sorted((case.look.prefix / "share/jupyter/kernels").glob("*/kernel.json")):
        try:
            program = str(json.loads(spec.read_text(encoding="utf-8"))["argv"][0])
        except (OSError, ValueError, LookupError, TypeError):
            continue
        python = kernel_python(spec, program, case.look.environ)
        if "python" not in python.name or os.path.realpath(python.parent.parent) == own:
            continue
        again = f"{case.python} -m ipykernel install --sys-prefix --name {shlex.quote(spec.parent.name)}"
        gone = say("there is no such file") if not python.exists() else say("that is another Python than this one")
        yield Finding(
            code="kernel_of_another_python",
            severity="warning",
            what=say("the Jupyter kernel {name} of this environment does not start this Python", name=spec.parent.name),
            because=(say("{spec} starts {python}: {why}", spec=spec, python=python, why=gone),),
            fix=(again if case.shelf.copy("ipykernel") else f"{case.install('ipykernel')} && {again}",),
            source="https://jupyter-client.readthedocs.io/en/stable/kernels.html",
        )


def pynvml(case: Case) -> Iterator[Finding]:
    """Before version 12 the package pynvml brings a folder of that name, which hides the module of nvidia-ml-py."""
    other, own = case.shelf.copy("pynvml"), case.shelf.copy("nvidia-ml-py")
    version = case.installed.version("pynvml")
    if other is None or own is None or version is None or version >= _WRAPPER:
        return
    yield Finding(
        code="pynvml_impostor",
        severity="note",
        what=say("the package pynvml hides the module of the same name that nvidia-ml-py has"),
        because=tuple(
            say("{package} {version}: {place}", package=copy.name, version=copy.version, place=copy.info)
            for copy in (other, own)
        ),
        fix=(
            f"{case.python} -m pip uninstall -y pynvml && {case.install(f'nvidia-ml-py=={own.version}', afresh=True)}"
            if case.tools.pip
            else f"{case.tools.uv} pip uninstall --python {case.python} pynvml && {case.install(f'nvidia-ml-py=={own.version}', afresh=True)}",
        ),
        source="https://github.com/wookayin/gpustat/issues/153",
    )
