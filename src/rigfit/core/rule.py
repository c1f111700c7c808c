"""What an error text means: families of errors, and the causes that each can have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from packaging.specifiers import SpecifierSet

from rigfit.core.installed import Installed

Met = Literal["met", "unmet", "unknown"]
State = Literal["absent", "present", "cpu", "cuda"]
FIGURES = frozenset({"gpu", "driver-cuda", "wanted-cuda"})  # no packages: what a text tells of a machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`transformers >=4.43,<5`, `accelerate absent`, `torch cpu`: about one package (or `python`) of whoever saw the error.

    Or of one of FIGURES: the compute capability of the GPU, the CUDA of the driver, that of the library that was asked for.
    """

    package: str
    versions: SpecifierSet | None = None
    state: State | None = None

    def judge(self, installed: Installed) -> Met:
        if self.state in ("cpu", "cuda"):
            return "unknown" if installed.build is None else _met(installed.build == self.state)
        if self.state is not None:
            known = self.package in installed.versions
            return _met(installed.is_absent(self.package) == (self.state == "absent")) if known else "unknown"
        if installed.is_absent(self.package):
            return "unmet"
        version = installed.version(self.package)
        if version is None or self.versions is None:
            return "unknown"
        return _met(self.versions.contains(version, prereleases=True))

    def __str__(self) -> str:
        return f"{self.package} {self.state or self.versions}"


def _met(truth: bool) -> Met:  # noqa: FBT001 - it is what is turned into a word
    return "met" if truth else "unmet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why, where all of `when` holds; nothing in it means always. `tells` is the command that shows whether it is this one.

    A cause with more conditions than another is the more special of the two. One that is `only_known` is left out
    where it is not known whether its conditions hold. `source` and `read` are those of a fact, which takes long to import.
    """

    when: tuple[Condition, ...]
    what: str
    because: str
    fix: tuple[str, ...]
    source: str
    read: str
    tells: str = ""
    only_known: bool = False

    def is_more_special_than(self, other: Cause) -> bool:
        return set(other.when) < set(self.when)

    def judge(self, installed: Installed) -> Met:
        judged = {condition.judge(installed) for condition in self.when}
        return "unmet" if "unmet" in judged else "unknown" if "unknown" in judged else "met"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A family of errors: every text in which `pattern` is found and `unless` is not; both are regular expressions.

    `what` says it where several causes are possible. `folk` is the remedy that people repeat, and when it is wrong.
    `hides` names the families that are its consequences: where it is found, they are not said. `between` are the
    packages that do not go together, where that is what it means. `needs` holds of whoever says it, whatever the cause.
    `same_as` names the findings on a Python that have the same cause, and a remedy for the very machine. One that is
    `vague` is left out where another speaks of the same failure. The first group of `pattern`, if any, is a library's name.
    """

    code: str
    pattern: str
    unless: str
    what: str
    causes: tuple[Cause, ...]
    folk: str = ""
    hides: tuple[str, ...] = ()
    between: tuple[str, ...] = ()
    needs: tuple[Condition, ...] = ()
    same_as: tuple[str, ...] = ()
    vague: bool = False

    def causes_left(self, installed: Installed) -> tuple[Cause, ...]:
        """Those that nothing known speaks against; where some are shown by what is known, the most special of these."""
        judged = [(cause, cause.judge(installed)) for cause in self.causes]
        shown = [cause for cause, met in judged if met == "met" and cause.when]
        if shown:
            most = max(len(cause.when) for cause in shown)
            return tuple(cause for cause in shown if len(cause.when) == most)
        left = [cause for cause, met in judged if met != "unmet" and not cause.only_known]
        return tuple(cause for cause in left if not any(cause.is_more_special_than(other) for other in left))
