"""Trains a quantized model of a real size for as long as it is told, and looks out for numbers that come out differently.

It is run by its path, see frame.py. Of its job `"seconds"` or `"steps"` must be there, too; Rig says what else may be.
"""

from __future__ import annotations

import math
import runpy
import statistics
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    runpy.run_path(str(Path(__file__).with_name("start.py")))["loaded"]("stress").main()

from . import frame
from .frame import Outcome, Step, digits, library, say
from .stress_model import Plan, base_tensors, chosen_shape, load, planned, size_of
from .stress_rig import Course, Rig, limit_memory, memory, reset_peak
from .stress_training import BATCHES, JUDGED, ROUND, SPREAD, adapted, choose_size, train
from .stress_watch import Watch
from .ways import quantized_layers

# In 8 steps or more: 0.03 to 0.05 on a CPU (2 layers of 128 and 256), 0.18 and 0.60 on an H100 (0.16 and 13 billion parameters).
LOSS_FALL = 0.02
SLOW = 20  # times the median
WINDOW = 5.0  # seconds over which tokens are counted
SIZE_SLACK = 0.05  # for the scales of 8-bit weights, 4 bytes a row: 3 % of the smallest model


# Loading


def check_load(rig: Rig) -> Outcome:
    """Loads as from_pretrained does for a user, from random numbers that lie in memory, or in a file where it takes but that."""
    torch = library("torch")
    torch.zeros(1, device=rig.device)  # torch's own word on why it cannot
    rig.free_before = limit_memory(rig)
    rig.shape = rig.shape_asked or chosen_shape(rig, rig.free_before)
    torch.manual_seed(rig.seed)
    plan = planned(rig)
    seconds = load(rig, plan)
    measured: dict[str, Any] = {**memory(rig), "seconds": round(seconds, 3), "free_before": rig.free_before or None}
    tensors = list(base_tensors(rig))
    measured["parameters"] = sum(plan.sizes.values())
    measured["bytes"] = size_of(tensors)
    measured["model"] = rig.shape._asdict()
    faults = [
        *layer_faults(rig, len(plan.quantized)),
        *size_faults(rig, plan, size_of(tensors) - size_of(rig.model.named_buffers())),
        *place_faults(rig.device, sorted({str(tensor.device) for _, tensor in tensors})),
    ]
    expected = say(
        "{count:d} {layer:s} on {device:s}", count=len(plan.quantized), layer=rig.way.layer, device=rig.device
    )
    return Outcome(measured, expected, faults, code="not_quantized")


def layer_faults(rig: Rig, needed: int) -> list[str]:
    way, (dtype,) = rig.way, rig.way.nature["dtypes"]
    found = sum(str(layer.weight.dtype) == dtype for _, layer in quantized_layers(way, rig.model))
    if found == needed:
        return []
    return [
        say(
            "{count:d} {layer:s} with weights of {dtype:s}, not {needed:d}",
            count=found,
            layer=way.layer,
            dtype=dtype,
            needed=needed,
        )
    ]


def size_faults(rig: Rig, plan: Plan, size: int) -> list[str]:
    # transformers 4.27 and 4.28 overrule the dtype asked for
    ideal = plan.bytes(rig.way.width, rig.model.get_input_embeddings().weight.element_size())
    if abs(size - ideal) <= SIZE_SLACK * ideal:
        return []
    return [say("the weights take {size:d} bytes, not {ideal:d}", size=size, ideal=int(ideal))]


def place_faults(device: str, places: list[str]) -> list[str]:
    if places == [device]:
        return []
    return [say("the model is on {places}, not on {device:s}", places=", ".join(places), device=device)]


# Training


def check_steps(rig: Rig) -> Outcome:
    trainee = adapted(rig)
    rig.watch = Watch(rig)
    choose_size(rig, trainee)
    reset_peak(rig)
    train(rig, trainee, rig.watch)
    course = rig.course
    falls = [fall_of(losses) for losses in course.rounds if len(losses) >= JUDGED]
    measured = {
        "steps": course.steps,
        "rounds": len(course.rounds),
        "batch": course.batch,
        "sequence": course.sequence,
        "too_much": course.too_much,
        **paces(course),
        **memory(rig),
        "loss_first": digits(course.rounds[0][0]),
        "loss_last": digits(course.rounds[0][-1]),
        "fall": digits(min(falls)) if falls else None,
    }
    expected = say("in each round of {steps:d} steps the loss falls by {fall:.0%}", steps=ROUND, fall=LOSS_FALL)
    return Outcome(measured, expected, [*loss_faults(course), *slow_steps(course)], code="wrong_numbers")


