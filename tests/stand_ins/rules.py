"""An error text, and rules written for one test, which know it or do not."""

from __future__ import annotations

from packaging.specifiers import SpecifierSet

from rigfit.core.rule import Cause, Condition, Rule
from rigfit.core.words import say
from rigfit.doctor.errors.classify import findings

MESSAGE = "ImportError: cannot import name 'Cache' from 'transformers' (/env/lib/python3.11/site-packages/transformers/__init__.py)"
TRACE = f"""\
Traceback (most recent call last):
  File "train.py", line 1, in <module>
    import peft
  File "/env/lib/python3.11/site-packages/peft/peft_model.py", line 37, in <module>
    from transformers import Cache, DynamicCache, EncoderDecoderCache, PreTrainedModel
{MESSAGE}
"""


def condition(text: str) -> Condition:
    name, rest = text.split(" ", 1)
    if rest in ("absent", "present", "cpu", "cuda"):
        return Condition(package=name, state=rest)  # type: ignore[arg-type]
    return Condition(package=name, versions=SpecifierSet(rest))


def cause(what: str, *when: str, tells: str = "", only_known: bool = False) -> Cause:
    return Cause(
        when=tuple(map(condition, when)),
        what=what,
        because=f"since {what}",
        fix=(f"python -m pip install {what}", say("or wait")),
        tells=tells,
        only_known=only_known,
        source="measured with care",
        read="2026-11-22",
    )


def rule(code: str, pattern: str, *causes: Cause, unless: str = "", hides: tuple[str, ...] = ()) -> Rule:
    return Rule(
        code=code, pattern=pattern, unless=unless, hides=hides, what=code, causes=causes or (cause(f"{code}'s"),)
    )


CACHE = rule("no_cache", r"cannot import name 'Cache' from 'transformers'")


def codes(text: str, *rules: Rule) -> list[str]:
    return [finding.code for finding in findings(text, rules)]
