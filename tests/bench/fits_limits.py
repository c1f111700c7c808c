"""Measures how much more than its peak a training must be given on a GPU: `python tests/bench/fits_limits.py`.

torch's allocator cannot use all of what it has taken. Each training is run freely, then again and again with less that torch may
take, down to the peak, until it runs out. The lines printed are those of `limits` in tests/data/fits.json.
"""

from __future__ import annotations

import gc
import importlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src/rigfit/verify/payloads"))

from tests.bench.fits_points import ATTENTION, MODELS, Point, job_of

POINTS = (
    Point("TinyLlama-1.1B", 4, 1024),
    Point("TinyLlama-1.1B", 2, 512, checkpointing=False),
    Point("Qwen2.5-0.5B", 4, 512),
    Point("Llama-3.2-3B", 1, 4096, rank=16),
    Point("Llama-2-7B", 8, 512),
)
SHARES = (1.15, 1.10, 1.07, 1.05, 1.04, 1.03, 1.02, 1.01, 1.0)  # of the peak
FREELY = 0.95  # of the GPU


def measured(point: Point) -> dict[str, Any]:
    import torch

    stress = importlib.import_module("stress")
    rig = stress.Rig(stress.Asked(job_of(point, "cuda:0", tempfile.gettempdir())), lambda **_: None)
    stress.check_load(rig)
    trainee = stress.adapted(rig)
    rig.course.batch, rig.course.sequence = point.batch, point.sequence
    tokens = stress.tokens_of(rig, point.batch)[0]

    def runs(share: float) -> bool:
        trainee.optimizer.zero_grad(set_to_none=True)
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(share)
        try:
            for _ in range(3):
                trainee.step(tokens)
        except torch.OutOfMemoryError:
            return False
        return True

    torch.cuda.reset_peak_memory_stats()
    runs(FREELY)
    peak, total = torch.cuda.max_memory_allocated(), torch.cuda.get_device_properties(0).total_memory
    enough = [share for share in SHARES if runs(share * peak / total)]
    told = {name: getattr(point, name) for name in ("batch", "sequence", "rank", "checkpointing", "quantization")}
    return {
        "model": point.model,
        "shape": MODELS[point.model]._asdict(),
        "training": {**told, "targets": ATTENTION},
        "peak": peak,
        "enough": round(min(enough) * peak) if enough else None,
        "too_little": round(max(set(SHARES) - set(enough)) * peak) if len(enough) < len(SHARES) else None,
    }


def main() -> None:
    if sys.argv[1:]:
        print(json.dumps(measured(POINTS[int(sys.argv[1])])), flush=True)
        return
    for number in range(len(POINTS)):  # each in a process of its own
        subprocess.run([sys.executable, __file__, str(number)], check=False)


if __name__ == "__main__":
    main()
