"""The job of level stress: what is trained, how far it has come, and the memory that it takes."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from .frame import Job, library
from .ways import WAYS

if TYPE_CHECKING:
    from .stress_watch import Watch

HEADROOM = 0.05  # of the free memory, beyond the part to be filled, before torch says that there is no more


class Shape(NamedTuple):
    """A Llama-like model. GPT-NeoX stands in for it under transformers 4.27, which has no LLaMA."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int
    vocab: int
    tied: bool = False

    def bytes(self, width: float) -> float:
        """Of what is quantized, `width` bytes a weight, and of the embeddings and the head, which training has in float32."""
        attention = 2 * self.hidden * (self.hidden + self.hidden * self.kv_heads // self.heads)
        quantized = self.layers * (attention + 3 * self.hidden * self.intermediate)
        return quantized * width + self.vocab * self.hidden * (4 if self.tied else 8)


TINY = Shape(128, 2, 4, 2, 256, 512)
LADDER = (
    Shape(8192, 80, 64, 8, 28672, 32000),  # Llama 2 70B
    Shape(6656, 60, 52, 52, 17920, 32000),  # LLaMA 33B
    Shape(5120, 40, 40, 40, 13824, 32000),  # Llama 2 13B
    Shape(4096, 32, 32, 32, 11008, 32000),  # Llama 2 7B
    Shape(3072, 28, 24, 8, 8192, 128256, tied=True),  # Llama 3.2 3B
    Shape(2048, 22, 32, 4, 5632, 32000),  # TinyLlama 1.1B
    Shape(768, 12, 12, 12, 3072, 32000),  # 0.16B
)


def shape_of(model: dict[str, Any]) -> Shape:
    if model.get("family", "llama") != "llama":
        raise ValueError(f"no such family: {model['family']}")
    return Shape(**{name: model[name] for name in Shape._fields})


class Course:
    """What was seen of the training so far."""

    def __init__(self) -> None:
        self.batch = 0
        self.sequence = 0
        self.rounds: list[list[float]] = []  # losses
        self.model_round: list[float] = []  # the first of this batch; each later one must repeat it
        self.spread = 0.0
        self.paces: list[tuple[float, int]] = []  # seconds and tokens of each step
        self.too_much: list[int] = []  # batches that there was no memory for
        self.started = self.told = time.perf_counter()
        self.tokens_since = 0

    @property
    def steps(self) -> int:
        return len(self.paces)

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started


class Rig(Job):
    """Without `model`, `batch` or `sequence` in the job they are chosen so that `fill` of the GPU's free memory is used."""

    def __init__(self, job: dict[str, Any], speak: Callable[..., None]) -> None:
        super().__init__(job)
        self.speak = speak
        self.way = WAYS[self.quantization]
        self.seconds: float | None = job.get("seconds")
        self.steps: int | None = job.get("steps")
        if (self.seconds is None) == (self.steps is None):
            raise ValueError("either seconds or steps")
        self.shape_asked = shape_of(job["model"]) if job.get("model") else None
        self.batch: int | None = job.get("batch")
        self.sequence: int | None = job.get("sequence")
        self.rank: int = job.get("rank", 8)
        self.targets: list[str] = job.get("targets", ["q_proj", "v_proj"])
        # without it memory is full at fewer tokens, so steps are short
        self.checkpointing: bool = job.get("checkpointing", False)
        self.fill: float = job.get("fill", 0.85)
        self.model: Any = None
        self.free_before = 0
        self.peak: int | None = None
        self.shape = TINY
        self.watch: Watch | None = None
        self.course = Course()


def limit_memory(rig: Rig) -> int:
    """The free bytes of the GPU, 0 on a CPU. Makes torch run out of memory where a driver would go on in the computer's own."""
    if rig.on_cpu:
        return 0
    torch = library("torch")
    free, total = torch.cuda.mem_get_info(torch.device(rig.device))
    part = min(rig.fill + HEADROOM, 0.97) * free / total
    torch.cuda.set_per_process_memory_fraction(part, torch.device(rig.device))
    return int(free)


def reset_peak(rig: Rig) -> None:
    if not rig.on_cpu:
        library("torch").cuda.reset_peak_memory_stats(rig.device)


def memory(rig: Rig) -> dict[str, int | None]:
    """Bytes of the GPU: what tensors took at most, what torch took at most, and what is in use besides. None on a CPU."""
    device = rig.device
    if rig.on_cpu:
        return dict.fromkeys(("peak", "reserved", "context"))
    torch = library("torch")
    free, total = torch.cuda.mem_get_info(torch.device(device))
    peak = torch.cuda.max_memory_allocated(device)
    rig.peak = max(rig.peak or 0, peak)
    return {
        "peak": peak,
        "reserved": torch.cuda.max_memory_reserved(device),
        "context": total - free - torch.cuda.memory_reserved(device),
    }


def is_out_of_memory(error: BaseException) -> bool:
    return bool(re.search("OutOfMemoryError|out of memory|ALLOC_FAILED", f"{type(error).__name__}: {error}"))


def within_memory(rig: Rig, action: Callable[[], Any]) -> tuple[Any, bool]:
    """The action's value, and whether there was memory enough."""
    try:
        return action(), True
    except Exception as error:
        if rig.on_cpu or not is_out_of_memory(error):
            raise
    gc.collect()  # behind the except: its traceback holds tensors
    library("torch").cuda.empty_cache()
    return None, False
