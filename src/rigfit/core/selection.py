"""Which variant fits this machine: a pure judgement that keeps every verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from rigfit.core.fact import Facts
from rigfit.core.machine import Gpu, Machine
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.requirements import Requirement, platform_name, requirements_of
from rigfit.core.template import Quantization, Stack, Template, Variant
from rigfit.core.verdict import Verdict
from rigfit.core.version import Capability
from rigfit.core.words import say


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the person asked for; None leaves it to rigfit. `gpu` is an index, a UUID or `all`.

    `standing` are the environments that are there already, which need no new room on the disk.
    """

    template: str | None = None
    variant: str | None = None
    gpu: str | None = None
    standing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A variant with every verdict on it, as the `stack` that it is on this machine.

    `covers` are the selected GPUs on which it works, `left_out` those on which it does not.
    """

    variant: Variant
    stack: Stack
    verdicts: tuple[Verdict, ...]
    covers: tuple[int, ...]
    left_out: tuple[int, ...]

    @property
    def fits(self) -> bool:
        general = all(verdict.status == "met" for verdict in self.verdicts if verdict.gpu is None)
        return general and (self.variant.is_cpu or bool(self.covers))

    @property
    def against(self) -> tuple[Verdict, ...]:
        """The verdicts that stand against it."""
        return tuple(verdict for verdict in self.verdicts if verdict.status != "met")

    @property
    def decisive(self) -> tuple[Verdict, ...]:
        """Those that keep it from fitting: none on a GPU that would only be left out."""
        return tuple(verdict for verdict in self.against if verdict.gpu is None or not self.covers)

    @property
    def lacks_only_disk(self) -> bool:
        """Whether it would fit but for a disk that is known to be too full."""
        return {(v.requirement, v.status) for v in self.decisive} == {("disk", "unmet")}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to know although it fits."""
        speaking = (v for v in self.verdicts if v.status == "met" and v.gpu in (None, *self.covers))
        return tuple(dict.fromkeys(verdict.warning for verdict in speaking if verdict.warning))

    @property
    def name(self) -> str:
        return f"{self.variant.template}/{self.variant.name}"

    @property
    def remark(self) -> str:
        """What to expect of it, however well it fits."""
        slow = say("training on a CPU is slow: enough to try things out with a small model, and for little more")
        return slow if self.variant.is_cpu else ""

    @property
    def compiles(self) -> bool:
        """Whether a driver must compile its code for one of the GPUs."""
        return any(v.requirement == "gpu_code" and v.warning and v.gpu in self.covers for v in self.verdicts)

    def quantization(self, gpu: int | None) -> Quantization:
        """The way to quantize that works on a GPU that it covers, or on the CPU where `gpu` is None."""
        found = (v.quantization for v in self.verdicts if v.quantization and v.gpu == gpu)
        return next(found, self.variant.accepts[0])

    def to_json(self) -> dict[str, Any]:
        return {
            "template": self.variant.template,
            "variant": self.variant.name,
            "fits": self.fits,
            "warnings": list(self.warnings) if self.fits else [],
            "verdicts": [verdict.to_json() for verdict in self.verdicts],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Every candidate, best first; the first that fits is the chosen one. `gpus` are those that were selected.

    `advice` (see advice.py) names what would do better on the same machine.
    """

    machine: Machine
    wish: Wish
    gpus: tuple[Gpu, ...]
    candidates: tuple[Candidate, ...]
    advice: tuple[str, ...] = ()

    @property
    def chosen(self) -> Candidate | None:
        """None also where the best lacks nothing but space on the disk: nobody gets another stack for that."""
        best = self.candidates[0] if self.candidates else None
        return best if best is not None and best.fits else None

    @property
    def next_best(self) -> Candidate | None:
        """The fitting candidate after the chosen one."""
        fitting = [candidate for candidate in self.candidates if candidate.fits]
        return fitting[1] if len(fitting) > 1 else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to know of the choice."""
        chosen = self.chosen
        if chosen is None:
            return ()
        left = [gpu for gpu in self.gpus if gpu.index in chosen.left_out]
        return (*(_left_out(gpu, chosen) for gpu in left), *chosen.warnings, *self.advice)

    @property
    def proving_ground(self) -> Gpu | None:
        """The GPU on which the choice is to be proven: of those in 8 bits the most capable; None for a CPU build."""
        chosen = self.chosen
        covered = [gpu for gpu in self.gpus if chosen and gpu.index in chosen.covers]
        return max(covered, key=lambda gpu: _promise(chosen, gpu), default=None)

    def to_json(self) -> dict[str, Any]:
        chosen, ground = self.chosen, self.proving_ground
        return {
            "chosen": {"template": chosen.variant.template, "variant": chosen.variant.name} if chosen else None,
            "quantization": chosen.quantization(ground.index if ground else None) if chosen else None,
            "covers": list(chosen.covers) if chosen else [],
            "left_out": list(chosen.left_out) if chosen else [gpu.index for gpu in self.machine.gpus],
            "warnings": list(self.warnings),
            "candidates": [candidate.to_json() for candidate in self.candidates],
        }


def _left_out(gpu: Gpu, chosen: Candidate) -> str:
    reason = next(verdict for verdict in chosen.against if verdict.gpu == gpu.index)
    return say(
        "GPU {index} ({gpu}) is left out of {variant}: {why}; `--gpu` decides",
        index=gpu.index,
        gpu=gpu.label,
        variant=f"{chosen.variant.template}/{chosen.variant.name}",
        why=reason.why,
    )


def _promise(candidate: Candidate | None, gpu: Gpu) -> tuple[bool, Capability, int, int]:
    in_8_bits = candidate is not None and candidate.quantization(gpu.index) == "int8"
    return in_8_bits, gpu.compute_capability or Capability(0, 0), gpu.memory_for_one or 0, -gpu.index


def select(machine: Machine, templates: tuple[Template, ...], facts: Facts, wish: Wish) -> Selection:
    """Judge every variant of the wished templates. Raises ProblemError for a template, variant or GPU not there."""
    gpus = selected_gpus(machine, wish.gpu)
    judged = [judge(machine, gpus, variant, facts, wish) for variant in _wanted(templates, wish)]
    ranks = {template.name: -place for place, template in enumerate(templates)}
    platform = platform_name(machine)
    best_first = sorted(
        judged, key=lambda each: _merit(each, gpus, ranks[each.variant.template], platform), reverse=True
    )
    return Selection(machine=machine, wish=wish, gpus=gpus, candidates=tuple(best_first))


def judge(machine: Machine, gpus: tuple[Gpu, ...], variant: Variant, facts: Facts, wish: Wish) -> Candidate:
    """Every verdict on `variant`; a GPU with a verdict against it is left out."""
    asked, there = wish.variant is not None, variant.environment in wish.standing
    stack = variant.stack(platform_name(machine))
    requirements = requirements_of(variant, stack, facts, asked=asked, there=there)
    verdicts = tuple(_verdicts(requirements, machine, gpus))
    lost = {verdict.gpu for verdict in verdicts if verdict.gpu is not None and verdict.status != "met"}
    used = () if variant.is_cpu else gpus
    return Candidate(
        variant=variant,
        stack=stack,
        verdicts=verdicts,
        covers=tuple(gpu.index for gpu in used if gpu.index not in lost),
        left_out=tuple(gpu.index for gpu in used if gpu.index in lost),
    )


def _verdicts(requirements: tuple[Requirement, ...], machine: Machine, gpus: tuple[Gpu, ...]) -> Iterator[Verdict]:
    """On a platform that it is not made for, nothing else is worth judging."""
    for requirement in requirements:
        found = requirement.check(machine, gpus)
        yield from found
        if any(verdict.requirement == "platform" and verdict.status != "met" for verdict in found):
            return


def _merit(candidate: Candidate, gpus: tuple[Gpu, ...], rank: int, platform: str | None) -> tuple[Any, ...]:
    """What is better in a candidate, the weightiest first. Sorting is stable, so the order in the template decides ties."""
    covered = [gpu.compute_capability for gpu in gpus if gpu.index in candidate.covers and gpu.compute_capability]
    in_8_bits = all(candidate.quantization(index) == "int8" for index in candidate.covers)
    hopeful = candidate.fits or candidate.lacks_only_disk
    return (
        hopeful,
        rank,
        candidate.variant.is_cpu != bool(gpus),
        candidate.stack.platform == platform,
        hopeful and not candidate.left_out,
        max(covered, default=Capability(0, 0)),
        hopeful or -len(candidate.decisive),
        hopeful or -_major(candidate.variant),  # of those that do not fit, the one for older drivers is nearer
        in_8_bits,
        not candidate.compiles,
    )


def _major(variant: Variant) -> int:
    return variant.cuda.major if variant.cuda else 0


def unknown_template(name: str, templates: tuple[Template, ...]) -> Problem:
    """The refusal of a name that the catalog does not have."""
    names = ", ".join(template.name for template in templates)
    return Problem(
        code="unknown_template",
        what=say("there is no template `{name}` in the catalog", name=name),
        fix=(say("choose one of: {names}", names=names),),
    )


def _wanted(templates: tuple[Template, ...], wish: Wish) -> list[Variant]:
    named = [template for template in templates if wish.template in (None, template.name)]
    if not named:
        raise ProblemError(
            unknown_template(str(wish.template), templates),
        )
    every = [variant for template in named for variant in template.variants]
    found = [variant for variant in every if wish.variant in (None, variant.name)]
    if not found:
        names = ", ".join(dict.fromkeys(variant.name for variant in every))
        fix = (say("choose one of: {names}", names=names),)
        raise ProblemError(Problem(code="unknown_variant", what=_no_such_variant(wish), fix=fix))
    return found


def _no_such_variant(wish: Wish) -> str:
    if wish.template is None:
        return say("there is no variant `{name}` in the catalog", name=wish.variant)
    return say("there is no variant `{name}` in template `{template}`", name=wish.variant, template=wish.template)


def selected_gpus(machine: Machine, wish: str | None) -> tuple[Gpu, ...]:
    """The wished GPUs; a MIG instance is wished by its UUID, and is then all there is of its GPU."""
    if wish is None or wish == "all":
        return machine.gpus
    found = tuple(gpu for gpu in machine.gpus if wish in (str(gpu.index), gpu.uuid))
    cut = tuple(replace(gpu, slices=(part,)) for gpu in machine.gpus for part in gpu.slices or () if part.uuid == wish)
    if not found and not cut:
        there = "; ".join(
            [f"{gpu.index} ({gpu.name}, {gpu.uuid})" for gpu in machine.gpus]
            + [f"{part.uuid} ({part.name} of GPU {gpu.index})" for gpu in machine.gpus for part in gpu.slices or ()],
        )
        choose = (
            say("choose: {gpus}", gpus=there) if there else say("no GPU was seen on this machine: leave `--gpu` out")
        )
        what = say("there is no GPU `{name}` on this machine", name=wish)
        raise ProblemError(Problem(code="unknown_gpu", what=what, fix=(choose,)))
    return found or cut
