"""What the screens ask the engine. Every answer may take seconds, so it is asked for in a thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import say
from rigfit_installer.job import Job
from rigfit_installer.reach import path_lines
from rigfit_installer.recorded import refusal_to_make, refusal_to_prove
from rigfit_installer.removals import Removals

if TYPE_CHECKING:
    from rigfit.core.cancel import Cancel
    from rigfit.core.environment import Environment, Standing
    from rigfit.core.event import Event
    from rigfit.core.fact import Facts
    from rigfit.core.finding import Diagnosis
    from rigfit.core.machine import Machine
    from rigfit.core.plan import Plan
    from rigfit.core.selection import Selection, Wish
    from rigfit.core.template import Template
    from rigfit.core.use import Use
    from rigfit.engine.fitting import Fitting
    from rigfit.engine.settings import Settings
    from rigfit.engine.weighing import Weight


class Rig:
    """One look at the machine, and the catalog, under one set of settings. Foreseen failures raise ProblemError."""

    def __init__(self, settings: Settings, wish: Wish, removals: Removals | None = None) -> None:
        self.settings = settings
        self.wish = wish
        self.removals = removals or Removals()
        self._lock = threading.RLock()  # two screens may ask at once, and the machine is asked one time
        self._seen: Machine | None = None
        self._made: Fitting | None = None

    def afresh(self, *, home: Path | None = None, wish: Wish | None = None) -> Rig:
        """The same rig, to be looked at again."""
        place = self.settings.home if home is None else replace(self.settings.home, path=home)
        return Rig(replace(self.settings, home=place), wish or self.wish, self.removals)

    @property
    def is_recorded(self) -> bool:
        return self.settings.machine is not None

    @property
    def _fitting(self) -> Fitting:
        with self._lock:
            if self._made is None:
                from rigfit.engine.fitting import Fitting

                self._made = Fitting(self.settings, self.machine())
            return self._made

    def look_ahead(self) -> None:
        """Ask the machine from now on, while there is something else to do; `machine` then has the answer sooner."""

        def look() -> None:
            with suppress(Exception):  # it rises where the answer is wanted
                self.machine()
            self._clear_leftovers()

        threading.Thread(target=look, daemon=True, name="rigfit-look").start()

    def path_lines(self) -> tuple[tuple[str, str], ...]:
        """What makes `rigfit` known to the shell, if it is not."""
        return path_lines(self.settings.environ)

    def _clear_leftovers(self) -> None:
        from rigfit.engine.keeping import Keeping

        Keeping(self.settings).clear_leftovers()

    def machine(self) -> Machine:
        with self._lock:
            if self._seen is None:
                from rigfit.engine.seeing import see

                self._seen = see(self.settings)
            return self._seen

    def use(self) -> tuple[Use, ...]:
        """How busy and warm each GPU is now; empty for a recorded machine and where nobody tells."""
        from rigfit.engine.watching import use_of_gpus

        return () if self.is_recorded else use_of_gpus(self.settings)

    def facts(self) -> Facts:
        with self._lock:
            return self._fitting.facts

    def templates(self) -> tuple[Template, ...]:
        with self._lock:
            return self._fitting.templates

    def select(self, template: str | None = None, variant: str | None = None) -> Selection:
        """Of every template, or of one, for the GPU and in the variant that were wished for."""
        with self._lock:
            return self._fitting.select(replace(self.wish, template=template, variant=variant or self.wish.variant))

    def select_wished(self) -> Selection | None:
        """Of the template that was wished for, if one was."""
        return self.select(self.wish.template) if self.wish.template else None

    def refusal(self, selection: Selection) -> Problem:
        with self._lock:
            return self._fitting.refusal(selection)

    def plan(self, selection: Selection) -> Plan:
        with self._lock:
            return self._fitting.plan(selection)

    def plan_repair(self, environment: Environment) -> Plan:
        with self._lock:
            return self._fitting.plan_repair(environment)

    def environments(self) -> tuple[Environment, ...]:
        from rigfit.engine.keeping import Keeping

        return Keeping(self.settings).all()

    def standing(self, name: str) -> Standing:
        """What a run has left of an environment; also of one that it never began to make."""
        return next((each.standing for each in self.environments() if each.name == name), "unfinished")

    def explain(self, text: str, environment: str | None = None) -> Diagnosis:
        """What an error means; `environment` is the one whose Python said it, if one did."""
        from rigfit.engine.diagnosing import explain

        python = self.settings.home.prefix(environment) / "bin" / "python" if environment else None
        return explain(self.settings, text, python if python and python.is_file() else None)

    def examine(self) -> Diagnosis:
        """The doctor's look at the machine; each time anew."""
        from rigfit.engine.diagnosing import examine_machine

        return examine_machine(self.settings)

    def weigh(self, environment: Environment) -> Weight:
        from rigfit.engine.weighing import weigh

        return weigh(Path(environment.prefix))

    def remove(self, environment: Environment) -> None:
        from rigfit.engine.keeping import Keeping

        self.removals.carry_out(environment.name, lambda: Keeping(self.settings).remove(environment))

    def setup(self, plan: Plan) -> Job:
        """Raises ProblemError for a recorded machine."""
        if self.is_recorded:
            raise ProblemError(refusal_to_make(plan, self.settings, self.wish))

        def events(cancel: Cancel) -> Iterator[Event]:
            from rigfit.engine.carrying import Carrying

            return Carrying(self.settings).carry_out(plan, cancel)

        title = say("repair") if plan.afresh else say("set up")
        stands = plan.survey.stands and not plan.afresh
        return Job(environment=plan.environment, title=title, events=events, only_proves=stands)

    def verify(self, environment: Environment) -> Job:
        """Raises ProblemError for a recorded machine."""
        if self.is_recorded:
            raise ProblemError(refusal_to_prove(environment.name, self.settings))

        def events(cancel: Cancel) -> Iterator[Event]:
            from rigfit.engine.verifying import Asked, Verifying

            return Verifying(self.settings, self._fitting, cancel).environment(environment.name, Asked())

        return Job(environment=environment.name, title=say("verify again"), events=events, only_proves=True)
