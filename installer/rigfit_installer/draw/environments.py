"""The environments at a glance, and one of them in full."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.content import Content

from rigfit.core.environment import Environment
from rigfit.core.size import human
from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.draw.machine import label
from rigfit_installer.draw.receipt import age, making_rows, receipt_rows
from rigfit_installer.widgets.columns import Row
from rigfit_installer.words import DOUBT, LEAVING, MUTED, PROVEN_BEFORE, STANDINGS, STRONG, Mark, shown

if TYPE_CHECKING:
    from rigfit.engine.weighing import Weight


def environment_row(each: Environment, weight: Weight | None, *, leaving: bool = False) -> Row:
    """Standing, name, how long ago it was proven or made, what it takes."""
    since = each.receipt.proven if each.receipt else each.making.made if each.making else ""
    ago = said(say("{time} ago", time=age(since))) if since else "-"
    size = human(weight.total) if weight else "..."
    return (
        (LEAVING if leaving else _standing(each)).whole,
        Content.styled(each.name, STRONG),
        Content.styled(ago, MUTED),
        Content.styled(size, MUTED),
    )


def environment_rows(each: Environment, weight: Weight | None) -> Iterator[Row]:
    yield label(say("standing")), _standing(each).whole
    yield from ((Content(""), shown(change.words, DOUBT)) for change in each.since_proof or ())
    if each.receipt:
        done = each.receipt.verification
        yield (
            label(say("tried on")),
            Content(said(say("{device}, level {level}", device=done.place, level=done.level))),
        )
        yield from receipt_rows(each.receipt)
    elif each.making:
        yield from making_rows(each.making)
    else:
        yield label(say("where")), Content(each.prefix)
        yield label(say("receipt")), shown(say("none: its setup was interrupted, or it is damaged"))
    if weight:
        yield label(say("size")), Content(human(weight.total))
        yield label(say("removal")), Content(said(freed(weight)))


def _standing(each: Environment) -> Mark:
    return PROVEN_BEFORE if each.since_proof else STANDINGS[each.standing]


def freed(weight: Weight) -> str:
    """What a removal gives back."""
    if weight.freed >= weight.total:
        return say("frees {freed}", freed=human(weight.freed))
    shared = human(weight.total - weight.freed)
    return say("frees {freed}; {shared} stay in the cache, which shares them", freed=human(weight.freed), shared=shared)
