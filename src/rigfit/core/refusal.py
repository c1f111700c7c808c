"""The refusal where nothing fits: the whole chain in a paragraph, every reason, and what would work."""

from __future__ import annotations

from collections.abc import Iterator

from rigfit.core.advice import Advice
from rigfit.core.fact import Facts
from rigfit.core.machine import Driver, DriverFault, Machine
from rigfit.core.problem import Problem
from rigfit.core.requirements.quantization import CpuQuantization
from rigfit.core.selection import Candidate, Selection, Wish
from rigfit.core.size import human
from rigfit.core.template import Template
from rigfit.core.verdict import merged
from rigfit.core.words import joined, say, sentence

_ON_PURPOSE = say("or, to leave the GPU unused on purpose: `rigfit setup --variant cpu`")


def why_nothing(selection: Selection, templates: tuple[Template, ...], facts: Facts) -> Problem:
    """The problem with a selection in which nothing is chosen."""
    advice = Advice(selection, templates, facts)
    driver, first = selection.machine.driver, selection.candidates[0]
    wants_cpu = all(candidate.variant.is_cpu for candidate in selection.candidates)
    if isinstance(driver, DriverFault) and driver.fault != "no_device" and not wants_cpu:
        on_purpose = (_ON_PURPOSE,) if advice.on_the_cpu() else ()
        return Problem(code="driver_fault", what=driver.what, fix=(*driver.fix, *on_purpose))
    if first.lacks_only_disk:
        return _full_disk(selection)
    spoken_of = _spoken_of(selection)
    story = _story(spoken_of[0], selection, facts)
    return Problem(
        code="nothing_fits",
        what=_what(selection.wish),
        fix=advice.instead_of_a_refusal(),
        detail=joined("\n", [story, *_reasons(spoken_of)]),
        source=next((verdict.source for verdict in spoken_of[0].against if verdict.source), ""),
    )


def nearest(selection: Selection) -> Candidate:
    """The candidate that lacks the least: of GPU builds where there is a GPU, else of CPU builds."""
    return _spoken_of(selection)[0]


def _what(wish: Wish) -> str:
    match wish:
        case Wish(template=None, variant=None):
            return say("no template fits this machine")
        case Wish(template=template, variant=None):
            return say("no variant of `{template}` fits this machine", template=template)
        case Wish(template=None, variant=variant):
            return say("the variant `{variant}` does not fit this machine", variant=variant)
        case Wish(template=template, variant=variant):
            return say(
                "the variant `{variant}` of `{template}` does not fit this machine", variant=variant, template=template
            )


def _spoken_of(selection: Selection) -> list[Candidate]:
    """Those worth words, the nearest first: GPU builds where there is a GPU, else CPU builds; where no template was named, one of each."""
    has_gpu = _has_gpu(selection.machine)
    of_its_kind = [c for c in selection.candidates if c.variant.is_cpu != has_gpu]
    wanted = of_its_kind or list(selection.candidates)
    nearest: dict[str, Candidate] = {}
    for candidate in wanted:
        nearest.setdefault(candidate.variant.template, candidate)
    return list(nearest.values()) if selection.wish.template is None else wanted


def _has_gpu(machine: Machine) -> bool:
    return isinstance(machine.driver, Driver)


def _story(nearest: Candidate, selection: Selection, facts: Facts) -> str:
    """The chain in one paragraph: what there is, what the nearest variant needs, and why that cannot be met."""
    if not _has_gpu(selection.machine) and not nearest.variant.is_cpu:
        return joined(" ", [say("This machine has no NVIDIA GPU."), *_why_not_on_a_cpu(nearest, facts)])
    first, *more = merged(nearest.decisive)
    reasons = [verdict.why for verdict in more if verdict.requirement != first.requirement]
    also = [sentence(why) for why in dict.fromkeys(reasons) if why != first.why]
    told = say(
        "`{template}` ({variant}) needs {needed}. Here is {found}, and {why}.",
        template=nearest.variant.template,
        variant=nearest.variant.name,
        needed=first.needed,
        found=first.found,
        why=first.why,
    )
    held = [_held(nearest)] if first.requirement == "quantization" else []
    return joined(" ", [told, *held, *also])


def _held(candidate: Candidate) -> str:
    versions = candidate.stack.versions
    names = ("bitsandbytes", "peft", "transformers")
    locked = ", ".join(f"{name} {versions[name]}" for name in names if name in versions)
    return say("`{template}` holds {locked}.", template=candidate.variant.template, locked=locked)


def _why_not_on_a_cpu(candidate: Candidate, facts: Facts) -> Iterator[str]:
    name, versions = candidate.variant.template, candidate.stack.versions
    yield say("`{template}` has builds for GPUs alone.", template=name)
    wanting = CpuQuantization(stack=candidate.stack, facts=facts).chain
    if wanting:
        yield say(
            "8-bit on a CPU needs {needed}, and `{template}` is there for bitsandbytes {version}.",
            needed=wanting,
            template=name,
            version=versions["bitsandbytes"],
        )


def _reasons(candidates: list[Candidate]) -> Iterator[str]:
    """Every verdict against each; those with the same reasons together."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for candidate in candidates:
        lines = tuple(verdict.words for verdict in merged(candidate.against))
        alike.setdefault(lines, []).append(f"{candidate.variant.template}/{candidate.variant.name}")
    for lines, names in alike.items():
        yield joined("\n  ", [", ".join(names), *lines])


def _full_disk(selection: Selection) -> Problem:
    """By the numbers of the best candidate; a smaller one is offered by its name, never taken in its place."""
    best = selection.candidates[0]
    free = selection.machine.disk_free or 0
    fitting = [candidate.variant for candidate in selection.candidates if candidate.fits]
    smaller = [
        say("or take what fits as it is: `{setup}`", setup=f"rigfit setup {variant.template} --variant {variant.name}")
        for variant in fitting[:1]
    ]
    missing = human(best.stack.disk - free)
    return Problem(
        code="disk_full",
        what=say(
            "too little free disk space where environments are kept: needs {needed}, found {found}",
            needed=human(best.stack.disk),
            found=human(free),
        ),
        fix=(say("free {size}", size=missing), say("or keep them elsewhere with `--home DIR`"), *smaller),
        detail=joined("\n", _reasons([best])),
    )
