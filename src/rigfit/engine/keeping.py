"""The environments on this machine and what is known of each."""

from __future__ import annotations

import os
from functools import cached_property

from rigfit.core.change import since
from rigfit.core.environment import Environment
from rigfit.core.glance import Glance
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.receipt import Receipt, Unproven
from rigfit.core.words import say
from rigfit.engine.glancing import look_at
from rigfit.engine.settings import Settings
from rigfit.provision.prefix import Prefix, environments_in, sweep
from rigfit.store.receipts import Receipts


class Keeping:
    """Lists, finds and removes environments. A prefix without a record is unfinished."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._home = settings.home
        self.receipts = Receipts(settings.home)

    def prefix(self, name: str) -> Prefix:
        return Prefix(home=self._home.path, name=name)

    def standing(self, name: str) -> Receipt | Unproven | None:
        """The record of an environment that needs no making: proven, or made and not tried."""
        environment = self._look(name)
        return environment.record if environment.standing in ("proven", "unproven") else None

    def all(self) -> tuple[Environment, ...]:
        """Every environment, set up last first."""
        found = [self._look(name) for name in environments_in(self._home.path)]
        return tuple(sorted(found, key=lambda e: e.making.made if e.making else "", reverse=True))

    def _look(self, name: str) -> Environment:
        prefix = str(self._home.prefix(name))
        proof, unproven = self.receipts.proof(name), self.receipts.unproven(name)
        if proof is not None and proof.verification.proves and self._can_start(proof):
            changes = since(proof, self._now)
            return Environment(name=name, prefix=prefix, standing="proven", record=proof, since_proof=changes)
        failure = self.receipts.failure(name)
        if failure is not None and self.prefix(name).is_whole():
            return Environment(name=name, prefix=prefix, standing="failed", record=failure)
        if proof is None and unproven is not None and self._can_start(unproven):
            return Environment(name=name, prefix=prefix, standing="unproven", record=unproven)
        return Environment(name=name, prefix=prefix, standing="unfinished")

    @cached_property
    def _now(self) -> Glance:
        return look_at(self._settings)

    def _can_start(self, record: Receipt | Unproven) -> bool:
        """Whether the environment is whole, in its place, and has a Python."""
        making = record.making
        prefix = self.prefix(making.environment)
        in_place = making.prefix == str(prefix.path) and prefix.is_whole()
        return in_place and os.access(prefix.path / "bin" / "python", os.X_OK)

    def find(self, wanted: str | None) -> Environment:
        """By its name or the unambiguous beginning of it; None is the one that was set up last."""
        known = self.all()
        if wanted is None:
            made = [environment for environment in known if environment.making]
            if made:
                return made[0]
            what = say("no environment has been set up to the end yet")
            raise ProblemError(Problem(code="no_environment", what=what, fix=("rigfit setup",)))
        exact = [environment for environment in known if environment.name == wanted]
        found = exact or [environment for environment in known if wanted and environment.name.startswith(wanted)]
        if len(found) == 1:
            return found[0]
        listed = ", ".join(environment.name for environment in found or known)
        what = (
            say("the names of {count} environments begin with `{name}`", count=len(found), name=wanted)
            if found
            else say("there is no environment `{name}`", name=wanted)
        )
        fix = say("choose one of: {names}", names=listed) if listed else say("`rigfit setup` makes one")
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

    def clear_leftovers(self) -> None:
        """The files of removals that were cut short, whose environments are gone by name already."""
        sweep(self._home.path)


def _short_names(environment: Environment) -> tuple[str, ...]:
    making = environment.making
    return (making.template, f"{making.template}-{making.variant}") if making else ()


def not_usable(environment: Environment) -> Problem:
    """The refusal to use what is not proven."""
    repair, verify = f"rigfit repair {environment.name}", f"rigfit verify {environment.name}"
    if environment.standing == "failed":
        what = say("{name} failed its last verification", name=environment.name)
        return Problem(code="verification_failed", what=what, fix=(verify, repair))
    if environment.standing == "unproven":
        what = say(
            "{name} is unproven: it was set up with `--no-verify`, and nobody has seen it work", name=environment.name
        )
        fix = (say("on the machine that it was made for: `{verify}`", verify=verify),)
        return Problem(code="environment_unproven", what=what, fix=fix)
    what = say(
        "{name} is unfinished: its setup was interrupted, it was never proven, or it is damaged", name=environment.name
    )
    return Problem(code="environment_unfinished", what=what, fix=("rigfit setup", repair))
