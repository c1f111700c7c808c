"""The journey in one line: where one is, what is behind and what comes."""

from __future__ import annotations

from textual.content import Content

from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.widgets.sheet import Sheet
from rigfit_installer.words import BUSY, MUTED

STAGES = {
    "machine": say("Machine"),
    "choose": say("Choose"),
    "plan": say("Plan"),
    "run": say("Run"),
    "result": say("Result"),
}
BESIDE = {"environments": say("Environments"), "doctor": say("Doctor")}


class Trail(Sheet):
    def __init__(self, here: str) -> None:
        super().__init__(trail(here))


def trail(here: str) -> Content:
    """`here` is marked by a sign and its weight, not by colour alone.

    What lies behind has no ✓: a run may have failed, and one that began among the environments had no plan.
    """
    parts: list[Content] = [Content.styled("rigfit", "bold")]
    if here in BESIDE:
        return Content("   ").join([*parts, Content.styled(f"● {said(BESIDE[here])}", BUSY)])
    names = list(STAGES)
    for number, name in enumerate(names):
        if number == names.index(here):
            parts.append(Content.styled(f"● {said(STAGES[name])}", BUSY))
        else:
            behind = number < names.index(here)
            parts.append(Content.styled(f"{'·' if behind else '○'} {said(STAGES[name])}", MUTED))
    return Content("   ").join(parts)
