"""The machine as rows: platform, driver, each GPU, and what 8-bit means on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from textual.content import Content

from rigfit.core.fact import Facts
from rigfit.core.machine import Driver, Gpu, Machine
from rigfit.core.selection import Selection
from rigfit.core.size import human
from rigfit.core.use import Use
from rigfit.core.verdict import Verdict
from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.widgets.columns import Row
from rigfit_installer.words import BUSY, DOUBT, EIGHT_BIT, MUTED, STRONG, shown

EightBit = Literal["fast", "slow", "only_4_bit", "no", "unknown"]
_BEST_FIRST: tuple[EightBit, ...] = ("fast", "slow", "only_4_bit", "no", "unknown")
_BAR = 12


def size(value: int | None) -> str:
    return said(say("unknown")) if value is None else human(value)


def host_rows(machine: Machine) -> Iterator[Row]:
    platform = machine.platform
    words = [f"{platform.os} {platform.arch}", f"glibc {platform.glibc or said(say('unknown'))}"]
    words += [said(say("kernel {version}", version=platform.kernel))] if platform.kernel else []
    words += ["WSL2"] if platform.wsl else []
    words += [said(say("in a {kind} container", kind=platform.container))] if platform.container else []
    yield label(say("platform")), Content(", ".join(words))
    yield label(say("memory")), Content(size(machine.memory_total))
    yield label(say("free disk")), Content(size(machine.disk_free))
    if isinstance(machine.driver, Driver):
        yield label(say("driver")), Content(str(machine.driver.version))
        cuda = machine.driver.cuda or said(say("unknown"))
        newest = said(say("the newest CUDA that this driver supports"))
        yield label(say("driver CUDA")), Content.assemble(str(cuda), (f"  {newest}", MUTED))


def recorded_rows(file: Path | None) -> Iterator[Row]:
    """Whose machine it is, where it is not the one that this runs on."""
    if file is not None:
        text = say("not this one: recorded in {file}, judged and not set up", file=file.name)
        yield label(say("machine")), Content.styled(said(text), DOUBT)


def label(text: str) -> Content:
    return shown(text, MUTED)


def gpu_rows(gpu: Gpu, facts: Facts | None, judged: Selection | None, use: Use | None) -> Iterator[Row]:
    yield (Content.styled(gpu.name or said(say("a GPU of unknown name")), STRONG),)
    yield label(say("architecture")), Content(_architecture(gpu, facts))
    yield label(say("memory")), _memory(gpu, use)
    yield from ((label(say("MIG instance")), _slice(gpu, number)) for number in range(len(gpu.slices or ())))
    if gpu.slices == ():
        yield label(say("MIG")), shown(say("on, without an instance: nothing runs on it"))
    if gpu.compute_mode not in (None, "default"):
        yield label(say("mode")), Content(str(gpu.compute_mode))
    yield label(say("8-bit")), _eight_bit(gpu, judged)
    if use is not None:
        yield label(say("now")), _now(use)


def _architecture(gpu: Gpu, facts: Facts | None) -> str:
    if gpu.compute_capability is None:
        return said(say("compute capability unknown"))
    capability = said(say("compute capability {number}", number=str(gpu.compute_capability)))
    known = facts.architecture(gpu.compute_capability) if facts else None
    return f"{known.name}, {capability}" if known else capability


def _memory(gpu: Gpu, use: Use | None) -> Content:
    total, free = gpu.memory_total, gpu.memory_free
    if use is not None and use.memory_free is not None:
        free = use.memory_free
    if total is None or free is None:
        return Content(size(total))
    used = human(total - free)
    text = said(say("{used} of {total} used", used=used, total=human(total)))
    return Content.assemble(bar((total - free) / max(total, 1), _BAR), f"  {text}")


def bar(part: float, width: int) -> Content:
    """Filled and empty differ in the sign, too."""
    filled = round(min(max(part, 0), 1) * width) or int(part > 0)
    return Content.assemble(("█" * filled, BUSY), ("░" * (width - filled), MUTED))


def _slice(gpu: Gpu, number: int) -> Content:
    part = (gpu.slices or ())[number]
    return Content(f"{part.name or said(say('unknown'))}, {size(part.memory_total)}")


def _now(use: Use) -> Content:
    busy = said(say("busy {percent}%", percent=use.busy)) if use.busy is not None else said(say("busy unknown"))
    warm = f"{use.celsius} °C" if use.celsius is not None else said(say("temperature unknown"))
    return Content(f"{busy}, {warm}")


def _eight_bit(gpu: Gpu, judged: Selection | None) -> Content:
    if judged is None:
        return Content("...")
    ability, templates = eight_bit(gpu, judged)
    mark = EIGHT_BIT[ability].whole
    if ability in ("no", "unknown") or not templates:
        return mark
    return Content.assemble(mark, (f"  {said(say('with {templates}', templates=', '.join(templates)))}", MUTED))


def eight_bit(gpu: Gpu, judged: Selection) -> tuple[EightBit, tuple[str, ...]]:
    """The best that any template reaches on this GPU, and the templates that do."""
    reached: dict[EightBit, dict[str, None]] = {}
    for candidate in judged.candidates:
        for verdict in candidate.verdicts:
            if verdict.requirement == "quantization" and verdict.gpu == gpu.index:
                reached.setdefault(_ability(verdict), {})[candidate.variant.template] = None
    best: EightBit = next((ability for ability in _BEST_FIRST if ability in reached), "unknown")
    return best, tuple(reached.get(best, ()))


def _ability(verdict: Verdict) -> EightBit:
    match verdict:
        case Verdict(status="unknown"):
            return "unknown"
        case Verdict(status="met", quantization="nf4"):
            return "only_4_bit"
        case Verdict(status="met"):
            return "slow" if verdict.warning else "fast"
        case _:
            return "no"
