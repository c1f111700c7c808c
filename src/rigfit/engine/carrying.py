"""Carries a plan out as a stream of events that ends with RunFinished or RunFailed."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rigfit.core.cancel import Cancel
from rigfit.core.environment import Environment
from rigfit.core.event import Check, Event, RunFailed, RunFinished, RunStarted, StepFinished, StepStarted
from rigfit.core.machine import DriverFault, Machine
from rigfit.core.plan import Plan, Step, Target
from rigfit.core.problem import UNWRITABLE, Problem, ProblemError, unwritable
from rigfit.core.receipt import Level, Making, Receipt, Unproven, Verification
from rigfit.core.words import joined, say
from rigfit.engine.fitting import Fitting
from rigfit.engine.keeping import Keeping, not_usable
from rigfit.engine.settings import Settings
from rigfit.provision.base import Installer
from rigfit.provision.conda import CondaBase
from rigfit.provision.local import LocalBase
from rigfit.provision.wheels import Wheels
from rigfit.store.runs import recorded
from rigfit.verify.run import Trial, prove

_Work = Generator[Event, None, dict[str, Any]]


class Carrying:
    """Expected failures are the last event, never an exception; an exception is a bug."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keeping = Keeping(settings)

    def carry_out(self, plan: Plan, cancel: Cancel) -> Iterator[Event]:
        """Provision and prove, or only prove what stands already, or only provision."""
        return self._run(plan.environment, plan.steps, self._made(plan, cancel))

    def verify(self, name: str, fitting: Fitting, cancel: Cancel) -> Iterator[Event]:
        """Prove what was set up before, here and now; keeps a receipt, or withdraws it."""
        step = Step(id="verify", title=say("prove {name} as it is now", name=name))
        return self._run(name, (step,), self._proven(name, fitting, step, cancel))

    def import_all(self, name: str, fitting: Fitting, cancel: Cancel) -> Iterator[Event]:
        """See whether every module imports. Proves nothing; a failure takes the receipt of what was proven."""
        step = Step(id="verify", title=say("import everything that {name} is for", name=name))
        return self._run(name, (step,), self._imported(name, fitting, step, cancel))

    def _run(self, name: str, steps: tuple[Step, ...], work: _Work) -> Iterator[Event]:
        return recorded(self._framed(name, steps, work), self._settings.home)

    def _framed(self, name: str, steps: tuple[Step, ...], work: _Work) -> Iterator[Event]:
        started = time.monotonic()
        yield RunStarted(environment=name, steps=tuple(step.id for step in steps))
        try:
            with self._keeping.prefix(name).locked():
                result = yield from work
        except ProblemError as error:
            yield RunFailed(problem=error.problem, result=error.result)
        except OSError as error:
            if error.errno not in UNWRITABLE:
                raise
            yield RunFailed(problem=unwritable(str(error.filename or self._settings.home.path), error))
        else:
            yield RunFinished(seconds=time.monotonic() - started, result=result)

    def _made(self, plan: Plan, cancel: Cancel) -> _Work:
        record = (
            None if plan.afresh else self._keeping.standing(plan.environment)
        )  # another run may have made it by now
        if record is None:
            yield from self._provisioned(plan, cancel)
        made, target = record.making if record else _making(plan), plan.target
        if not plan.prove:
            return self._left_unproven(record, _to_be_proven(made, target), target.machine)
        tried = yield from self._tried(plan.steps[-1], _to_be_proven(made, target), target.machine, cancel)
        return self._judged(tried, known=record is not None)

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

    def _proven(self, name: str, fitting: Fitting, step: Step, cancel: Cancel) -> _Work:
        environment = self._keeping.find(name)  # as it is now that it is ours
        match environment.record:
            case None:
                raise ProblemError(not_usable(environment))
            case Unproven(making=made):
                making = _to_be_proven(made, fitting.target_of(environment))
            case Receipt(making=made):
                making = made if made.device == "cpu" else replace(made, gpu=_same_gpu(made, fitting.machine))
        tried = yield from self._tried(step, making, fitting.machine, cancel)
        return self._judged(tried, known=True)

    def _imported(self, name: str, fitting: Fitting, step: Step, cancel: Cancel) -> _Work:
        environment = self._keeping.find(name)
        if environment.making is None:
            raise ProblemError(not_usable(environment))
        making = _where_there_is_one(environment.making, fitting.machine)
        tried = yield from self._tried(step, making, fitting.machine, cancel, level="imports")
        if not tried.verification.passed and environment.standing == "proven":
            self._keeping.receipts.withdraw(replace(tried, making=environment.making))
        if not tried.verification.passed:
            raise ProblemError(_not_passed(tried.verification, environment), tried.verification.to_json())
        return tried.verification.to_json()

    def _tried(
        self, step: Step, making: Making, machine: Machine, cancel: Cancel, level: Level = "full"
    ) -> Generator[Event, None, Receipt]:
        """The receipt as it would be, passed or not."""
        yield StepStarted(step=step.id, title=step.title)
        started = time.monotonic()
        verification = yield from prove(_trial(making, level), cancel, self._settings.environ)
        yield StepFinished(step=step.id, seconds=time.monotonic() - started)
        return Receipt(making=making, proven=_now(), machine=machine.to_json(), verification=verification)

    def _judged(self, tried: Receipt, *, known: bool) -> dict[str, Any]:
        """The receipt, kept; a failure withdraws what was known of the environment before."""
        name = tried.making.environment
        if tried.verification.passed:
            self._keeping.receipts.keep(tried)
            self._keeping.prefix(name).finish()
            return tried.to_json()
        if known:
            self._keeping.receipts.withdraw(tried)
        raise ProblemError(_not_passed(tried.verification, self._keeping.find(name)), tried.verification.to_json())


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


