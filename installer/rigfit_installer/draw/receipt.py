"""What was proven, and the lines to use it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

from textual.content import Content

from rigfit.core.command import at_home
from rigfit.core.receipt import Making, Receipt, Verification
from rigfit.core.template import in_brief
from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.draw.machine import label
from rigfit_installer.widgets.columns import Row
from rigfit_installer.words import BAD, DOUBT, GOOD, MUTED


def headline(done: Verification) -> Content:
    where = said(say("on {device}, level {level}", device=done.place, level=done.level))
    if done.proves:
        return Content.assemble(
            ("✓ ", GOOD), (said(say("Proven: {name}", name=done.environment)), GOOD), (f"  {where}", MUTED)
        )
    if done.passed:
        text = say("Passed, but not proven: {name}", name=done.environment)
        return Content.assemble(("! ", DOUBT), (said(text), DOUBT), (f"  {where}", MUTED))
    return Content.assemble(
        ("✗ ", BAD), (said(say("NOT proven: {name}", name=done.environment)), BAD), (f"  {where}", MUTED)
    )


def receipt_rows(receipt: Receipt) -> Iterator[Row]:
    versions, making = receipt.verification.versions, receipt.making
    yield label(say("libraries")), Content(in_brief(versions))
    yield from making_rows(making)
    yield label(say("proven")), Content(f"{receipt.proven}  rigfit {making.rigfit}")


def making_rows(making: Making) -> Iterator[Row]:
    yield label(say("where")), Content(making.prefix)
    yield label(say("base")), Content(f"{making.base} {making.base_python}".strip())
    if making.gpu:
        yield label(say("GPU")), Content(making.gpu)
    yield label(say("lock")), Content(f"sha256 {making.lock_sha256[:16]}...")


def uses(making: Making, home: str | None) -> tuple[tuple[str, str], ...]:
    """What for, and the line; `home` is None where a command finds it by itself."""
    name = making.environment
    lines = (
        (say("one command"), f"rigfit run {name} -- python"),
        (say("this shell"), f'eval "$(rigfit shell-hook {name})"'),
        (say("VS Code interpreter"), f"{making.prefix}/bin/python"),
        (say("Jupyter, once"), f"rigfit run {name} -- python -m pip install ipykernel"),
        (say("Jupyter kernel"), f"rigfit run {name} -- python -m ipykernel install --user --name {name}"),
    )
    return tuple((what_for, at_home(line, home)) for what_for, line in lines)


def age(since: str, now: datetime | None = None) -> str:
    """`5 min`, `3 h`, `12 d`; as it is written where it is no time."""
    try:
        passed = ((now or datetime.now(timezone.utc)) - datetime.fromisoformat(since)).total_seconds()
    except (TypeError, ValueError):
        return since
    if passed < 3600:
        return say("{count:.0f} min", count=max(passed, 0) // 60)
    if passed < 48 * 3600:
        return say("{count:.0f} h", count=passed // 3600)
    return say("{count:.0f} d", count=passed // 86400)
