"""Which variant fits this machine: a pure judgement that keeps every verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rigfit.core.fact import Facts
from rigfit.core.machine import Gpu, Machine
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.requirement import requirements_of
from rigfit.core.template import Template, Variant
from rigfit.core.verdict import Verdict
from rigfit.core.version import Capability


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
    """A variant with every verdict on it. `covers` are the selected GPUs on which it works."""

    variant: Variant
    verdicts: tuple[Verdict, ...]
    covers: tuple[int, ...]
    left_out: tuple[int, ...]

    @property
    def fits(self) -> bool:
        general = all(verdict.status == "met" for verdict in self.verdicts if verdict.gpu is None)
        return general and (bool(self.covers) or not self.left_out)

    @property
    def against(self) -> tuple[Verdict, ...]:
        """The verdicts that stand against it."""
        return tuple(verdict for verdict in self.verdicts if verdict.status != "met")

    def to_json(self) -> dict[str, Any]:
        return {
            "template": self.variant.template,
            "variant": self.variant.name,
            "fits": self.fits,
            "verdicts": [verdict.to_json() for verdict in self.verdicts],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Every candidate, best first; the first that fits is the chosen one."""

    machine: Machine
    wish: Wish
    candidates: tuple[Candidate, ...]

    @property
    def chosen(self) -> Candidate | None:
        return next((candidate for candidate in self.candidates if candidate.fits), None)

    @property
    def next_best(self) -> Candidate | None:
        """The fitting candidate after the chosen one."""
        fitting = [candidate for candidate in self.candidates if candidate.fits]
        return fitting[1] if len(fitting) > 1 else None

    def to_json(self) -> dict[str, Any]:
        chosen = self.chosen
        return {
            "chosen": {"template": chosen.variant.template, "variant": chosen.variant.name} if chosen else None,
            "covers": list(chosen.covers) if chosen else [],
            "left_out": list(chosen.left_out) if chosen else [gpu.index for gpu in self.machine.gpus],
            "candidates": [candidate.to_json() for candidate in self.candidates],
        }


def select(machine: Machine, templates: tuple[Template, ...], facts: Facts, wish: Wish) -> Selection:
    """Judge every variant of the wished templates. Raises ProblemError for a template, variant or GPU not there."""
    gpus = _selected_gpus(machine, wish.gpu)
    wanted = _wanted(templates, wish)
    judged = [judge(machine, gpus, variant, facts, wish) for variant in wanted]
    best_first = sorted(judged, key=lambda candidate: _merit(candidate, gpus), reverse=True)
    return Selection(machine=machine, wish=wish, candidates=tuple(best_first))


def judge(machine: Machine, gpus: tuple[Gpu, ...], variant: Variant, facts: Facts, wish: Wish) -> Candidate:
    """Every verdict on `variant`; a GPU with a verdict against it is left out."""
    asked, there = wish.variant is not None, variant.environment in wish.standing
    requirements = requirements_of(variant, facts, asked=asked, there=there)
    verdicts = tuple(verdict for requirement in requirements for verdict in requirement.check(machine, gpus))
    lost = {verdict.gpu for verdict in verdicts if verdict.gpu is not None and verdict.status != "met"}
    used = () if variant.is_cpu else gpus
    return Candidate(
        variant=variant,
        verdicts=verdicts,
        covers=tuple(gpu.index for gpu in used if gpu.index not in lost),
        left_out=tuple(gpu.index for gpu in used if gpu.index in lost),
    )


def _merit(candidate: Candidate, gpus: tuple[Gpu, ...]) -> tuple[bool, bool, Capability]:
    """Fits; leaves no GPU out; covers the most capable card. Sorting is stable, so the catalog's order decides ties."""
    covered = [gpu.compute_capability for gpu in gpus if gpu.index in candidate.covers and gpu.compute_capability]
    return candidate.fits, candidate.fits and not candidate.left_out, max(covered, default=Capability(0, 0))


def unknown_template(name: str, templates: tuple[Template, ...]) -> Problem:
    """The refusal of a name that the catalog does not have."""
    choose = "choose one of: " + ", ".join(template.name for template in templates)
    return Problem(code="unknown_template", what=f"there is no template `{name}` in the catalog", fix=(choose,))


def _wanted(templates: tuple[Template, ...], wish: Wish) -> list[Variant]:
    named = [template for template in templates if wish.template in (None, template.name)]
    if not named:
        raise ProblemError(
            unknown_template(str(wish.template), templates),
        )
    every = [variant for template in named for variant in template.variants]
    found = [variant for variant in every if wish.variant in (None, variant.name)]
    if not found:
        names = ", ".join(variant.name for variant in every)
        place = f"template `{wish.template}`" if wish.template else "the catalog"
        what = f"there is no variant `{wish.variant}` in {place}"
        raise ProblemError(Problem(code="unknown_variant", what=what, fix=(f"choose one of: {names}",)))
    return found


def _selected_gpus(machine: Machine, wish: str | None) -> tuple[Gpu, ...]:
    if wish is None or wish == "all":
        return machine.gpus
    found = tuple(gpu for gpu in machine.gpus if wish in (str(gpu.index), gpu.uuid))
    if not found:
        there = (
            "; ".join(f"{gpu.index} ({gpu.name}, {gpu.uuid})" for gpu in machine.gpus)
            or "none: no GPU was seen on this machine"
        )
        raise ProblemError(
            Problem(code="unknown_gpu", what=f"there is no GPU `{wish}` on this machine", fix=(f"choose: {there}",)),
        )
    return found
