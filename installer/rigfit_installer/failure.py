"""A run that has failed, as the text that the doctor explains."""

from __future__ import annotations

from dataclasses import dataclass

from rigfit.core.problem import Problem
from rigfit.core.progress import RunView

_LAST = 200  # lines of the log, in which the tools say what they died of
_PROOFS = ("verification_failed", "verification_crashed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """`environment` is the one whose Python said it; None where it came to nothing that its Python does."""

    text: str
    environment: str | None

    @classmethod
    def of(cls, view: RunView, problem: Problem) -> Failure:
        text = "\n".join((*view.log[-_LAST:], problem.what, problem.detail))
        return cls(text=text, environment=view.environment if problem.code in _PROOFS else None)
