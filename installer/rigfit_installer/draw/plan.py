"""What a setup would do, as rows: steps, bytes, places, and where the interpreter comes from."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content

from rigfit.core.plan import Plan
from rigfit.core.size import human
from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.draw.machine import label
from rigfit_installer.widgets.columns import Row
from rigfit_installer.words import MUTED, STRONG, shown


def plan_rows(plan: Plan) -> Iterator[Row]:
    yield label(say("environment")), Content.styled(plan.environment, STRONG)
    yield label(say("where to")), Content(plan.target.prefix)
    yield label(say("to be proven on")), Content(_device(plan))
    yield label(say("base")), _base(plan)
    yield from ((label(say("from folder")), Content(path)) for path in sorted(plan.survey.local_files.values()))
    yield label(say("to fetch")), _fetch(plan)
    yield label(say("on disk")), Content(_at_most(plan.disk) if plan.disk else said(say("nothing new")))


def step_rows(plan: Plan) -> Iterator[Row]:
    """Under heads; a step that neither fetches nor writes has the whole width."""
    yield Content(""), shown(say("Steps"), STRONG), label(say("to fetch")), label(say("on disk"))
    for number, step in enumerate(plan.steps, start=1):
        name = Content.styled(f"{number}", "bold $text-primary")
        if step.fetch or step.disk:
            yield name, shown(step.title), _amount(step.fetch), _amount(step.disk)
        else:
            yield (Content.assemble(name, "  ", said(step.title)),)


def _device(plan: Plan) -> str:
    target = plan.target
    gpu = next((gpu for gpu in target.machine.gpus if target.gpu and gpu.uuid == target.gpu), None)
    way = said(say("in 4 bits (NF4)")) if target.quantization == "nf4" else said(say("in 8 bits"))
    place = f"GPU {gpu.index}, {gpu.label}" if gpu else target.gpu or target.device
    return f"{place}, {way}"


def _base(plan: Plan) -> Content:
    kinds = {"conda": say("Python from conda-forge"), "local": say("a Python of this machine")}
    why = f"  {said(say('because {reason}', reason=plan.base.why))}" if plan.base.why else ""
    return Content.assemble(said(kinds[plan.base.kind]), f" {plan.base.version}", (why, MUTED))


def _fetch(plan: Plan) -> Content:
    if plan.survey.stands:
        return shown(say("nothing: it stands already and is only proven again"))
    if not plan.fetch:
        return shown(say("nothing: caches and folders hold it"))
    return Content(_at_most(plan.fetch))


def _at_most(size: int) -> str:
    return said(say("at most {size}", size=human(size)))


def _amount(size: int) -> Content:
    return Content.styled(human(size) if size else "-", MUTED)
