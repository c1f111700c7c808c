"""The refusal where nothing fits: the whole chain in a paragraph, every reason, and what would work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rigfit.core.fact import Facts
from rigfit.core.machine import Driver, DriverFault, Machine
from rigfit.core.problem import Problem
from rigfit.core.requirements.driver import last_branch, minimum
from rigfit.core.requirements.quantization import CpuQuantization
from rigfit.core.selection import Candidate, Selection, Wish, select
from rigfit.core.size import human
from rigfit.core.template import Template
from rigfit.core.verdict import merged
from rigfit.core.version import Version

_ON_PURPOSE = "or, to leave the GPU unused on purpose: `rigfit setup --variant cpu`"


def why_nothing(selection: Selection, templates: tuple[Template, ...], facts: Facts) -> Problem:
    """The problem with a selection in which nothing is chosen."""
    driver = selection.machine.driver
    if isinstance(driver, DriverFault) and driver.fault != "no_device":
        return Problem(code="driver_fault", what=driver.what, fix=(*driver.fix, _ON_PURPOSE))
    if lacking := _lacking_only_disk(selection):
        return _full_disk(selection, lacking)
    advice = _Advice(selection, templates, facts)
    spoken_of = _spoken_of(selection)
    story = _story(spoken_of[0], selection, facts)
    return Problem(
        code="nothing_fits",
        what=_what(selection.wish),
        fix=advice.steps(),
        detail="\n".join([story, *map(_reasons, spoken_of)]),
        source=next((verdict.source for verdict in spoken_of[0].against if verdict.source), ""),
    )


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
    name = f"`{nearest.variant.template}` ({nearest.variant.name})"
    if not _has_gpu(selection.machine) and not nearest.variant.is_cpu:
        return " ".join(["This machine has no NVIDIA GPU.", *_why_not_on_a_cpu(nearest, facts)])
    first, *more = merged(nearest.against)
    also = [_sentence(verdict.why) for verdict in more if verdict.requirement != first.requirement]
    said = f"{name} needs {first.needed}. Here is {first.found}, and {first.why}."
    held = [_held(nearest)] if first.requirement == "quantization" else []
    return " ".join([said, *held, *also])


def _held(candidate: Candidate) -> str:
    versions = candidate.stack.versions
    names = ("bitsandbytes", "peft", "transformers")
    locked = [f"{name} {versions[name]}" for name in names if name in versions]
    return f"`{candidate.variant.template}` holds {', '.join(locked)}."


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _why_not_on_a_cpu(candidate: Candidate, facts: Facts) -> Iterator[str]:
    name, versions = candidate.variant.template, candidate.stack.versions
    yield f"`{name}` has builds for GPUs alone."
    wanting = CpuQuantization(stack=candidate.stack, facts=facts).chain
    if wanting:
        yield f"8-bit on a CPU needs {wanting}, and `{name}` is there for bitsandbytes {versions['bitsandbytes']}."


def _reasons(candidate: Candidate) -> str:
    name = f"{candidate.variant.template}/{candidate.variant.name}"
    lines = [verdict.words for verdict in merged(candidate.against)]
    return "\n".join([name, *(f"  {line}" for line in lines)])


def _lacking_only_disk(selection: Selection) -> list[Candidate]:
    """The candidates that would fit but for a disk that is known to be too full."""
    lacking = {("disk", "unmet")}
    return [c for c in selection.candidates if {(v.requirement, v.status) for v in c.decisive} == lacking]


def _full_disk(selection: Selection, lacking: list[Candidate]) -> Problem:
    least = min(candidate.stack.disk for candidate in lacking)
    free = selection.machine.disk_free or 0
    return Problem(
        code="disk_full",
        what=f"too little free disk space where environments are kept: needs {human(least)}, found {human(free)}",
        fix=(f"free {human(least - free)}", "or keep them elsewhere with `--home DIR`"),
        detail="\n".join(map(_reasons, lacking)),
    )


class _Advice:
    """What would work, the nearest first."""

    def __init__(self, selection: Selection, templates: tuple[Template, ...], facts: Facts) -> None:
        self._selection = selection
        self._templates = templates
        self._facts = facts

    def steps(self) -> tuple[str, ...]:
        found = (*self._other_gpu(), *self._newer_driver(), *self._other_template())
        return found or self._last_resort()

    def _select(self, wish: Wish) -> Selection:
        standing = self._selection.wish.standing
        return select(self._selection.machine, self._templates, self._facts, replace(wish, standing=standing))

    def _other_template(self) -> Iterator[str]:
        chosen = self._select(Wish(gpu=self._selection.wish.gpu)).chosen
        if chosen is not None:
            yield f"`rigfit setup {chosen.variant.template}`, which fits ({chosen.variant.name})"

    def _other_gpu(self) -> Iterator[str]:
        """Where a GPU was named, another one of this machine on which what was asked for works."""
        wish = self._selection.wish
        if wish.gpu in (None, "all"):
            return
        others = self._select(replace(wish, gpu=None))
        ground = others.proving_ground
        if others.chosen is not None and ground is not None:
            setup = " ".join(filter(None, ("rigfit setup", wish.template)))
            works = f"{ground.label} works with {others.chosen.variant.name}"
            yield f"`{setup} --gpu {ground.index}`: GPU {ground.index} of this machine, {works}"

    def _newer_driver(self) -> Iterator[str]:
        """Where a driver that exists for these GPUs would be enough: the lowest that is."""
        driver = self._selection.machine.driver
        if not isinstance(driver, Driver):
            return
        wanting = [c for c in self._selection.candidates if not c.variant.is_cpu and c.covers]
        only = [c for c in wanting if {v.requirement for v in c.decisive} == {"driver"}]
        least = min(filter(None, map(self._minimum, only)), default=None)
        if least is not None:
            kind = "Windows NVIDIA driver" if self._selection.machine.platform.wsl else "NVIDIA driver"
            yield f"install a newer {kind}: {least} or later, instead of {driver.version}"

    def _minimum(self, candidate: Candidate) -> Version | None:
        """The driver that it needs; None if its GPUs never get one."""
        fact = next((row for row in self._facts.drivers if row.cuda == candidate.variant.cuda), None)
        covered = [gpu for gpu in self._selection.gpus if gpu.index in candidate.covers]
        if fact is None:
            return None
        least = minimum(self._selection.machine, fact)
        ends = [branch for gpu in covered if (branch := last_branch(gpu, self._facts)) is not None]
        return least if all(branch >= least.parts[0] for branch in ends) else None

    def _last_resort(self) -> tuple[str, ...]:
        """The CPU on purpose, where that works."""
        builds = (variant for template in self._templates for variant in template.variants if variant.is_cpu)
        if any(self._select(Wish(template=v.template, variant=v.name)).chosen for v in builds):
            return ("nothing in the catalog works on this GPU; without it, on purpose: `rigfit setup --variant cpu`",)
        return ("nothing in the catalog works on this machine",)
