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

if TYPE_CHECKING:
    from rigfit.core.cancel import Cancel
    from rigfit.core.environment import Environment
    from rigfit.core.event import Event
    from rigfit.core.fact import Facts
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

    def __init__(self, settings: Settings, wish: Wish) -> None:
        self.settings = settings
        self.wish = wish
        self._lock = threading.RLock()  # two screens may ask at once, and the machine is asked one time
        self._seen: Machine | None = None
        self._made: Fitting | None = None

    def afresh(self, *, home: Path | None = None, wish: Wish | None = None) -> Rig:
        """The same rig, to be looked at again."""
        place = self.settings.home if home is None else replace(self.settings.home, path=home)
        return Rig(replace(self.settings, home=place), wish or self.wish)

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

        threading.Thread(target=look, daemon=True, name="rigfit-look").start()

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
        """For the GPU that was wished for; what is left out here is as it was wished for, too."""
        with self._lock:
            wish = replace(self.wish, template=template or self.wish.template, variant=variant or self.wish.variant)
            return self._fitting.select(wish)

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

    def weigh(self, environment: Environment) -> Weight:
        from rigfit.engine.weighing import weigh

        return weigh(Path(environment.prefix))

    def remove(self, environment: Environment) -> None:
        from rigfit.engine.keeping import Keeping

        Keeping(self.settings).remove(environment)

    def setup(self, plan: Plan) -> Job:
        """Raises ProblemError for a recorded machine."""
        self._refuse_a_recorded_machine()

        def events(cancel: Cancel) -> Iterator[Event]:
            from rigfit.engine.carrying import Carrying

            return Carrying(self.settings).carry_out(plan, cancel)

        title = say("repair") if plan.afresh else say("set up")
        return Job(environment=plan.environment, title=title, events=events)

    def verify(self, environment: Environment) -> Job:
        self._refuse_a_recorded_machine()

        def events(cancel: Cancel) -> Iterator[Event]:
            from rigfit.engine.carrying import Carrying

            return Carrying(self.settings).verify(environment.name, self._fitting, cancel)

        return Job(environment=environment.name, title=say("verify again"), events=events)

    def _refuse_a_recorded_machine(self) -> None:
        if self.is_recorded:
            raise ProblemError(recorded_machine(str(self.settings.machine)))


def recorded_machine(file: str) -> Problem:
    """The refusal to do anything to a machine that is only a file."""
    what = say("{file} is a recorded machine: it can be judged, but nothing can be proven on it from here", file=file)
    fix = (say("run `rigfit setup` on that machine"), say("or open `rigfit` without `--machine` for this one"))
    return Problem(code="machine_is_recorded", what=what, fix=fix)
