"""What would work instead, or better: another template, GPU or driver, each looked for by judging it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rigfit.core.fact import Facts
from rigfit.core.machine import Driver, Gpu
from rigfit.core.requirements.driver import last_branch, minimum
from rigfit.core.selection import Candidate, Selection, Wish, select
from rigfit.core.template import Template
from rigfit.core.version import Version
from rigfit.core.words import say

NOTHING_WORKS = say("nothing in the catalog works on this machine")


def advised(selection: Selection, templates: tuple[Template, ...], facts: Facts) -> Selection:
    """The selection with what would do better than its choice."""
    advice = Advice(selection, templates, facts)
    return replace(selection, advice=tuple(advice.better_than_the_choice()))


class Advice:
    """Looks at everything in the catalog, not only at what was wished."""

    def __init__(self, selection: Selection, templates: tuple[Template, ...], facts: Facts) -> None:
        self._selection = selection
        self._wish = selection.wish
        self._templates = templates
        self._facts = facts

    def better_than_the_choice(self) -> Iterator[str]:
        chosen, ground = self._selection.chosen, self._selection.proving_ground
        if chosen is None or ground is None:
            return
        if chosen.quantization(ground.index) != "int8":
            yield from self._in_8_bits(ground)
        if chosen.left_out:
            yield from self._for_all_gpus()
        if self._wish.template is None and chosen.variant.template != self._templates[0].name:
            yield from self._best_template_with_a_newer_driver()

    def instead_of_a_refusal(self) -> tuple[str, ...]:
        """The nearest first; what to do on purpose where nothing else is left."""
        found = (*self._mends(), *self._other_gpu(), *self._newer_driver(self._selection), *self._other_template())
        return found or self._last_resort()

    def on_the_cpu(self) -> bool:
        """Whether the CPU variant works on this machine."""
        builds = (variant for template in self._templates for variant in template.variants if variant.is_cpu)
        return any(self._select(Wish(template=v.template, variant=v.name)).chosen for v in builds)

    def _select(self, wish: Wish) -> Selection:
        standing = self._wish.standing
        return select(self._selection.machine, self._templates, self._facts, replace(wish, standing=standing))

    def _setup(self, template: str | None, *, gpu: str | None = None, variant: str | None = None) -> str:
        """The command, with what was wished beside the template."""
        options = [("--variant", variant), ("--gpu", gpu)]
        return " ".join(["rigfit setup", *([template] if template else []), *(f"{k} {v}" for k, v in options if v)])

    # Better than the choice

    def _in_8_bits(self, ground: Gpu) -> Iterator[str]:
        """Of all variants the first that works in 8 bits on the GPU of the proof."""
        for other in self._select(Wish(gpu=self._wish.gpu)).candidates:
            if other.fits and ground.index in other.covers and other.quantization(ground.index) == "int8":
                yield say(
                    "for 8-bit on {gpu}: `{setup}` ({variant})",
                    gpu=ground.label,
                    setup=self._setup(other.variant.template, gpu=self._wish.gpu),
                    variant=other.variant.name,
                )
                return

    def _for_all_gpus(self) -> Iterator[str]:
        for template in self._templates:
            other = self._select(Wish(template=template.name, gpu=self._wish.gpu)).chosen
            if other is not None and not other.left_out:
                yield say(
                    "for all of these GPUs: `{setup}` ({variant})",
                    setup=self._setup(template.name, gpu=self._wish.gpu),
                    variant=other.variant.name,
                )
                return

    def _best_template_with_a_newer_driver(self) -> Iterator[str]:
        best = self._templates[0].name
        refused = self._select(Wish(template=best, gpu=self._wish.gpu))
        for step in self._newer_driver(refused):
            yield say("for `{template}`: {step}", template=best, step=step)

    # Instead of a refusal

    def _mends(self) -> Iterator[str]:
        """What the verdicts that decide say themselves."""
        nearest = self._selection.candidates[0]
        yield from dict.fromkeys(verdict.fix for verdict in nearest.decisive if verdict.fix)

    def _other_template(self) -> Iterator[str]:
        chosen = self._select(Wish(gpu=self._wish.gpu)).chosen
        if chosen is not None:
            setup = self._setup(chosen.variant.template, gpu=self._wish.gpu)
            yield say("`{setup}`, which fits ({variant})", setup=setup, variant=chosen.variant.name)

    def _other_gpu(self) -> Iterator[str]:
        """Where a GPU was named, another one of this machine on which what was asked for works."""
        if self._wish.gpu in (None, "all"):
            return
        others = self._select(replace(self._wish, gpu=None))
        ground = others.proving_ground
        if others.chosen is not None and ground is not None:
            yield say(
                "`{setup}`: GPU {index} of this machine, {gpu} works with {variant}",
                setup=self._setup(self._wish.template, gpu=str(ground.index), variant=self._wish.variant),
                index=ground.index,
                gpu=ground.label,
                variant=others.chosen.variant.name,
            )

    def _newer_driver(self, refused: Selection) -> Iterator[str]:
        """Where a driver that exists for these GPUs would be enough: the lowest that is."""
        driver = refused.machine.driver
        if not isinstance(driver, Driver):
            return
        wanting = [c for c in refused.candidates if not c.variant.is_cpu and c.covers]
        only = [c for c in wanting if {(v.requirement, v.gpu) for v in c.decisive} == {("driver", None)}]
        least = min(filter(None, (self._minimum(candidate) for candidate in only)), default=None)
        if least is None:
            return
        if least <= driver.version:
            yield say(
                "`unset CONDA_OVERRIDE_CUDA` if it is set: the driver is said to support CUDA {cuda} only",
                cuda=driver.cuda,
            )
        elif any(self._is_unified(gpu) for gpu in refused.gpus):
            yield say("install a newer system image (JetPack, DGX OS), whose driver goes with it")
        else:
            kind = say("Windows NVIDIA driver") if refused.machine.platform.wsl else say("NVIDIA driver")
            yield say(
                "install a newer {kind}: {least} or later, instead of {version}",
                kind=kind,
                least=least,
                version=driver.version,
            )

    def _minimum(self, candidate: Candidate) -> Version | None:
        """The driver that it needs; None if one of the GPUs would be lost by it."""
        fact = self._facts.driver(candidate.variant.cuda)
        if fact is None:
            return None
        least = minimum(self._selection.machine, fact)
        ends = [last_branch(gpu, self._facts) for gpu in self._selection.gpus]
        return least if all(branch is None or branch >= least.major for branch in ends) else None

    def _is_unified(self, gpu: Gpu) -> bool:
        architecture = self._facts.architecture(gpu.compute_capability)
        return architecture is not None and architecture.unified

    def _last_resort(self) -> tuple[str, ...]:
        unread = any(verdict.status == "unknown" for verdict in self._selection.candidates[0].decisive)
        mend = (say("what could not be read is not taken for a yes: see `rigfit detect`"),) if unread else ()
        if self.on_the_cpu():
            return (*mend, say("without the GPU, on purpose: `rigfit setup --variant cpu`"))
        return mend or (NOTHING_WORKS,)
