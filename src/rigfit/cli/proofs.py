"""Proofs as people read them: each check, how it ended, and what may be used now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.text import Text

from rigfit.cli.rows import Shown, shown, table, whole
from rigfit.core.command import at_home
from rigfit.core.event import CHECK_WORDS, Check
from rigfit.core.figures import brief
from rigfit.core.receipt import Receipt, Unproven, Verification
from rigfit.core.size import human
from rigfit.core.words import say
from rigfit.language import said

_STYLES = {"passed": "green", "failed": "bold red", "skipped": "yellow"}


def check_line(done: Check) -> str:
    """For a run that is followed line by line."""
    status = said(CHECK_WORDS[done.status])
    return f"  {done.id:<18} {status}{' ' * (8 - cell_len(status))} {done.seconds:5.1f} s"


def check(done: Check) -> tuple[Text, ...]:
    return (
        Shown(done.id, "bold"),
        shown(CHECK_WORDS[done.status], _STYLES[done.status]),
        shown(brief(done.measured)),
        shown(brief(done.expected)),
        Text(f"{done.seconds:.1f} s"),
    )


def verification(done: Verification, *, verbose: bool) -> RenderableType:
    """Whoever saw each check pass need not read it again: they are told where one did not, or where it is asked for."""
    told = verbose or any(each.status != "passed" for each in done.checks)
    notes = [shown(say("note: {warning}", warning=note), "yellow") for note in done.notes]
    ending = shown(_ending(done), "bold green" if done.passed else "bold red")
    return Group(*((_checks(done), *_reasons(done)) if told else ()), *notes, ending)


def _checks(done: Verification) -> RenderableType:
    headings = (say("check"), say("result"), say("measured"), say("expected"), say("time"))
    checks = table(*headings, kept=("check", "result", "time"))
    for each in done.checks:
        checks.add_row(*check(each))
    return checks


def verifications(every: Iterable[Verification], *, verbose: bool) -> RenderableType:
    """Of several GPUs, one below the other."""
    return Group(*(part for done in every for part in (verification(done, verbose=verbose), Text())))


def _ending(done: Verification) -> str:
    result = proof(done) if done.proves else say("passed") if done.passed else say("NOT proven")
    words = say(
        "{result}: {name} on {device}, level {level}",
        result=result,
        name=done.environment,
        device=done.place,
        level=done.level,
    )
    if done.peak_memory:
        words = say("{words}; at most {peak} of its memory", words=words, peak=human(done.peak_memory))
    return say("{words}, which proves nothing more", words=words) if done.level == "imports" else words


def _reasons(done: Verification) -> list[Text]:
    """One line for each reason why checks did not pass, with all that it kept from passing."""
    checks: dict[str, list[str]] = {}
    for each in done.checks:
        if each.why and each.status != "passed":
            checks.setdefault(each.why, []).append(each.id)
    return [Shown(f"{', '.join(names)}: {said(why)}") for why, names in checks.items()]


def proof(done: Verification) -> str:
    return say("proven") if done.quantization == "int8" else say("proven with 4-bit NF4")


def outcome(result: dict[str, Any], home: str | None, *, verbose: bool) -> RenderableType:
    """What a setup ended with: a receipt and the lines to use it, or an environment that nobody has tried.

    `home` is None where a command finds it by itself.
    """
    if "checks" not in result:
        return unproven(Unproven.from_json(result), home)
    given = Receipt.from_json(result)
    name = given.making.environment
    lines = (f"rigfit run {name} -- python", f'eval "$(rigfit shell-hook {name})"')
    ways = whole(say("use it"), (at_home(line, home) for line in lines))
    return Group(verification(given.verification, verbose=verbose), ways)


def unproven(given: Unproven, home: str | None) -> RenderableType:
    name = given.making.environment
    verify = at_home(f"rigfit verify {name}", home)
    words = say("unproven: {name} was set up and not tried; there is no receipt", name=name)
    way = whole(say("prove it"), (verify, said(say("on the machine that it was made for"))))
    return Group(shown(words, "bold yellow"), way)
