"""The doctor: the machine, any Python, or an error text, each looked at and judged."""

from __future__ import annotations

from pathlib import Path

from rigfit.core.finding import Diagnosis
from rigfit.engine.settings import Settings


def examine_machine(settings: Settings) -> Diagnosis:
    """Driver and its faults, the system around it, disks, the network; of a recorded machine what the record holds."""
    from rigfit.engine.examining import examine

    return examine(settings)


def examine_python(settings: Settings, python: Path, *, folder: Path | None = None) -> Diagnosis:
    """The libraries of an interpreter, or of the folder of an environment, and how they go with each other and this machine.

    Nothing of it is imported or changed. `folder` is where that Python is started: a checkout there hides a library.
    Raises ProblemError `python_invalid`.
    """
    from rigfit.engine.inspecting import inspect

    return inspect(settings, python, folder or Path.cwd())


def explain(settings: Settings, text: str, python: Path | None = None) -> Diagnosis:
    """What an error text means; `python` is the interpreter that said it, if it is known.

    Raises ProblemError `usage` for a text with nothing in it, and `python_invalid`.
    """
    from rigfit.engine.explaining import explain

    return explain(settings, text, python)
