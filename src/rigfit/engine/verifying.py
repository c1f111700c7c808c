"""Proves again, here and now, what was set up before, on the GPUs that are asked for; or any Python that a person names."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rigfit.core.cancel import Cancel
from rigfit.core.environment import Environment
from rigfit.core.event import Event
from rigfit.core.ground import CPU, Ground, faulty, ground_of, grounds
from rigfit.core.machine import DriverFault, Machine
from rigfit.core.plan import Step
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.proof import Level
from rigfit.core.receipt import Making, Receipt, Unproven, Verification
from rigfit.core.size import clock
from rigfit.core.words import say
from rigfit.engine.fitting import Fitting
from rigfit.engine.framing import Work, framed
from rigfit.engine.judging import doctor_of, judge, not_passed, not_passed_everywhere, python_not_passed
from rigfit.engine.keeping import Keeping, not_usable
from rigfit.engine.proving import Proving, receipt_of, same_ground, trial_of, without_a_gpu
from rigfit.engine.settings import Settings
from rigfit.verify.interpreter import STACK, interpreter
from rigfit.verify.run import Trial

_One = Callable[[Ground], Work]
_AGAIN = say("run it once more with `-v`, which shows what its libraries say")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`gpu` is an index, a UUID, `all` or `none`; None leaves it to the receipt. `seconds` of training at level stress."""

    level: Level = "full"
    gpu: str | None = None
    seconds: float = 600

    @property
    def words(self) -> str:
        """As the command line has it."""
        return f"{self.kind} --gpu {self.gpu}" if self.gpu else self.kind

    @property
    def kind(self) -> str:
        """As the command line has it, wherever it is."""
        match self.level:
            case "full":
                return ""
            case "imports":
                return " --level imports"
            case "stress":
                return f" --level stress --minutes {self.seconds / 60:g}"


class Verifying:
    """Expected failures are the last event of the stream, never an exception."""

    def __init__(self, settings: Settings, fitting: Fitting, cancel: Cancel) -> None:
        self._settings = settings
        self._fitting = fitting
        self._cancel = cancel
        self._keeping = Keeping(settings)

    def environment(self, name: str, asked: Asked) -> Iterator[Event]:
        """At level full what passes gets a receipt. What fails leaves it: that GPU, or all where modules do not import."""
        prefix = self._keeping.prefix(name)
        return framed(name, (_step(name, asked),), self._again(name, asked), self._settings.home, prefix.locked())

    def python(self, named: Path, asked: Asked) -> Iterator[Event]:
        """Nothing is kept of it but the log of the run."""
        name = str(named)
        return framed(name, (_step(name, asked),), self._foreign(named, asked), self._settings.home)

    def _again(self, name: str, asked: Asked) -> Work:
        environment = self._keeping.find(name)  # as it is now that it is ours
        if environment.making is None:
            raise ProblemError(not_usable(environment))
        places = self._grounds(environment, environment.making, asked)
        one = partial(self._prove_again, environment, environment.making, asked)
        return (yield from _everywhere(name, places, asked, one))

    def _prove_again(self, environment: Environment, made: Making, asked: Asked, ground: Ground) -> Work:
        making = self._to_be_proven(environment, made, ground, asked)
        trial = trial_of(making, ground, level=asked.level, seconds=asked.seconds, chosen=asked.words)
        done = yield from self._tried(trial, ground, asked, f"rigfit verify {environment.name}")
        receipt = receipt_of(making, self._fitting.machine, done)
        self._keep(environment, made, receipt)
        if not done.passed:
            raise ProblemError(not_passed(done, self._keeping.find(environment.name), asked.words), done.to_json())
        return receipt.to_json() if asked.level == "full" and asked.gpu != "all" else done.to_json()

    def _keep(self, environment: Environment, made: Making, receipt: Receipt) -> None:
        """Modules that do not import do so on no GPU; a burn-in that fails speaks of one."""
        done = receipt.verification
        lost = not done.passed and environment.standing == "proven"
        if done.level == "full" or (lost and done.level == "stress"):
            judge(self._keeping, receipt, known=True)
        elif lost:
            self._keeping.receipts.withdraw(replace(receipt, making=made))

    def _foreign(self, named: Path, asked: Asked) -> Work:
        python, machine = interpreter(named, self._cancel), self._fitting.machine
        instead = say("to prove it on the CPU: `{command}`", command=_proves(python) + asked.kind)
        places = grounds(machine, asked.gpu, instead=instead) if asked.gpu else (_first_ground(machine, asked),)
        one = partial(self._prove_foreign, python, asked)
        return (yield from _everywhere(str(named), places, asked, one))

    def _prove_foreign(self, python: Path, asked: Asked, ground: Ground) -> Work:
        trial = Trial(
            environment=str(python),
            python=python,
            imports=STACK,
            device=ground.device,
            visible=ground.visible,
            gpu_used=ground.used,
            quantization="int8",
            level=asked.level,
            seconds=asked.seconds if asked.level == "stress" else 0,
            fix=(_AGAIN, doctor_of(str(python))),
        )
        done = yield from self._tried(trial, ground, asked, _proves(python))
        if not done.passed:
            raise ProblemError(python_not_passed(done), done.to_json())
        return done.to_json()

    def _tried(self, trial: Trial, ground: Ground, asked: Asked, command: str) -> Generator[Event, None, Verification]:
        step = _step(trial.environment, asked, ground if asked.gpu else None)
        proving = Proving(
            settings=self._settings, machine=self._fitting.machine, cancel=self._cancel, command=command + asked.kind
        )
        return (yield from proving.tried(trial, ground, step))

    def _grounds(self, environment: Environment, made: Making, asked: Asked) -> tuple[Ground, ...]:
        machine = self._fitting.machine
        if asked.gpu is not None:
            found = grounds(machine, asked.gpu, instead=without_a_gpu(made))
            _refuse_another_device(made, found, asked)
            return found
        if asked.level == "imports":
            return (_any_ground(made, machine),)
        if isinstance(environment.record, Unproven):
            target = self._fitting.target_of(environment)
            return (CPU if target.device == "cpu" else same_ground(replace(made, gpu=target.gpu), machine),)
        return (CPU if made.device == "cpu" else same_ground(made, machine),)

    def _to_be_proven(self, environment: Environment, made: Making, ground: Ground, asked: Asked) -> Making:
        """On another GPU than that of its proof another quantization may be the one that works."""
        making = replace(made, device=ground.device, gpu=ground.uuid)
        before = {each.making.gpu: each.making for each in (environment.receipt.alone if environment.receipt else ())}
        if asked.level == "imports" or ground.gpu is None or (environment.receipt and asked.gpu is None):
            return making
        if ground.uuid in before:
            return replace(making, quantization=before[ground.uuid].quantization)
        return replace(
            making,
            quantization=self._fitting.target_of(environment, gpu=ground.uuid or str(ground.gpu.index)).quantization,
        )


