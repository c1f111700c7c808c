"""What becomes of a proof: a receipt that is kept, one that is withdrawn, and the problem that says why."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

from rigfit.core.environment import Environment
from rigfit.core.event import Check
from rigfit.core.ground import Ground
from rigfit.core.problem import Problem
from rigfit.core.proof import NEXT, OF_THE_GPU
from rigfit.core.receipt import Receipt, Verification, renewed
from rigfit.core.words import joined, say
from rigfit.engine.keeping import Keeping

_SETUP = say("`rigfit setup` makes an environment that is proven on this machine")


def judge(keeping: Keeping, tried: Receipt, *, known: bool) -> None:
    """Keep what passed. Where no GPU is left on which it did, withdraw; what was never `known` stays unfinished."""
    name = tried.making.environment
    environment = keeping.find(name)
    kept = renewed(environment.receipt if environment.standing == "proven" else None, tried)
    if kept is not None:
        keeping.receipts.keep(kept)
        keeping.prefix(name).finish()
    elif known:
        keeping.receipts.withdraw(tried)


def not_passed(done: Verification, environment: Environment, chosen: str = "") -> Problem:
    """Of an environment that rigfit made: it can make it afresh. `chosen` is what was asked for beside its name."""
    name = done.environment
    again = "rigfit setup -v" if environment.standing == "unfinished" else f"rigfit verify {name}{chosen} -v"
    afresh = f"rigfit repair {name}"
    if environment.standing == "unproven":  # a repair would prove it, and that may be impossible on this machine
        afresh = say("make it afresh: `rigfit remove {name}`, then `rigfit setup --no-verify` as before", name=name)
    codes = _codes(done)
    of_the_gpu = tuple(NEXT[code] for code in codes if code in OF_THE_GPU)
    mends = () if of_the_gpu and OF_THE_GPU.issuperset(codes) else (afresh,)
    return _problem(done, (*of_the_gpu, *mends, again))


def python_not_passed(done: Verification) -> Problem:
    """Of a Python that somebody else made: what mends it is told by what failed."""
    codes = _codes(done)
    mends = () if codes and OF_THE_GPU.issuperset(codes) else (doctor_of(done.environment), _SETUP)
    return _problem(done, (*(NEXT[code] for code in codes if code in NEXT), *mends))


def doctor_of(python: str) -> str:
    """The line that tells which of its libraries do not go together."""
    return f"rigfit doctor --python {shlex.quote(python)}"


def _codes(done: Verification) -> tuple[str, ...]:
    return tuple(dict.fromkeys(check.code for check in done.checks if check.status == "failed"))


def not_passed_everywhere(name: str, failures: Sequence[tuple[Ground, Problem]], places: int) -> Problem:
    """One for several GPUs: with the code of the worst, and the words of each."""
    _, worst = max(failures, key=lambda failure: (failure[1].code == "verification_failed", failure[1].exit_code))
    what = say("{name} does not pass on {failed} of {all} GPUs", name=name, failed=len(failures), all=places)
    told = (say("{place}: {what}", place=ground.label, what=_whole(problem)) for ground, problem in failures)
    return replace(worst, what=what, detail=joined("\n", told))


def _whole(problem: Problem) -> str:
    return joined("\n  ", (problem.what, *problem.detail.splitlines()))


def _problem(done: Verification, fix: tuple[str, ...]) -> Problem:
    failed = [check for check in done.checks if check.status == "failed"]
    return Problem(
        code="verification_failed",
        what=_counted(done, failed),
        fix=fix,
        detail=joined("\n", (say("{check}: {why}", check=check.id, why=check.why) for check in failed)),
    )


def _counted(done: Verification, failed: list[Check]) -> str:
    every, names = len(done.checks), ", ".join(check.id for check in failed)
    name = done.environment
    if done.gpu_used is not None:
        name = say("{name} on GPU {index}", name=name, index=done.gpu_used["index"])
    if done.level == "full":
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
        level=done.level,
        failed=len(failed),
        all=every,
        names=names,
    )