def _trial(making: Making, level: Level) -> Trial:
    return Trial(
        environment=making.environment,
        python=Path(making.prefix) / "bin" / "python",
        imports=tuple(making.imports),
        device=making.device,
        gpu=making.gpu,
        quantization=making.quantization,
        level=level,
    )


def _not_passed(verification: Verification, environment: Environment) -> Problem:
    failed = [check for check in verification.checks if check.status == "failed"]
    name = verification.environment
    again = "rigfit setup -v" if environment.standing == "unfinished" else f"rigfit verify {name} -v"
    afresh = f"rigfit repair {name}"
    if environment.standing == "unproven":  # a repair would prove it, and that may be impossible on this machine
        afresh = say("make it afresh: `rigfit remove {name}`, then `rigfit setup --no-verify` as before", name=name)
    return Problem(
        code="verification_failed",
        what=_counted(verification, failed),
        fix=(afresh, again),
        detail=joined("\n", (say("{check}: {why}", check=check.id, why=check.why) for check in failed)),
    )


def _counted(verification: Verification, failed: list[Check]) -> str:
    name, every, names = verification.environment, len(verification.checks), ", ".join(check.id for check in failed)
    if verification.level == "full":
        return say(
            "{name} is not proven: {failed} of {all} checks failed: {names}",
            name=name,
            failed=len(failed),
            all=every,
            names=names,
        )
    return say(
        "{name} does not pass at level {level}: {failed} of {all} checks failed: {names}",
        name=name,
        level=verification.level,
        failed=len(failed),
        all=every,
        names=names,
    )


def _where_there_is_one(making: Making, machine: Machine) -> Making:
    """To import modules any GPU will do, and none, too."""
    present = _present(machine)
    if making.device == "cpu" or isinstance(machine.driver, DriverFault) or not present:
        return replace(making, device="cpu", gpu=None)
    return replace(making, gpu=making.gpu if making.gpu in present else present[0])


def _present(machine: Machine) -> list[str | None]:
    """The UUIDs of the GPUs and of the parts that they are cut into, one to be used first."""
    parts = [part.uuid for gpu in machine.gpus for part in gpu.slices or ()]
    return [*(gpu.target for gpu in machine.gpus), *parts, *(gpu.uuid for gpu in machine.gpus)]


def _same_gpu(making: Making, machine: Machine) -> str | None:
    """The GPU of the proof. Raises ProblemError where it cannot be reached now."""
    if isinstance(machine.driver, DriverFault):
        raise ProblemError(Problem(code="driver_fault", what=machine.driver.what, fix=machine.driver.fix))
    present = _present(machine)
    if making.gpu is None:
        return next(iter(present), None)
    if making.gpu not in present:
        what = say(
            "the GPU on which {name} was proven, {gpu}, is not in this machine now",
            name=making.environment,
            gpu=making.gpu,
        )
        raise ProblemError(Problem(code="unknown_gpu", what=what, fix=(f"rigfit setup {making.template}",)))
    return making.gpu


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