def fall_of(losses: list[float]) -> float:
    """Of the same batches, at first and at last."""
    return 1 - sum(losses[-BATCHES:]) / sum(losses[:BATCHES])


def paces(course: Course) -> dict[str, Any]:
    rates, seconds, tokens = [], 0.0, 0
    later = course.paces[1:] or course.paces  # the first step is that of a cold start
    for pace in later:
        seconds, tokens = seconds + pace[0], tokens + pace[1]
        if seconds >= WINDOW:
            rates.append(tokens / seconds)
            seconds, tokens = 0.0, 0
    rates = rates or [tokens / seconds]
    return {
        "tokens_per_second": digits(statistics.median(rates)),
        "tokens_per_second_worst": digits(min(rates)),
        "seconds_per_step": digits(statistics.median(pace[0] for pace in later)),
    }


def loss_faults(course: Course) -> list[str]:
    faults, step = [], 0
    for losses in course.rounds:
        if losses and not math.isfinite(losses[-1]):
            faults.append(say("step {step:d}: the loss is {loss:s}", step=step + len(losses), loss=str(losses[-1])))
        elif len(losses) >= JUDGED and not fall_of(losses) >= LOSS_FALL:
            faults.append(
                say(
                    "the loss went from {first:.4f} to {last:.4f} in {steps:d} steps",
                    first=losses[0],
                    last=losses[-1],
                    steps=len(losses),
                )
            )
        step += len(losses)
    return faults[:3]


def slow_steps(course: Course) -> list[str]:
    later = [seconds for seconds, _ in course.paces[1:]]
    if not later:
        return []
    usual, slowest = statistics.median(later), max(later)
    if slowest <= max(SLOW * usual, 1.0):  # a short step waits for whatever the machine does besides
        return []
    return [
        say(
            "step {step:d} took {seconds:.1f} s, others {usual:.3f} s",
            step=later.index(slowest) + 2,
            seconds=slowest,
            usual=usual,
        )
    ]


def check_numbers(rig: Rig) -> Outcome:
    watch = rig.watch
    if watch is None:
        raise RuntimeError("training has not begun")
    watch.look(rig.course)
    measured = {
        "wrong": len(watch.findings),
        "looks": watch.looks,
        "tensors": len(watch.sums),
        "logits_band": watch.band,
        "spread": digits(rig.course.spread),
    }
    expected = say(
        "each bit of the base as it was, its logits within {band:g}; each loss and gradient finite, and within {spread:g} of the first round's",
        band=watch.band,
        spread=SPREAD,
    )
    return Outcome(measured, expected, told(watch.findings), code="wrong_numbers")


def told(findings: list[str]) -> list[str]:
    more = len(findings) - 4
    return findings if more <= 0 else [*findings[:4], say("{count:d} more wrong numbers", count=more)]


# Running

CHECKS: dict[str, Callable[[Rig], Outcome]] = {
    "imports": frame.check_imports,
    "library": frame.check_library,
    "stress_load": check_load,
    "stress_steps": check_steps,
    "stress_numbers": check_numbers,
}
AFTER = {
    "library": "imports",
    "stress_load": "library",
    "stress_steps": "stress_load",
    "stress_numbers": "stress_steps",
}


def reason_to_skip(rig: Rig, name: str) -> str:
    before = AFTER.get(name, "")
    if not before or rig.status[before] == "passed":
        return ""
    if name == "stress_numbers" and rig.watch:  # where training went wrong they count all the more
        return ""
    failed = rig.status[before] == "failed"
    return say("{check:s} failed", check=before) if failed else say("{check:s} skipped", check=before)


def run(rig: Rig) -> None:
    steps = [Step(name, partial(reason_to_skip, rig, name), partial(check, rig)) for name, check in CHECKS.items()]
    frame.carry_out(rig, steps, rig.speak)
    rig.speak(event="done", device=rig.device, peak_memory=rig.peak)


def prove(job: dict[str, Any], speak: Callable[..., None]) -> None:
    rig = Rig(job, speak)
    frame.settle(rig)
    warnings.simplefilter("ignore")
    run(rig)


def main() -> None:
    frame.answer(prove)
