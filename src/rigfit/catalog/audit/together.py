"""Locked versions of which a fact says that they cannot work together; no resolver sees such a bound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from packaging.version import Version

from rigfit.catalog.place import Place
from rigfit.core.fact import Bound, Facts
from rigfit.core.problem import Problem
from rigfit.core.template import Stack, Variant
from rigfit.core.words import say

_FAILS = {
    "import": say("to be imported"),
    "use": say("to work with it"),
    "check": say("for its own check of versions"),
    "int8": say("to train on 8-bit layers"),
    "seq2seq": say("for LoRA of encoder-decoder models"),
}
_ANY = Version("0")  # at least this: it must be there, whichever version


def contradictions(variant: Variant, facts: Facts) -> Iterator[Problem]:
    for stack in variant.stacks:
        for bound in facts.bounds:
            matters = bound.to not in ("int8", "seq2seq") or "int8" in variant.accepts
            if matters and _broken(bound, stack):
                yield _contradiction(bound, stack, variant)


def _versions(stack: Stack) -> dict[str, str]:
    return {**stack.versions, "python": stack.python}


def _broken(bound: Bound, stack: Stack) -> bool:
    """What is not locked at all breaks only what must import it."""
    versions = {name: Version(Version(text).public) for name, text in _versions(stack).items()}
    there = versions.get(bound.needs)
    if not bound.concerns(versions):
        return False
    return bound.to == "import" if there is None else not bound.allows(there)


def _contradiction(bound: Bound, stack: Stack, variant: Variant) -> Problem:
    versions = _versions(stack)
    package = f"{bound.package} {versions[bound.package]}"
    low = f">={bound.at_least}" if bound.at_least and bound.at_least > _ANY else ""
    high = f"<{bound.below}" if bound.below else ""
    needed = f"{bound.needs} {','.join(filter(None, (low, high)))}".strip()
    found = f"{bound.needs} {versions[bound.needs]}" if bound.needs in versions else say("none")
    place = Place(file=Path(variant.lock_path), key=f"{stack.platform} wheel {bound.needs}")
    problem = place.wrong(
        needed=say(
            "{needed}, which {package} needs {purpose}", needed=needed, package=package, purpose=_FAILS[bound.to]
        ),
        found=say("{found}: {reason} ({source})", found=found, reason=bound.why, source=bound.source),
        code="lock_invalid",
        fix=(
            say(
                "write `{needed}` in environment.yml, then `rigfit lock {template}`",
                needed=needed,
                template=variant.template,
            ),
            *(
                [say("or `{package} >={free}`, which has no such bound", package=bound.package, free=bound.free)]
                if bound.free
                else []
            ),
        ),
    ).problem
    return replace(problem, source=bound.source)
