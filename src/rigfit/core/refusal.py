"""The refusal where nothing fits: needed, found, why, and what to do instead."""

from __future__ import annotations

from rigfit.core.fact import Facts
from rigfit.core.machine import Driver, DriverFault
from rigfit.core.problem import Problem
from rigfit.core.selection import Candidate, Selection, Wish, judge, select
from rigfit.core.size import human
from rigfit.core.template import Template
from rigfit.core.verdict import merged

_ON_PURPOSE = "or, to leave the GPU unused on purpose: `rigfit setup --variant cpu`"


def why_nothing(selection: Selection, templates: tuple[Template, ...], facts: Facts) -> Problem:
    """The problem with a selection in which nothing is chosen."""
    driver = selection.machine.driver
    if isinstance(driver, DriverFault) and driver.fault != "no_device":
        return Problem(code="driver_fault", what=driver.what, fix=(*driver.fix, _ON_PURPOSE))
    if lacking := _lacking_only_disk(selection):
        return _full_disk(selection, lacking)
    fix = _elsewhere(selection, templates, facts) + _newer_driver(selection) or _last_resort(
        selection, templates, facts
    )
    return Problem(code="nothing_fits", what=_what(selection.wish), fix=fix, detail=_reasons(selection))


def _what(wish: Wish) -> str:
    match wish:
        case Wish(template=None, variant=None):
            return "no template fits this machine"
        case Wish(template=template, variant=None):
            return f"no variant of `{template}` fits this machine"
        case Wish(template=None, variant=variant):
            return f"the variant `{variant}` does not fit this machine"
        case Wish(template=template, variant=variant):
            return f"the variant `{variant}` of `{template}` does not fit this machine"


def _reasons(selection: Selection) -> str:
    """A paragraph for each candidate; where there is a GPU, a CPU build that nobody asked for needs no words."""
    spoken_of = [c for c in selection.candidates if not (c.variant.is_cpu and _has_gpu(selection))]
    return "\n".join(_paragraph(candidate) for candidate in spoken_of or selection.candidates)


def _has_gpu(selection: Selection) -> bool:
    return isinstance(selection.machine.driver, Driver)


def _paragraph(candidate: Candidate) -> str:
    name = f"{candidate.variant.template}/{candidate.variant.name}"
    lines = [verdict.words for verdict in merged(candidate.against)]
    return "\n".join([name, *(f"  {line}" for line in lines)])


def _lacking_only_disk(selection: Selection) -> list[Candidate]:
    """The candidates that would fit but for a disk that is known to be too full."""
    lacking = {("disk", "unmet")}
    return [c for c in selection.candidates if {(v.requirement, v.status) for v in c.against} == lacking]


def _full_disk(selection: Selection, lacking: list[Candidate]) -> Problem:
    least = min(candidate.variant.disk for candidate in lacking)
    free = selection.machine.disk_free or 0
    return Problem(
        code="disk_full",
        what=f"too little free disk space where environments are kept: needs {human(least)}, found {human(free)}",
        fix=(f"free {human(least - free)}", "or keep them elsewhere with `--home DIR`"),
        detail=_reasons(selection),
    )


def _elsewhere(selection: Selection, templates: tuple[Template, ...], facts: Facts) -> tuple[str, ...]:
    """What would work on this machine as it is: something else of the catalog, or another of its GPUs."""
    found = []
    wish = Wish(gpu=selection.wish.gpu, standing=selection.wish.standing)
    anything = select(selection.machine, templates, facts, wish).chosen
    if anything is not None:
        found.append(f"`rigfit setup {anything.variant.template}`, which fits ({anything.variant.name})")
    elif selection.wish.gpu not in (None, "all"):
        other = select(selection.machine, templates, facts, Wish()).chosen
        if other is not None:
            index = other.covers[0]
            found.append(f"`rigfit setup --gpu {index}`: GPU {index} of this machine works with {other.variant.name}")
    return tuple(found)


def _newer_driver(selection: Selection) -> tuple[str, ...]:
    """Where only the driver stands against a candidate: the lowest minimum."""
    if not isinstance(selection.machine.driver, Driver):
        return ()
    only = [
        c for c in selection.candidates if not c.variant.is_cpu and {v.requirement for v in c.against} == {"driver"}
    ]
    needed = [verdict.needed for candidate in only for verdict in candidate.against]
    return (f"install a newer NVIDIA driver: {needed[-1]}",) if needed else ()


def _last_resort(selection: Selection, templates: tuple[Template, ...], facts: Facts) -> tuple[str, ...]:
    """The CPU on purpose, where that works."""
    machine = selection.machine
    builds = (variant for template in templates for variant in template.variants if variant.is_cpu)
    if any(judge(machine, (), variant, facts, Wish(variant=variant.name)).fits for variant in builds):
        return ("nothing in the catalog works on this GPU; without it, on purpose: `rigfit setup --variant cpu`",)
    return ("nothing in the catalog works on this machine",)
