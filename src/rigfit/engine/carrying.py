"""Carries a plan out as a stream of events that ends with RunFinished or RunFailed."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from rigfit.core.cancel import Cancel
from rigfit.core.environment import Environment
from rigfit.core.event import Event, RunFailed, RunFinished, RunStarted, StepFinished, StepStarted
from rigfit.core.machine import DriverFault, Machine
from rigfit.core.plan import Plan, Step
from rigfit.core.problem import Problem, ProblemError, unwritable
from rigfit.core.receipt import Receipt, Verification
from rigfit.engine.keeping import Keeping, not_usable
from rigfit.engine.settings import Settings
from rigfit.provision.base import Installer
from rigfit.provision.conda import CondaBase
from rigfit.provision.local import LocalBase
from rigfit.provision.wheels import Wheels
from rigfit.store.runs import recorded
from rigfit.verify.run import Trial, prove

_Work = Generator[Event, None, Receipt]


class Carrying:
    """Expected failures are the last event, never an exception; an exception is a bug."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keeping = Keeping(settings)

    def carry_out(self, plan: Plan, cancel: Cancel) -> Iterator[Event]:
        """Provision and prove, or only prove what stands already."""
        return self._run(plan.environment, plan.steps, self._made(plan, cancel))

    def verify(self, environment: Environment, machine: Machine, cancel: Cancel) -> Iterator[Event]:
        """Prove again what was set up before; renews the receipt, or withdraws it."""
        step = Step(id="verify", title=f"prove {environment.name} again")
        return self._run(environment.name, (step,), self._proven_again(environment, machine, step, cancel))

    def _run(self, name: str, steps: tuple[Step, ...], work: _Work) -> Iterator[Event]:
        return recorded(self._framed(name, steps, work), self._settings.home)

    def _framed(self, name: str, steps: tuple[Step, ...], work: _Work) -> Iterator[Event]:
        started = time.monotonic()
        yield RunStarted(environment=name, steps=tuple(step.id for step in steps))
        try:
            with self._keeping.prefix(name).locked():
                receipt = yield from work
        except ProblemError as error:
            yield RunFailed(problem=error.problem, result=error.result)
        except OSError as error:
            yield RunFailed(problem=unwritable(str(error.filename or self._settings.home.path), error))
        else:
            yield RunFinished(seconds=time.monotonic() - started, result=receipt.to_json())

    def _made(self, plan: Plan, cancel: Cancel) -> _Work:
        proven = None if plan.afresh else self._keeping.proof(plan.environment)  # another run may have made it by now
        if proven is None:
            yield from self._provisioned(plan, cancel)
        target = plan.target
        trial = Trial(
            environment=plan.environment,
            python=_python(target.prefix),
            imports=target.template.imports,
            device=target.device,
            gpu=target.gpu,
        )
        verification = yield from _verified(plan.steps[-1], trial, cancel)
        receipt = _receipt(plan, verification, made=proven.made if proven else _now())
        return self._concluded(receipt, was_proven=proven is not None)

    def _provisioned(self, plan: Plan, cancel: Cancel) -> Iterator[Event]:
        if plan.survey.state == "proven":
            what = f"{plan.environment} was removed or has failed since the plan was made"
            raise ProblemError(Problem(code="environment_unfinished", what=what, fix=("run the same command again",)))
        self._keeping.receipts.forget(plan.environment)
        self._keeping.prefix(plan.environment).begin()
        base: Installer = CondaBase() if plan.base.kind == "conda" else LocalBase()
        for step, installer in zip(plan.steps, (base, Wheels()), strict=False):
            yield StepStarted(step=step.id, title=step.title, total=step.disk or None)
            started = time.monotonic()
            yield from installer.install(plan, cancel)
            yield StepFinished(step=step.id, seconds=time.monotonic() - started)

    def _proven_again(self, environment: Environment, machine: Machine, step: Step, cancel: Cancel) -> _Work:
        receipt = environment.receipt
        if receipt is None:
            raise ProblemError(not_usable(environment))
        device = receipt.verification.device
        trial = Trial(
            environment=environment.name,
            python=_python(environment.prefix),
            imports=tuple(receipt.imports),
            device=device,
            gpu=None if device == "cpu" else _first_gpu(machine),
        )
        verification = yield from _verified(step, trial, cancel)
        renewed = replace(receipt, proven=_now(), machine=machine.to_json(), verification=verification)
        return self._concluded(renewed, was_proven=True)

    def _concluded(self, receipt: Receipt, *, was_proven: bool) -> Receipt:
        if receipt.verification.passed:
            self._keeping.receipts.keep(receipt)
            self._keeping.prefix(receipt.environment).finish()
            return receipt
        if was_proven:
            self._keeping.receipts.withdraw(receipt)
        raise ProblemError(_not_passed(receipt.verification), receipt.verification.to_json())


def _verified(step: Step, trial: Trial, cancel: Cancel) -> Generator[Event, None, Verification]:
    yield StepStarted(step=step.id, title=step.title)
    started = time.monotonic()
    verification = yield from prove(trial, cancel)
    yield StepFinished(step=step.id, seconds=time.monotonic() - started)
    return verification


def _receipt(plan: Plan, verification: Verification, *, made: str) -> Receipt:
    target = plan.target
    return Receipt(
        environment=plan.environment,
        template=target.template.name,
        variant=target.variant.name,
        lock_sha256=target.lock.sha256,
        base=plan.base.kind,
        base_python=plan.base.python,
        prefix=target.prefix,
        made=made,
        proven=_now(),
        rigfit=version("rigfit"),
        imports=list(target.template.imports),
        machine=target.machine.to_json(),
        verification=verification,
    )


def _not_passed(verification: Verification) -> Problem:
    failed = [check for check in verification.checks if check.status == "failed"]
    names = ", ".join(check.id for check in failed)
    name = verification.environment
    return Problem(
        code="verification_failed",
        what=f"{name} is not proven: {len(failed)} of {len(verification.checks)} checks failed: {names}",
        fix=(f"rigfit repair {name}", f"rigfit verify {name} -v"),
        detail="\n".join(f"{check.id}: {check.why}" for check in failed),
    )


def _first_gpu(machine: Machine) -> str | None:
    """Raises ProblemError where the GPU that the environment was proven on cannot be reached now."""
    if isinstance(machine.driver, DriverFault):
        fault = machine.driver
        raise ProblemError(Problem(code="verification_failed", what=f"no GPU answers: {fault.what}", fix=fault.fix))
    return machine.gpus[0].uuid if machine.gpus else None


def _python(prefix: str) -> Path:
    return Path(prefix) / "bin" / "python"


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
