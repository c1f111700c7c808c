"""The judgement on one requirement, and how several GPUs share one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from rigfit.core.template import Quantization
from rigfit.core.words import Words, say

Status = Literal["met", "unmet", "unknown"]
VERDICT_WORDS: Mapping[Status, Words] = {"met": say("ok"), "unmet": say("no"), "unknown": say("unknown")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The judgement on one requirement; `gpu` is the index it speaks of, None for the whole machine.

    `warning` is what a person must know although it is met, `fix` what would mend it where it is not. `quantization` is
    the way that was found to work, in a verdict on that.
    """

    requirement: str
    status: Status
    needed: str
    found: str
    why: str
    source: str = ""
    gpu: int | None = None
    warning: str = ""
    fix: str = ""
    quantization: Quantization | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def words(self) -> str:
        """Requirement, needed, found and why, in one line."""
        return say(
            "{requirement}: needs {needed}; found {found}; {why}",
            requirement=self.requirement,
            needed=self.needed,
            found=self.found,
            why=self.why,
        )


def merged(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """Verdicts that differ in the GPU alone as one, which names them: `(GPU 0, 1)`."""
    groups: dict[Verdict, list[int]] = {}
    for verdict in verdicts:
        groups.setdefault(replace(verdict, gpu=None), []).extend([] if verdict.gpu is None else [verdict.gpu])
    return tuple(_naming(verdict, indexes) for verdict, indexes in groups.items())


def _naming(verdict: Verdict, indexes: list[int]) -> Verdict:
    if not indexes:
        return verdict
    gpus = ", ".join(map(str, indexes))
    return replace(verdict, found=say("{found} (GPU {gpus})", found=verdict.found, gpus=gpus))
