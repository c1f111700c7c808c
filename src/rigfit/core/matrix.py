"""How far each pair of PEFT and transformers got in 8-bit LoRA, as it was measured; what was not measured is unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from packaging.version import Version as PackageVersion

from rigfit.core.fact import Bound
from rigfit.core.words import Words, say

Level = Literal[
    "nothing", "resolves", "imports", "quantized_load", "numbers", "lora_step", "adapter_roundtrip"
]  # each has passed all before it
LEVELS: tuple[Level, ...] = get_args(Level)
ALL: Level = "adapter_roundtrip"
Reach = Literal[
    "adapter_roundtrip",
    "causal",
    "lora_step",
    "numbers",
    "quantized_load",
    "needs_gpu",
    "imports",
    "resolves",
    "nothing",
]
REACHES: tuple[Reach, ...] = get_args(Reach)  # the furthest first
SIGNS: Mapping[Reach, str] = {
    "adapter_roundtrip": "#",
    "causal": "+",
    "lora_step": "*",
    "numbers": "o",
    "quantized_load": ":",
    "needs_gpu": "?",
    "imports": "-",
    "resolves": "x",
    "nothing": "!",
}  # of plain letters, each one cell wide in every terminal
REACH_WORDS: Mapping[Reach, Words] = {
    "adapter_roundtrip": say("goes all the way: trains in 8 bits, saves and loads its adapter"),
    "causal": say("goes all the way with LLaMA, and not with T5"),
    "lora_step": say("trains in 8 bits, but its adapter does not survive"),
    "numbers": say("loads in 8 bits, but LoRA does not train"),
    "quantized_load": say("loads in 8 bits, but the numbers are wrong"),
    "needs_gpu": say("imports; more is unknown, since it needs a GPU for 8 bits"),
    "imports": say("imports, but does not load in 8 bits"),
    "resolves": say("does not import"),
    "nothing": say("no resolver takes the two together"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`level` is the last that passed, `causal` the same with LLaMA alone, `error` the first failure.

    `needs_gpu`: transformers refuses the next level without a GPU, so that nothing is known of it.
    """

    level: Level
    causal: Level
    needs_gpu: bool
    error: str

    @property
    def reach(self) -> Reach:
        if self.needs_gpu:
            return "needs_gpu"
        return "causal" if self.level != ALL and self.causal == ALL else self.level


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One pair among other packages; `older` says that an accelerate older than the newest was taken, to get further."""

    peft: str
    transformers: str
    bitsandbytes: str
    older: bool
    packages: Mapping[str, str] = field(hash=False)
    outcome: Outcome

    @property
    def accelerate(self) -> str:
        """Empty where nothing was installed."""
        return self.packages.get("accelerate", "")

    @property
    def rank(self) -> int:
        """The less the further."""
        return REACHES.index(self.outcome.reach)

    def to_json(self) -> dict[str, Any]:
        outcome = self.outcome
        return {
            "peft": self.peft,
            "transformers": self.transformers,
            "bitsandbytes": self.bitsandbytes,
            "accelerate": self.accelerate or None,
            "reach": outcome.reach,
            "level": outcome.level,
            "causal": outcome.causal,
            "needs_gpu": outcome.needs_gpu,
            "error": outcome.error or None,
        }


def ruled_out(run: Run, bounds: Iterable[Bound]) -> tuple[Bound, ...]:
    """Where nobody could look further without a GPU, the facts by which it fails on one, too.

    That transformers refuses a PEFT for adapters that it loads itself is in the way of nobody who loads them with PEFT.
    """
    if not run.outcome.needs_gpu:
        return ()
    named = {**run.packages, "peft": run.peft, "transformers": run.transformers, "bitsandbytes": run.bitsandbytes}
    versions = {name: PackageVersion(version) for name, version in named.items()}
    beyond = (each for each in bounds if each.to == "int8" or (each.to == "check" and each.needs != "peft"))
    about = (each for each in beyond if each.needs in versions and each.concerns(versions))
    return tuple(each for each in about if not each.allows(versions[each.needs]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """All runs; `torch` and `python` were the same in each. `read` is the day, `source` says what was measured with what."""

    torch: str
    python: str
    read: str
    source: str
    runs: tuple[Run, ...]

    @property
    def pefts(self) -> tuple[str, ...]:
        return in_order(run.peft for run in self.runs)

    @property
    def transformers(self) -> tuple[str, ...]:
        return in_order(run.transformers for run in self.runs)

    @property
    def bitsandbytes(self) -> tuple[str, ...]:
        return in_order(run.bitsandbytes for run in self.runs)

    def best(self, bitsandbytes: str) -> dict[tuple[str, str], Run]:
        """Of each pair (PEFT, transformers) the run that got furthest, whichever accelerate that took."""
        found: dict[tuple[str, str], Run] = {}
        for run in self.runs:
            pair = run.peft, run.transformers
            if run.bitsandbytes == bitsandbytes and (pair not in found or run.rank < found[pair].rank):
                found[pair] = run
        return found

    def of(self, peft: str, transformers: str) -> tuple[Run, ...]:
        """The runs of a pair, with the newest bitsandbytes first; none where it was not measured."""
        runs = (run for run in self.runs if (run.peft, run.transformers) == (peft, transformers))
        return tuple(sorted(runs, key=lambda run: PackageVersion(run.bitsandbytes), reverse=True))


def in_order(versions: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(versions), key=PackageVersion))


def minor_of(version: str) -> tuple[int, int]:
    parsed = PackageVersion(version)
    return parsed.major, parsed.minor


def newest_of_minors(versions: Iterable[str]) -> tuple[str, ...]:
    return tuple({minor_of(version): version for version in in_order(versions)}.values())


def measured(versions: Iterable[str], asked: str) -> str | None:
    """The one that is meant; `4.45` means the newest patch of that minor. None: it was not measured."""
    known = in_order(versions)
    if len(PackageVersion(asked).release) == 2:
        return next((each for each in reversed(known) if minor_of(each) == minor_of(asked)), None)
    return next((each for each in known if PackageVersion(each) == PackageVersion(asked)), None)


def beside(versions: Iterable[str], asked: str) -> tuple[str, ...]:
    """What was measured next to a version that was not: of the same minor, else the nearest below and above."""
    known = in_order(versions)
    if same := [each for each in known if minor_of(each) == minor_of(asked)]:
        return tuple(same)
    wanted = PackageVersion(asked)
    below = [each for each in known if PackageVersion(each) < wanted][-1:]
    above = [each for each in known if PackageVersion(each) > wanted][:1]
    return (*below, *above)


def spans(versions: Iterable[str], among: tuple[str, ...]) -> tuple[str, ...]:
    """`4.43.4 to 4.57.6`: one for each run of versions without a gap among those measured."""
    wanted = set(versions)
    return tuple(span(group) for good, group in stretches(among, wanted.__contains__) if good)


def span(versions: tuple[str, ...]) -> str:
    first, last = versions[0], versions[-1]
    return first if first == last else say("{first} to {last}", first=first, last=last)


def stretches(versions: Iterable[str], key: Callable[[str], Any]) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Versions next to each other of which `key` says the same."""
    group: list[str] = []
    for version in versions:
        if group and key(group[0]) != key(version):
            yield key(group[0]), tuple(group)
            group = []
        group.append(version)
    if group:
        yield key(group[0]), tuple(group)
