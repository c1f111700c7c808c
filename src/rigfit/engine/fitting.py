"""From the machine and the catalog to a plan."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path

from rigfit.catalog.load import load_facts, load_templates
from rigfit.catalog.locate import catalog_dir
from rigfit.catalog.locks import read_lock
from rigfit.core.environment import Environment
from rigfit.core.fact import Facts
from rigfit.core.machine import Machine
from rigfit.core.plan import Base, Plan, Survey, Target, make_plan
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.receipt import Receipt
from rigfit.core.refusal import why_nothing
from rigfit.core.requirement import platform_name
from rigfit.core.selection import Candidate, Selection, Wish, select
from rigfit.core.template import Template
from rigfit.engine.keeping import Keeping
from rigfit.engine.seeing import see
from rigfit.engine.settings import Settings
from rigfit.provision.survey import survey


class Fitting:
    """Asks the machine once, judges, plans. Foreseen failures raise ProblemError."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keeping = Keeping(settings)

    @cached_property
    def machine(self) -> Machine:
        """The machine that is judged: the one we run on, or a recorded one."""
        return see(self._settings)

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
        try:
            standing = frozenset(environment.name for environment in self._keeping.all())
            return select(self.machine, self.templates, self.facts, replace(wish, standing=standing))
        except ProblemError as error:
            if error.problem.code != "unknown_template":
                raise
            needed = f"needed: {self.catalog / str(wish.template) / 'template.toml'}"
            found = f"found: {', '.join(template.name for template in self.templates)}"
            raise ProblemError(replace(error.problem, detail=f"{needed}\n{found}")) from None

    def refusal(self, selection: Selection) -> Problem:
        """Why nothing was chosen, and what would work."""
        return why_nothing(selection, self.templates, self.facts)

    def plan(self, selection: Selection) -> Plan:
        """For the chosen variant. Where an artifact cannot be had, the refusal names the next variant that fits."""
        chosen = selection.chosen
        if chosen is None:
            raise ProblemError(self.refusal(selection))
        try:
            return self._plan(chosen)
        except ProblemError as error:
            raise ProblemError(_naming_the_next(error.problem, selection)) from error

    def _plan(self, candidate: Candidate) -> Plan:
        target = self._target(candidate)
        receipt = self._keeping.proof(candidate.variant.environment)
        return make_plan(target, self._survey(target) if receipt is None else _nothing_to_ask(receipt))

    def plan_repair(self, environment: Environment) -> Plan:
        """The plan that makes `environment` afresh; raises ProblemError if its lock has left the catalog."""
        variants = (variant for template in self.templates for variant in template.variants)
        variant = next((variant for variant in variants if variant.environment == environment.name), None)
        if variant is None:
            what = f"the lock of {environment.name} is no longer in the catalog, so it cannot be made again"
            fix = (
                "name the catalog it came from: `--catalog DIR`",
                f"rigfit remove {environment.name}",
                "rigfit setup",
            )
            raise ProblemError(Problem(code="unknown_environment", what=what, fix=fix))
        selection = self.select(Wish(template=variant.template, variant=variant.name))
        if selection.chosen is None:
            raise ProblemError(self.refusal(selection))
        target = self._target(selection.chosen)
        return make_plan(target, self._survey(target), afresh=True)

    def _survey(self, target: Target) -> Survey:
        settings = self._settings
        return survey(
            target, home=settings.home.path, base=settings.base, offline=settings.offline, environ=settings.environ
        )

    def _target(self, candidate: Candidate) -> Target:
        variant = candidate.variant
        platform = platform_name(self.machine)
        assert platform is not None  # noqa: S101 - no candidate fits a machine of no known platform
        gpu = next((gpu for gpu in self.machine.gpus if gpu.index in candidate.covers), None)
        return Target(
            template=next(template for template in self.templates if template.name == variant.template),
            variant=variant,
            lock=read_lock(variant, platform),
            prefix=str(self._settings.home.prefix(variant.environment)),
            device="cpu" if variant.is_cpu else "cuda:0",
            gpu=gpu.uuid if gpu else None,
            machine=self.machine,
        )


def _nothing_to_ask(receipt: Receipt) -> Survey:
    """What stands already needs no source."""
    return Survey(
        base=Base(
            kind=receipt.base, version=receipt.verification.versions.get("python", ""), python=receipt.base_python
        ),
        offline=False,
        missing=(),
        local_files={},
        environment_free=None,
        cache_free=None,
        same_disk=True,
        state="proven",
    )


def _naming_the_next(problem: Problem, selection: Selection) -> Problem:
    after = selection.next_best
    if problem.code != "artifact_unavailable" or after is None:
        return problem
    variant = after.variant
    hint = f"or take the next variant that fits: `rigfit setup {variant.template} --variant {variant.name}`"
    return replace(problem, fix=(*problem.fix, hint))
