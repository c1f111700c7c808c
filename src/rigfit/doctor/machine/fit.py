"""Whether any template fits the machine, as `rigfit select` judges it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rigfit.core.advice import NOTHING_WORKS
from rigfit.core.finding import Finding
from rigfit.core.problem import Problem
from rigfit.core.selection import Selection
from rigfit.core.verdict import merged
from rigfit.core.words import joined, lines, say
from rigfit.doctor.machine import room

CODES = ("nothing_fits", "gpu_left_out")
_OF_ONE_GPU = ("gpu_lost", "gpu_prohibited", "mig_without_instances")  # for these it is left out, and they tell why


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What was selected; `refusal` says why nothing was."""

    selection: Selection
    refusal: Problem | None


def findings(fit: Fit, told: tuple[Finding, ...]) -> Iterator[Finding]:
    """Nothing where one of those `told` is the reason already."""
    if fit.refusal is None:
        if not any(finding.code in _OF_ONE_GPU for finding in told):
            yield from _left_out(fit.selection)
    elif not _is_explained(fit.refusal, told):
        yield _nothing_fits(fit.refusal)


def _is_explained(refusal: Problem, told: tuple[Finding, ...]) -> bool:
    """A fault of the driver is a finding of its own always; of what is wrong with the room the disk alone keeps a template out."""
    errors = {finding.code for finding in told if finding.severity == "error"}
    match refusal.code:
        case "driver_fault":
            return True
        case "disk_full":
            return any(finding.code in ("disk_full", "disk_low") for finding in told)
        case _:
            return bool(errors.difference(room.CODES))


def _nothing_fits(refusal: Problem) -> Finding:
    """With the nearest template alone; of a machine that lacks much every reason of each would be a page."""
    told = lines(refusal.detail)
    each = say("`rigfit select -v` tells it of each template")
    return Finding(
        code="nothing_fits",
        severity="error",
        what=refusal.what,
        because=(*told[:1], each) if refusal.code == "nothing_fits" else told,
        fix=(_another_machine(),) if refusal.fix == (NOTHING_WORKS,) else refusal.fix,
        source=refusal.source,
    )


def _another_machine() -> str:
    return say(
        "take another machine; `rigfit select --machine FILE` judges one by what `rigfit detect --json` told there"
    )


def _left_out(selection: Selection) -> Iterator[Finding]:
    chosen = selection.chosen
    if chosen is None or not chosen.left_out:
        return
    gpus = [gpu for gpu in selection.gpus if gpu.index in chosen.left_out]
    against = merged(verdict for verdict in chosen.against if verdict.gpu in chosen.left_out)
    yield Finding(
        code="gpu_left_out",
        severity="note",
        what=say(
            "`{template}` ({variant}) is what fits this machine, and it leaves out {gpus}",
            template=chosen.variant.template,
            variant=chosen.variant.name,
            gpus=joined(", ", (say("GPU {index} ({gpu})", index=gpu.index, gpu=gpu.label) for gpu in gpus)),
        ),
        because=tuple(verdict.words for verdict in against),
        fix=(*selection.advice, *(f"rigfit select --gpu {gpu.index}" for gpu in gpus)),
        source=next((verdict.source for verdict in against if verdict.source), ""),
    )
