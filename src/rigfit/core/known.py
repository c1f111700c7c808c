"""The model that a person means by a name."""

from __future__ import annotations

import difflib

from rigfit.core.fact import KnownModel
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import say


def known(name: str, models: tuple[KnownModel, ...]) -> KnownModel:
    """By any of its names, in any case, or by a part that no other has. Raises ProblemError `unknown_model`."""
    wanted = name.lower()
    exact = [model for model in models if wanted in map(str.lower, model.names)]
    having = exact or [model for model in models if any(wanted in each.lower() for each in model.names)]
    if len(having) != 1:
        raise ProblemError(_unknown(name, having or _near(wanted, models), ambiguous=bool(having)))
    return having[0]


def _near(wanted: str, models: tuple[KnownModel, ...]) -> list[KnownModel]:
    names = {each.lower(): model for model in models for each in model.names}
    close = difflib.get_close_matches(wanted.rpartition("/")[2], names, n=8, cutoff=0.5)
    return list(dict.fromkeys(names[each] for each in close))


def _unknown(name: str, near: list[KnownModel], *, ambiguous: bool) -> Problem:
    names = ", ".join(model.name for model in near)
    if ambiguous:
        what = say("`{name}` could be {count} models: {names}", name=name, count=len(near), names=names)
        return Problem(code="unknown_model", what=what, fix=(say("write more of its name"),))
    shape = "rigfit fits --layers 32 --hidden 4096 --heads 32 --kv-heads 32 --intermediate 11008 --vocab 32000"
    return Problem(
        code="unknown_model",
        what=say("there is no model `{name}` in the catalog", name=name),
        fix=(
            *((say("choose a near one: {names}", names=names),) if near else ()),
            say("give the config.json that was published with it: `{command}`", command="rigfit fits config.json"),
            say("or give its shape: `{command}`", command=shape),
            say("or see which there are: `{command}`", command="rigfit fits"),
        ),
    )
