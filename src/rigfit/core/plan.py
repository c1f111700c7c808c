"""What setup will do, written down before anything happens; nothing happens that is not in it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from rigfit.core.machine import Machine
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.size import human
from rigfit.core.template import Lock, Quantization, Stack, Template, Variant
from rigfit.core.words import say

BaseKind = Literal["conda", "local"]
State = Literal["absent", "unfinished", "unproven", "proven"]
SPARE = 256 * 1024 * 1024  # room for bytecode, models that verify writes, and rounding to blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Where the interpreter comes from. `python` is the path of a local one; `why` says the reason aloud."""

    kind: BaseKind
    version: str
    python: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was found out before planning. Free space in bytes, None if unknown.

    `local_files` are paths by sha256 of artifacts found in folders that pip is told of. `missing` are problems with
    artifacts or sources that cannot be had. `offline`: caches and folders hold all libraries, so only they are used;
    `base_cached`: likewise for the conda packages.
    """

    base: Base | Problem
    offline: bool
    missing: tuple[Problem, ...]
    local_files: dict[str, str]
    environment_free: int | None
    cache_free: int | None
    same_disk: bool
    state: State
    base_cached: bool = False

    @property
    def stands(self) -> bool:
        """Whether the environment is there already, whole."""
        return self.state in ("unproven", "proven")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`id` is one of `base`, `libraries`, `verify`. `fetch` and `disk` are bytes at most: caches make them less."""

    id: str
    title: str
    fetch: int = 0
    disk: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is to be made and proven; `prefix` is the final path, `device` is `cpu` or `cuda:0`, `gpu` its UUID.

    `quantization` is the way in which verify must load a model.
    """

    template: Template
    variant: Variant
    lock: Lock
    prefix: str
    device: str
    gpu: str | None
    quantization: Quantization
    machine: Machine

    @property
    def stack(self) -> Stack:
        return self.variant.stack(self.lock.platform)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`afresh` makes the environment anew even where it is proven: a repair. Without `prove` it is made and not tried."""

    target: Target
    base: Base
    survey: Survey
    steps: tuple[Step, ...]
    afresh: bool = False
    prove: bool = True

    @property
    def environment(self) -> str:
        return self.target.variant.environment

    @property
    def fetch(self) -> int:
        return sum(step.fetch for step in self.steps)

    @property
    def disk(self) -> int:
        return sum(step.disk for step in self.steps)

    def to_json(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "prefix": self.target.prefix,
            "template": self.target.variant.template,
            "variant": self.target.variant.name,
            "device": self.target.device,
            "quantization": self.target.quantization,
            "proves": self.prove,
            "base": asdict(self.base),
            "state": self.survey.state,
            "offline": self.survey.offline,
            "fetch": self.fetch,
            "disk": self.disk,
            "steps": [asdict(step) for step in self.steps],
            "from_folders": sorted(self.survey.local_files.values()),
        }


def make_plan(target: Target, survey: Survey, *, afresh: bool = False, prove: bool = True) -> Plan:
    """The steps that lead to an environment, and to its proof. Raises ProblemError if one of them cannot succeed."""
    plan = Plan(
        target=target,
        base=survey.base if isinstance(survey.base, Base) else Base(kind="conda", version=target.stack.python),
        survey=survey,
        steps=(*_making(target.lock, survey), *((_proof(target),) if prove else ())),
        afresh=afresh,
        prove=prove,
    )
    if not survey.stands:
        _refuse_the_impossible(plan)
    return plan


def _proof(target: Target) -> Step:
    if target.quantization == "int8":
        return Step(id="verify", title=say("prove it: load a model in 8 bits and train a LoRA step"))
    return Step(id="verify", title=say("prove it: load a model in 4 bits (NF4) and train a LoRA step"))


def _making(lock: Lock, survey: Survey) -> tuple[Step, ...]:
    if survey.stands:
        return ()
    fetched = [artifact for artifact in lock.pip if artifact.sha256 not in survey.local_files]
    libraries = Step(
        id="libraries",
        title=say("{count} libraries from wheels", count=len(lock.pip)),
        fetch=0 if survey.offline else sum(artifact.size for artifact in fetched),
        disk=sum(artifact.unpacked for artifact in lock.pip),
    )
    return (_base_step(lock, survey), libraries)


def _base_step(lock: Lock, survey: Survey) -> Step:
    if isinstance(survey.base, Base) and survey.base.kind == "local":
        title = say(
            "Python {version} of this machine ({python})", version=survey.base.version, python=survey.base.python
        )
        return Step(id="base", title=title)
    return Step(
        id="base",
        title=say("Python from conda-forge ({count} packages)", count=len(lock.conda)),
        fetch=0 if survey.base_cached else sum(artifact.size for artifact in lock.conda),
        disk=sum(artifact.unpacked for artifact in lock.conda),
    )


def _refuse_the_impossible(plan: Plan) -> None:
    survey = plan.survey
    if isinstance(survey.base, Problem):
        raise ProblemError(survey.base)
    for problem in survey.missing:
        raise ProblemError(problem)
    _refuse_a_full_disk(plan)


def _refuse_a_full_disk(plan: Plan) -> None:
    """The cache keeps unpacked wheels, linked into the environment on one disk and copied between two."""
    survey = plan.survey
    places = [(say("environment"), "--home DIR", survey.environment_free)]
    if not survey.same_disk:
        places.append((say("cache"), "UV_CACHE_DIR", survey.cache_free))
    only_linked = survey.same_disk and survey.offline
    for place, setting, free in places:
        needed = SPARE if only_linked else plan.disk + SPARE
        if free is not None and free < needed:
            raise ProblemError(
                Problem(
                    code="disk_full",
                    what=say(
                        "too little free disk space for the {place}: needs {needed}, found {found}",
                        place=place,
                        needed=human(needed),
                        found=human(free),
                    ),
                    fix=(
                        say("free {size}", size=human(needed - free)),
                        say("or set another place with `{setting}`", setting=setting),
                    ),
                ),
            )
