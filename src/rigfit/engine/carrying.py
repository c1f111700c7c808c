"""Carries a plan out as a stream of events that ends with RunFinished or RunFailed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from importlib.metadata import version
from typing import Any

from rigfit.core.cancel import Cancel
from rigfit.core.event import Event, StepFinished, StepStarted
from rigfit.core.ground import CPU
from rigfit.core.machine import Machine
from rigfit.core.plan import Plan, Target
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.receipt import Making, Receipt, Unproven
from rigfit.core.words import say
from rigfit.engine.framing import Work, framed
from rigfit.engine.judging import judge, not_passed
from rigfit.engine.keeping import Keeping
from rigfit.engine.proving import Proving, receipt_of, same_ground, trial_of
from rigfit.engine.settings import Settings
from rigfit.provision.base import Installer
from rigfit.provision.conda import CondaBase
from rigfit.provision.local import LocalBase
from rigfit.provision.wheels import Wheels


class Carrying:
    """Expected failures are the last event, never an exception; an exception is a bug."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keeping = Keeping(settings)

    def carry_out(self, plan: Plan, cancel: Cancel) -> Iterator[Event]:
        """Provision and prove, or only prove what stands already, or only provision."""
        lock = self._keeping.prefix(plan.environment).locked()
        return framed(plan.environment, plan.steps, self._made(plan, cancel), self._settings.home, lock)

    def _made(self, plan: Plan, cancel: Cancel) -> Work:
        # Another run may have made it by now.
        record = None if plan.afresh else self._keeping.standing(plan.environment)
        if record is None:
            self._look_for_hindrances(plan, cancel)
            yield from self._provisioned(plan, cancel)
        made, target = record.making if record else _making(plan), plan.target
        if not plan.prove:
            return self._left_unproven(record, _to_be_proven(made, target), target.machine)
        return (yield from self._proven(plan, _to_be_proven(made, target), cancel, known=record is not None))

    def _proven(self, plan: Plan, making: Making, cancel: Cancel, *, known: bool) -> Work:
        machine = plan.target.machine
        ground = CPU if making.device == "cpu" else same_ground(making, machine)
        trial = trial_of(making, ground)
        proving = Proving(settings=self._settings, machine=machine, cancel=cancel, command=_asked_by(plan))
        done = yield from proving.tried(trial, ground, plan.steps[-1])
        receipt = receipt_of(making, machine, done)
        judge(self._keeping, receipt, known=known)
        if not done.passed:
            raise ProblemError(not_passed(done, self._keeping.find(plan.environment)), done.to_json())
        return receipt.to_json()

    def _look_for_hindrances(self, plan: Plan, cancel: Cancel) -> None:
        """A GPU on which nothing can be proven now is told before anything is fetched. Raises ProblemError."""
        machine, target = plan.target.machine, plan.target
        if plan.prove and target.device != "cpu":
            ground = same_ground(_to_be_proven(_making(plan), target), machine)
            Proving(settings=self._settings, machine=machine, cancel=cancel, command=_asked_by(plan)).clear(ground)

    def _provisioned(self, plan: Plan, cancel: Cancel) -> Iterator[Event]:
        if plan.survey.stands:
            what = say("{name} was removed or has failed since the plan was made", name=plan.environment)
            fix = (say("run the same command again"),)
            raise ProblemError(Problem(code="environment_unfinished", what=what, fix=fix))
        self._keeping.receipts.forget(plan.environment)
        self._keeping.prefix(plan.environment).begin()
        environ = self._settings.environ
        base: Installer = CondaBase(environ) if plan.base.kind == "conda" else LocalBase(environ)
        for step, installer in zip(plan.steps, (base, Wheels(environ)), strict=False):
            yield StepStarted(step=step.id, title=step.title, total=step.disk or None)
            started = time.monotonic()
            yield from installer.install(plan, cancel)
            yield StepFinished(step=step.id, seconds=time.monotonic() - started)

    def _left_unproven(self, record: Receipt | Unproven | None, making: Making, machine: Machine) -> dict[str, Any]:
        """What is proven already stays so. The mark goes first: without it and without a record it is unfinished."""
        if isinstance(record, Receipt):
            return record.to_json()
        self._keeping.prefix(making.environment).finish()
        unproven = Unproven(making=making, machine=machine.to_json())
        self._keeping.receipts.await_proof(unproven)
        return unproven.to_json()


def _asked_by(plan: Plan) -> str:
    """The command for the same on another GPU; a repair is for the one that it was made for."""
    target = plan.target
    return "" if plan.afresh else f"rigfit setup {target.template.name} --variant {target.variant.name}"


def _making(plan: Plan) -> Making:
    target = plan.target
    return Making(
        environment=plan.environment,
        template=target.template.name,
        variant=target.variant.name,
        lock_sha256=target.lock.sha256,
        base=plan.base.kind,
        base_python=plan.base.python,
        prefix=target.prefix,
        made=_now(),
        rigfit=version("rigfit"),
        imports=list(target.template.imports),
        device=target.device,
        gpu=target.gpu,
        quantization=target.quantization,
    )


def _to_be_proven(making: Making, target: Target) -> Making:
    """As `target` has it: what was made for one machine may be proven otherwise on another."""
    return replace(making, device=target.device, gpu=target.gpu, quantization=target.quantization)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