def _proves(python: Path) -> str:
    return f"rigfit verify --python {shlex.quote(str(python))}"


def _step(name: str, asked: Asked, ground: Ground | None = None) -> Step:
    match asked.level:
        case "full":
            title = say("prove {name} as it is now", name=name)
        case "imports":
            title = say("import everything that {name} is for", name=name)
        case "stress":
            title = say("train with {name} for {time}", name=name, time=clock(asked.seconds))
    return Step(id="verify", title=say("{title}, on {place}", title=title, place=ground.label) if ground else title)


def _everywhere(name: str, places: tuple[Ground, ...], asked: Asked, one: _One) -> Work:
    """One after the other, in a process each; what keeps one of them from passing does not keep the next from being tried."""
    if asked.gpu != "all":
        return (yield from one(places[0]))
    results: list[dict[str, Any]] = []
    failures: list[tuple[Ground, Problem]] = []
    for ground in places:
        try:
            results.append((yield from one(ground)))
        except ProblemError as error:  # noqa: PERF203 - each takes seconds
            if error.problem.code == "stopped":
                raise ProblemError(_stopped(error.problem, results, places), _result(name, asked, results)) from None
            failures.append((ground, error.problem))
            results.append(_untried(name, asked, ground) | error.result | {"problem": error.problem.to_json()})
    if failures:
        raise ProblemError(not_passed_everywhere(name, failures, len(places)), _result(name, asked, results))
    return _result(name, asked, results)


def _result(name: str, asked: Asked, results: list[dict[str, Any]]) -> dict[str, Any]:
    passed = all(each["passed"] for each in results)
    return {"environment": name, "level": asked.level, "passed": passed, "gpus": results}


def _untried(name: str, asked: Asked, ground: Ground) -> dict[str, Any]:
    """The verification of a GPU on which nothing could be checked."""
    nothing = Verification(
        environment=name,
        device=ground.device,
        quantization="int8",
        level=asked.level,
        versions={},
        checks=(),
        gpu_used=ground.used,
    )
    return nothing.to_json()


def _stopped(problem: Problem, results: list[dict[str, Any]], places: tuple[Ground, ...]) -> Problem:
    if not results:
        return problem
    what = say("stopped after {done} of {all} GPUs, whose results stand", done=len(results), all=len(places))
    return replace(problem, what=what)


def _refuse_another_device(made: Making, places: tuple[Ground, ...], asked: Asked) -> None:
    """A build for the CPU proves nothing of a GPU, and the other way round."""
    if made.device == "cpu" and places != (CPU,):
        what = say("{name} is a CPU build, which uses no GPU", name=made.environment)
    elif made.device != "cpu" and places == (CPU,) and asked.level != "imports":
        what = say("{name} is built for a GPU, and the CPU proves nothing of it", name=made.environment)
    else:
        return
    fix = (f"rigfit verify {made.environment}", f"rigfit setup {made.template} --gpu {asked.gpu}")
    raise ProblemError(Problem(code="unknown_gpu", what=what, fix=fix[: 1 if asked.gpu == "none" else 2]))


def _first_ground(machine: Machine, asked: Asked) -> Ground:
    """Without a GPU the CPU is all there is; a driver that does not answer where there is one is a fault, and no CPU."""
    if isinstance(machine.driver, DriverFault):
        if asked.level == "imports" or machine.driver.fault in ("no_device", "no_driver"):
            return CPU
        raise ProblemError(faulty(machine.driver))
    return ground_of(machine, None) or CPU


def _any_ground(made: Making, machine: Machine) -> Ground:
    """To import modules any GPU will do, and none, too."""
    if made.device == "cpu" or isinstance(machine.driver, DriverFault):
        return CPU
    return ground_of(machine, made.gpu) or ground_of(machine, None) or CPU
