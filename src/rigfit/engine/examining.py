"""The machine as the doctor sees it: everything is asked at once, and then judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rigfit.catalog.load import load_last_drivers, load_templates
from rigfit.catalog.locate import catalog_dir
from rigfit.core.evidence import Evidence, Served
from rigfit.core.finding import Diagnosis
from rigfit.core.machine import Driver, Machine
from rigfit.core.problem import ProblemError
from rigfit.core.requirements import platform_name
from rigfit.core.selection import Wish
from rigfit.core.template import Artifact
from rigfit.core.use import Use
from rigfit.core.words import joined, say
from rigfit.doctor.machine.fit import Fit
from rigfit.doctor.machine.gpus import Known
from rigfit.doctor.machine.judge import judge, judge_recorded
from rigfit.engine.fitting import Fitting
from rigfit.engine.proving import NEEDED
from rigfit.engine.seeing import see
from rigfit.engine.settings import Settings
from rigfit.engine.watching import use_of_gpus
from rigfit.probe.evidence.gather import gather
from rigfit.provision.question import Question
from rigfit.sources.names import minor

_NETWORK_LIMIT = 3.0  # seconds, for the package index to answer


def examine(settings: Settings) -> Diagnosis:
    """Raises ProblemError for a recorded machine or a catalog that cannot be read."""
    known = Known(last_drivers=load_last_drivers(catalog_dir(settings.catalog)), needed=NEEDED)
    if settings.machine is not None:
        machine = see(settings)
        findings, unknown = judge_recorded(machine, known, _fit(settings, machine))
        return Diagnosis(subject="machine", place=str(settings.machine), findings=findings, unknown=unknown)
    using = Question(lambda: use_of_gpus(settings))
    machine = see(settings)
    asking = None if _is_offline(settings) else Question(lambda: _served(settings, machine))
    evidence = _gather(settings, machine, asking)
    findings, unknown = judge(machine, evidence, _uses(machine, using), known, _fit(settings, machine))
    return Diagnosis(subject="machine", place=_place(settings, machine), findings=findings, unknown=unknown)


def _fit(settings: Settings, machine: Machine) -> Fit:
    fitting = Fitting(settings, machine)
    selection = fitting.select(Wish())
    return Fit(selection=selection, refusal=None if selection.chosen else fitting.refusal(selection))


def _gather(settings: Settings, machine: Machine, asking: Question[Served] | None) -> Evidence:
    evidence = gather(machine, root=settings.root, environ=settings.environ, home=settings.home.path)
    if asking is None:
        return evidence
    try:
        return replace(evidence, served=asking.answer(_NETWORK_LIMIT))
    except TimeoutError:
        return replace(evidence, served=_untold(say("no answer within {limit:g} s", limit=_NETWORK_LIMIT)))


def _uses(machine: Machine, using: Question[tuple[Use, ...]]) -> tuple[Use, ...] | None:
    return using.answer() or None if isinstance(machine.driver, Driver) else None


def _is_offline(settings: Settings) -> bool:
    return settings.offline or settings.environ.get("UV_OFFLINE", "").lower() in {"1", "true", "yes", "on", "y", "t"}


def _served(settings: Settings, machine: Machine) -> Served:
    """Asked for the smallest wheel of the first lock that is for this platform."""
    from rigfit.provision.served import served

    try:
        found = _smallest_wheel(settings, machine)
        if found is None:
            return _untold(say("no lock is for this platform"))
        wheel, python = found
        return served(wheel, settings.environ, python=python, limit=_NETWORK_LIMIT)
    except ProblemError as error:
        return _untold(error.problem.what)


def _smallest_wheel(settings: Settings, machine: Machine) -> tuple[Artifact, str] | None:
    """With the Python that it is locked for."""
    from rigfit.catalog.locks import read_lock

    platform = platform_name(machine)
    variants = (variant for each in load_templates(catalog_dir(settings.catalog)) for variant in each.variants)
    variant = next((each for each in variants if platform in each.platforms), None)
    if variant is None or platform is None:
        return None
    wheels = [wheel for wheel in read_lock(variant, platform).pip if wheel.from_index]
    smallest = min(wheels, key=lambda wheel: wheel.size, default=None)
    return None if smallest is None else (smallest, minor(variant.stack(platform).python))


def _untold(why: str) -> Served:
    return Served(index="", wheel="", locked="", silence=why)


def _place(settings: Settings, machine: Machine) -> str:
    platform, driver = machine.platform, machine.driver
    parts = [f"{platform.os} {platform.kernel or ''} {platform.arch}".replace("  ", " ")]
    if platform.container:
        parts.append(say("in a container ({kind})", kind=platform.container))
    if isinstance(driver, Driver):
        parts.append(say("driver {version}", version=driver.version))
        parts.extend(gpu.label for gpu in machine.gpus)
    if settings.root != Path("/"):
        parts.append(say("files of {root}", root=settings.root))
    return joined(", ", parts)
