"""From the machine and the catalog to a plan."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from rigfit.catalog.load import load_facts, load_templates
from rigfit.catalog.locate import catalog_dir
from rigfit.catalog.locks import read_lock
from rigfit.core.advice import advised
from rigfit.core.environment import Environment
from rigfit.core.fact import Facts
from rigfit.core.machine import Machine
from rigfit.core.plan import Base, Plan, Survey, Target, make_plan
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.receipt import Receipt, Unproven
from rigfit.core.refusal import why_nothing
from rigfit.core.requirements import platform_name
from rigfit.core.selection import Candidate, Selection, Wish, select
from rigfit.core.template import Template
from rigfit.core.words import joined, say
from rigfit.engine.keeping import Keeping
from rigfit.engine.seeing import see
from rigfit.engine.settings import Settings
from rigfit.probe import host
from rigfit.provision.survey import survey


class Fitting:
    """Asks the machine once, judges, plans. Foreseen failures raise ProblemError."""

    def __init__(self, settings: Settings, machine: Machine | None = None) -> None:
        """With the `machine` that `see` saw, where somebody has looked already."""
        self._settings = settings
        self._seen = machine
        self._keeping = Keeping(settings)

    @cached_property
    def machine(self) -> Machine:
        """The machine that is judged: the one we run on, or a recorded one."""
        return self._seen or see(self._settings)

    @cached_property
    def catalog(self) -> Path:
        return catalog_dir(self._settings.catalog)

    @cached_property
    def templates(self) -> tuple[Template, ...]:
        return load_templates(self.catalog)

    @cached_property
    def facts(self) -> Facts:
        return load_facts(self.catalog)

    def select(self, wish: Wish) -> Selection:
        """Raises ProblemError for a template, variant or GPU that is not there."""
        self._gather()
        try:
            standing = frozenset(environment.name for environment in self._keeping.all())
            judged = select(self.machine, self.templates, self.facts, replace(wish, standing=standing))
            return advised(judged, self.templates, self.facts)
        except ProblemError as error:
            if error.problem.code != "unknown_template":
                raise
            needed = say("needed: {file}", file=self.catalog / str(wish.template) / "template.toml")
            found = say("found: {names}", names=", ".join(template.name for template in self.templates))
            raise ProblemError(replace(error.problem, detail=joined("\n", (needed, found)))) from None

    def _gather(self) -> None:
        """Most of the time NVML is waited for, so the catalog is read meanwhile."""
        seeing = threading.Thread(target=lambda: self.machine, daemon=True)
        if self._settings.machine is None:
            seeing.start()
        _ = self.templates, self.facts
        if self._settings.machine is None:
            seeing.join()

    def refusal(self, selection: Selection) -> Problem:
        """Why nothing was chosen, and what would work."""
        return why_nothing(selection, self.templates, self.facts)

    def plan(self, selection: Selection, *, prove: bool = True) -> Plan:
        """For the chosen variant. Where an artifact cannot be had, the refusal names the next variant that fits.

        Without `prove` the environment may be for the recorded machine that is judged, if this one can make it.
        """
        chosen = selection.chosen
        if chosen is None:
            raise ProblemError(self.refusal(selection))
        try:
            return self._plan(chosen, selection, prove=prove)
        except ProblemError as error:
            raise ProblemError(_naming_the_next(error.problem, selection)) from error

    def _plan(self, candidate: Candidate, selection: Selection, *, prove: bool) -> Plan:
        target = self._target(candidate, selection)
        if not prove and self._settings.machine is not None:
            _refuse_another_platform(self.machine, self._settings.environ)
        record = self._keeping.standing(candidate.variant.environment)
        return make_plan(target, self._survey(target) if record is None else _nothing_to_ask(record), prove=prove)

    def plan_repair(self, environment: Environment) -> Plan:
        """The plan that makes `environment` afresh; raises ProblemError if its lock has left the catalog."""
        target = self.target_of(environment)
        return make_plan(target, self._survey(target), afresh=True)

    def target_of(self, environment: Environment, gpu: str | None = None) -> Target:
        """How `environment` is to be proven on this machine, or on that GPU of it.

        Raises ProblemError if its lock has left the catalog, or if it does not fit.
        """
        variants = (variant for template in self.templates for variant in template.variants)
        variant = next((variant for variant in variants if variant.environment == environment.name), None)
        if variant is None:
            what = say(
                "the lock of {name} is no longer in the catalog, which says what it needs", name=environment.name
            )
            fix = (
                say("name the catalog it came from: `--catalog DIR`"),
                f"rigfit remove {environment.name}",
                "rigfit setup",
            )
            raise ProblemError(Problem(code="unknown_environment", what=what, fix=fix))
        selection = self.select(Wish(template=variant.template, variant=variant.name, gpu=gpu))
        if selection.chosen is None:
            raise ProblemError(self.refusal(selection))
        return self._target(selection.chosen, selection)

    def _survey(self, target: Target) -> Survey:
        settings = self._settings
        return survey(
            target, home=settings.home.path, base=settings.base, offline=settings.offline, environ=settings.environ
        )

    def _target(self, candidate: Candidate, selection: Selection) -> Target:
        variant = candidate.variant
        platform = platform_name(self.machine)
        assert platform is not None  # noqa: S101 - no candidate fits a machine of no known platform
        gpu = selection.proving_ground
        return Target(
            template=next(template for template in self.templates if template.name == variant.template),
            variant=variant,
            lock=read_lock(variant, platform),
            prefix=str(self._settings.home.prefix(variant.environment)),
            device="cpu" if variant.is_cpu else "cuda:0",
            gpu=gpu.target if gpu else None,
            quantization=candidate.quantization(gpu.index if gpu else None),
            machine=self.machine,
        )


def _refuse_another_platform(machine: Machine, environ: Mapping[str, str]) -> None:
    """What runs on another kind of processor cannot be installed by this one: its interpreter does not start here."""
    here, there = host.platform(root=Path("/"), environ=environ), machine.platform
    if (here.os, here.arch) != (there.os, there.arch):
        what = say(
            "an environment for {os} on {arch} cannot be made here, on {own_os} on {own_arch}",
            os=there.os,
            arch=there.arch,
            own_os=here.os,
            own_arch=here.arch,
        )
        fix = (
            say("make it on a machine with {os} on {arch}", os=there.os, arch=there.arch),
            say("`--dry-run` without `--no-verify` shows the plan"),
        )
        raise ProblemError(Problem(code="machine_is_recorded", what=what, fix=fix))


def _nothing_to_ask(record: Receipt | Unproven) -> Survey:
    """What stands already needs no source."""
    versions = record.verification.versions if isinstance(record, Receipt) else {}
    making = record.making
    return Survey(
        base=Base(kind=making.base, version=versions.get("python", ""), python=making.base_python),
        offline=False,
        missing=(),
        local_files={},
        environment_free=None,
        cache_free=None,
        same_disk=True,
        state="proven" if isinstance(record, Receipt) else "unproven",
    )


def _naming_the_next(problem: Problem, selection: Selection) -> Problem:
    after = selection.next_best
    if problem.code != "artifact_unavailable" or after is None:
        return problem
    variant = after.variant
    hint = say(
        "or take the next variant that fits: `{setup}`",
        setup=f"rigfit setup {variant.template} --variant {variant.name}",
    )
    return replace(problem, fix=(*problem.fix, hint))
