"""The environments on this machine and what is known of each."""

from __future__ import annotations

import os

from rigfit.core.environment import Environment
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.receipt import Receipt
from rigfit.engine.settings import Settings
from rigfit.provision.prefix import Prefix, environments_in
from rigfit.store.receipts import Receipts


class Keeping:
    """Lists, finds and removes environments. A prefix without receipt is unfinished."""

    def __init__(self, settings: Settings) -> None:
        self._home = settings.home
        self.receipts = Receipts(settings.home)

    def prefix(self, name: str) -> Prefix:
        return Prefix(home=self._home.path, name=name)

    def proof(self, name: str) -> Receipt | None:
        """The receipt of an environment that is whole, in its place, and able to start."""
        receipt, prefix = self.receipts.proof(name), self.prefix(name)
        if receipt is None or not prefix.is_whole() or not os.access(prefix.path / "bin" / "python", os.X_OK):
            return None
        here = (receipt.environment, receipt.prefix) == (name, str(prefix.path))
        return receipt if here and receipt.verification.passed and receipt.verification.level == "full" else None

    def all(self) -> tuple[Environment, ...]:
        """Every environment, set up last first."""
        found = [self._look(name) for name in environments_in(self._home.path)]
        return tuple(sorted(found, key=lambda e: e.receipt.made if e.receipt else "", reverse=True))

    def _look(self, name: str) -> Environment:
        prefix = str(self._home.prefix(name))
        proof = self.proof(name)
        if proof is not None:
            return Environment(name=name, prefix=prefix, standing="proven", receipt=proof)
        failure = self.receipts.failure(name)
        if failure is not None and self.prefix(name).is_whole():
            return Environment(name=name, prefix=prefix, standing="failed", receipt=failure)
        return Environment(name=name, prefix=prefix, standing="unfinished")

    def find(self, wanted: str | None) -> Environment:
        """By its name or the unambiguous beginning of it; None is the one that was set up last."""
        known = self.all()
        if wanted is None:
            made = [environment for environment in known if environment.receipt]
            if made:
                return made[0]
            what = "no environment has been set up to the end yet"
            raise ProblemError(Problem(code="no_environment", what=what, fix=("rigfit setup",)))
        exact = [environment for environment in known if environment.name == wanted]
        found = exact or [environment for environment in known if wanted and environment.name.startswith(wanted)]
        if len(found) == 1:
            return found[0]
        listed = ", ".join(environment.name for environment in found or known)
        what = (
            f"the names of {len(found)} environments begin with `{wanted}`"
            if found
            else f"there is no environment `{wanted}`"
        )
        fix = f"choose one of: {listed}" if listed else "`rigfit setup` makes one"
        raise ProblemError(Problem(code="unknown_environment", what=what, fix=(fix,)))

    def usable(self, wanted: str | None) -> Environment:
        """To be used: a template's or variant's name is enough for the one of it that was set up last.

        Raises ProblemError for an environment that is not proven.
        """
        called = (each for each in self.all() if each.usable and wanted in (None, *_short_names(each)))
        environment = next(called, None) or self.find(wanted)
        if not environment.usable:
            raise ProblemError(not_usable(environment))
        return environment

    def remove(self, environment: Environment) -> None:
        """Receipt first, then the files: a removal that is cut short leaves nothing that looks usable."""
        prefix = self.prefix(environment.name)
        with prefix.locked():
            self.receipts.forget(environment.name)
            prefix.remove()


def _short_names(environment: Environment) -> tuple[str, ...]:
    receipt = environment.receipt
    return (receipt.template, f"{receipt.template}-{receipt.variant}") if receipt else ()


def not_usable(environment: Environment) -> Problem:
    """The refusal to use what is not proven."""
    repair = f"rigfit repair {environment.name}"
    if environment.standing == "failed":
        what = f"{environment.name} failed its last verification"
        return Problem(code="verification_failed", what=what, fix=(f"rigfit verify {environment.name}", repair))
    what = f"{environment.name} is unfinished: its setup was interrupted, it was never proven, or it is damaged"
    return Problem(code="environment_unfinished", what=what, fix=("rigfit setup", repair))
