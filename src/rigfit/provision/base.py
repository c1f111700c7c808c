"""What every installer promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from rigfit.core.cancel import Cancel
from rigfit.core.event import Log, Progress
from rigfit.core.plan import Plan
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import say
from rigfit.process.child import Command, Ended, Said, Tick, run


class Installer(Protocol):
    """Carries out one step of a plan. Foreseen failures raise ProblemError; a cancel raises it with code `stopped`."""

    def install(self, plan: Plan, cancel: Cancel) -> Iterator[Progress | Log]: ...


def listen(command: Command, cancel: Cancel, explain: Callable[[str], Problem]) -> Iterator[Said | Tick]:
    """What a child says; raises ProblemError if it ends badly, where `explain` reads its last words on stderr."""
    words: list[str] = []
    for item in run(command, cancel):
        match item:
            case Ended(cancelled=True):
                raise ProblemError(_stopped())
            case Ended(code=code) if code != 0:
                raise ProblemError(explain("\n".join(words)))
            case Said(stream="err", text=text):
                words.append(text)
                yield item
            case Said() | Tick():
                yield item
            case Ended():
                pass


def _stopped() -> Problem:
    return Problem(code="stopped", what=say("stopped on request"), fix=(say("run the same command again to go on"),))
