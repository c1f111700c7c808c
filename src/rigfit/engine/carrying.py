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
from rigfit.core.problem import UNWRITABLE, Problem, ProblemError, unwritable
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
        return self._run(environment.name, (step,), self._proven_again(environment.name, machine, step, cancel))

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
            if error.errno not in UNWRITABLE:
                raise
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
        verification = yield from self._verified(plan.steps[-1], trial, cancel)
        if proven is not None:
            return self._renewed(replace(proven, gpu=target.gpu), target.machine, verification)
        receipt = _receipt(plan, verification)
        if not verification.passed:
            raise ProblemError(_not_passed(verification, "rigfit setup -v"), verification.to_json())
        return self._kept(receipt)

    def _provisioned(self, plan: Plan, cancel: Cancel) -> Iterator[Event]:
        if plan.survey.state == "proven":
            what = f"{plan.environment} was removed or has failed since the plan was made"
            raise ProblemError(Problem(code="environment_unfinished", what=what, fix=("run the same command again",)))
        self._keeping.receipts.forget(plan.environment)
        self._keeping.prefix(plan.environment).begin()
        environ = self._settings.environ
        base: Installer = CondaBase(environ) if plan.base.kind == "conda" else LocalBase(environ)
        for step, installer in zip(plan.steps, (base, Wheels(environ)), strict=False):
            yield StepStarted(step=step.id, title=step.title, total=step.disk or None)
            started = time.monotonic()
            yield from installer.install(plan, cancel)
            yield StepFinished(step=step.id, seconds=time.monotonic() - started)

    def _proven_again(self, name: str, machine: Machine, step: Step, cancel: Cancel) -> _Work:
        environment = self._keeping.find(name)  # as it is now that it is ours
        receipt = environment.receipt
        if receipt is None:
            raise ProblemError(not_usable(environment))
        on_cpu = receipt.verification.device == "cpu"
        trial = Trial(
            environment=environment.name,
            python=_python(environment.prefix),
            imports=tuple(receipt.imports),
            device=receipt.verification.device,
            gpu=None if on_cpu else _same_gpu(receipt, machine),
        )
        verification = yield from self._verified(step, trial, cancel)
        return self._renewed(receipt, machine, verification)

    def _verified(self, step: Step, trial: Trial, cancel: Cancel) -> Generator[Event, None, Verification]:
        yield StepStarted(step=step.id, title=step.title)
        started = time.monotonic()
        verification = yield from prove(trial, cancel, self._settings.environ)
        yield StepFinished(step=step.id, seconds=time.monotonic() - started)
        return verification

    def _renewed(self, receipt: Receipt, machine: Machine, verification: Verification) -> Receipt:
        """The receipt of today; a failure withdraws it."""
        today = replace(receipt, proven=_now(), machine=machine.to_json(), verification=verification)
        if verification.passed:
            return self._kept(today)
        self._keeping.receipts.withdraw(today)
        again = f"rigfit verify {receipt.environment} -v"
        raise ProblemError(_not_passed(verification, again), verification.to_json())

    def _kept(self, receipt: Receipt) -> Receipt:
        self._keeping.receipts.keep(receipt)
        self._keeping.prefix(receipt.environment).finish()
        return receipt


def _receipt(plan: Plan, verification: Verification) -> Receipt:
    target, now = plan.target, _now()
    return Receipt(
        environment=plan.environment,
        template=target.template.name,
        variant=target.variant.name,
        lock_sha256=target.lock.sha256,
        base=plan.base.kind,
        base_python=plan.base.python,
        prefix=target.prefix,
        made=now,
        proven=now,
        rigfit=version("rigfit"),
        imports=list(target.template.imports),
        gpu=target.gpu,
        machine=target.machine.to_json(),
        verification=verification,
    )


def _not_passed(verification: Verification, again: str) -> Problem:
    failed = [check for check in verification.checks if check.status == "failed"]
    names = ", ".join(check.id for check in failed)
    name = verification.environment
    return Problem(
        code="verification_failed",
        what=f"{name} is not proven: {len(failed)} of {len(verification.checks)} checks failed: {names}",
        fix=(f"rigfit repair {name}", again),
        detail="\n".join(f"{check.id}: {check.why}" for check in failed),
    )


def _same_gpu(receipt: Receipt, machine: Machine) -> str | None:
    """The GPU of the proof. Raises ProblemError where it cannot be reached now."""
    if isinstance(machine.driver, DriverFault):
        raise ProblemError(Problem(code="driver_fault", what=machine.driver.what, fix=machine.driver.fix))
    present = [gpu.uuid for gpu in machine.gpus]
    if receipt.gpu is None:
        return next(iter(present), None)
    if receipt.gpu not in present:
        what = f"the GPU on which {receipt.environment} was proven, {receipt.gpu}, is not in this machine now"
        raise ProblemError(Problem(code="unknown_gpu", what=what, fix=(f"rigfit setup {receipt.template}",)))
    return receipt.gpu


def _python(prefix: str) -> Path:
    return Path(prefix) / "bin" / "python"


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
