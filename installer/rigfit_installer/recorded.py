"""What can be done about a machine that is only a file: the command lines for it."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from rigfit.core.problem import Problem
from rigfit.core.words import say

if TYPE_CHECKING:
    from rigfit.core.machine import Platform
    from rigfit.core.plan import Plan
    from rigfit.core.selection import Wish
    from rigfit.engine.settings import Settings


def refusal_to_make(plan: Plan, settings: Settings, wish: Wish) -> Problem:
    """Of a setup or a repair. What can be made here is made unproven, for the machine to prove."""
    name = plan.environment
    if plan.afresh:
        return _refusal(settings, say("run `{command}` on that machine", command=f"rigfit repair {name}"))
    there = f"rigfit setup {plan.target.variant.template} --variant {plan.target.variant.name}"
    steps = [say("run `{command}` on that machine", command=there)]
    if _runs_here(plan.target.machine.platform):
        here = shlex.join([*there.split(), *_options(settings, wish), "--no-verify"])
        steps.append(say("or make it here, unproven, for that machine to prove: `{command}`", command=here))
    return _refusal(settings, *steps)


def refusal_to_prove(name: str, settings: Settings) -> Problem:
    return _refusal(settings, say("run `{command}` on that machine", command=f"rigfit verify {name}"))


def _refusal(settings: Settings, *steps: str) -> Problem:
    what = say(
        "{file} is a recorded machine: it can be judged, but nothing can be proven on it from here",
        file=str(settings.machine),
    )
    fix = (*steps, say("or open `rigfit` without `--machine` for this one"))
    return Problem(code="machine_is_recorded", what=what, fix=fix)


def _runs_here(there: Platform) -> bool:
    """Whether this machine could start the interpreter that it makes."""
    here = os.uname()
    return (here.sysname.lower(), here.machine) == (there.os, there.arch)


def _options(settings: Settings, wish: Wish) -> list[str]:
    """What this application was told, for a command line in any folder."""
    told: dict[str, str | Path | None] = {
        "--machine": settings.machine,
        "--gpu": wish.gpu,
        "--catalog": settings.catalog,
        "--home": settings.named_home,
        "--base": settings.base,
    }
    named = [word for name, value in told.items() if value is not None for word in (name, _absolute(value))]
    return [*named, *(["--offline"] if settings.offline else [])]


def _absolute(value: str | Path) -> str:
    return str(value.absolute() if isinstance(value, Path) else value)
