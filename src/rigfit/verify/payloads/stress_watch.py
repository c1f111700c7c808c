"""Looks out for numbers that come out differently: of the base, which training must not change, and of each step."""

from __future__ import annotations

import math
from typing import Any

from .frame import digits, library, say
from .stress_model import base_tensors
from .stress_rig import Course, Rig

LOGITS_BAND = 1e-3  # relative, and only where the kernels do not repeat themselves to the bit
PROBE = (1, 16)  # batch and sequence of the input whose logits must stay
CHUNK = 1 << 22  # words at once, for a sum needs 8 bytes of each


class Watch:
    """The base as it was before training: a sum of each tensor's bits, and the logits of a fixed input without the adapter."""

    def __init__(self, rig: Rig) -> None:
        torch = library("torch")
        self.rig = rig
        self.findings: list[str] = []
        self.looks = 0
        generator = torch.Generator().manual_seed(rig.seed)
        self.probe = torch.randint(0, rig.shape.vocab, PROBE, generator=generator).to(rig.device)
        self.logits = self.read_logits()
        self.band = 0.0 if torch.equal(self.logits, self.read_logits()) else LOGITS_BAND
        # behind a first inference, for which bitsandbytes before 0.45 lays weights out anew
        self.sums = self.read_sums()
        if not torch.isfinite(self.logits).all():
            self.find(say("the logits are not finite before training"))

    def read_logits(self) -> Any:
        model = self.rig.model.eval()
        with library("torch").no_grad(), model.disable_adapter():
            logits = model(input_ids=self.probe).logits.float().cpu()
        model.train()
        return logits

    def read_sums(self) -> dict[str, int]:
        torch = library("torch")
        sums = {name: checksum(tensor) for name, tensor in base_tensors(self.rig)}
        totals = torch.stack(list(sums.values())).tolist()
        return {name: totals[number] for number, name in enumerate(sums)}

    def look(self, course: Course) -> None:
        sums, logits = self.read_sums(), self.read_logits()
        step, seconds = course.steps, course.seconds
        for name in [name for name, total in self.sums.items() if sums.get(name) != total]:
            self.find(
                say(
                    "by step {step:d}, {seconds:.0f} s: {name:s} of the base has changed",
                    step=step,
                    seconds=seconds,
                    name=name,
                )
            )
        away = distance(logits, self.logits)
        if not away <= self.band:
            self.find(
                say(
                    "by step {step:d}, {seconds:.0f} s: the logits of the base are {away:s} from what they were",
                    step=step,
                    seconds=seconds,
                    away=str(digits(away)),
                )
            )
        self.sums, self.logits = sums, logits  # what has been told is not told again
        self.looks += 1

    def not_finite(self, course: Course, loss: float, bad: str) -> bool:
        if not math.isfinite(loss):
            self.find(say("step {step:d}: the loss is {loss:s}", step=course.steps, loss=str(loss)))
        elif bad:
            self.find(say("step {step:d}: the gradient of {name:s} is not finite", step=course.steps, name=bad))
        return bool(bad) or not math.isfinite(loss)

    def find(self, finding: str) -> None:
        self.findings.append(finding)
        if len(self.findings) == 1:  # an hour may lie between it and the verdict
            self.rig.speak(event="note", text=finding)


def checksum(tensor: Any) -> Any:
    """An int64 on the tensor's device."""
    torch = library("torch")
    flat = tensor.data.reshape(-1)
    words = flat.view(torch.uint8 if flat.numel() * flat.element_size() % 4 else torch.int32)
    parts = [part.sum(dtype=torch.int64) * (2 * number + 1) for number, part in enumerate(words.split(CHUNK))]
    return torch.stack(parts).sum()


def distance(value: Any, truth: Any) -> float:
    return 0.0 if library("torch").equal(value, truth) else float((value - truth).norm() / truth.norm())
