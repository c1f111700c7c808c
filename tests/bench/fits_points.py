"""Measures the memory of 8-bit LoRA training on a GPU, which `rigfit fits` estimates: `python tests/bench/fits_points.py --out FILE`.

A process for each point, with the Python given (`--python`, else this one); it needs the libraries and a GPU, and of rigfit the
payload alone. Three steps a point: the first makes the optimizer's states, and none after it takes more.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

PAYLOAD = Path(__file__).resolve().parents[2] / "src/rigfit/verify/payloads/stress.py"
STACK = ["torch", "transformers", "peft", "accelerate", "bitsandbytes"]
GIB = 1024**3


class Model(NamedTuple):
    """The shape alone, from the model's published config.json."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int
    vocab: int
    tied: bool = False


MODELS = {
    "llama-160m": Model(768, 12, 12, 12, 3072, 32000),
    "Qwen2.5-0.5B": Model(896, 24, 14, 2, 4864, 151936, tied=True),
    "TinyLlama-1.1B": Model(2048, 22, 32, 4, 5632, 32000),
    "Llama-3.2-1B": Model(2048, 16, 32, 8, 8192, 128256, tied=True),
    "Qwen2.5-1.5B": Model(1536, 28, 12, 2, 8960, 151936, tied=True),
    "Llama-3.2-3B": Model(3072, 28, 24, 8, 8192, 128256, tied=True),
    "Llama-2-7B": Model(4096, 32, 32, 32, 11008, 32000),
    "Qwen2.5-7B": Model(3584, 28, 28, 4, 18944, 152064),
}
ATTENTION = ("q_proj", "v_proj")
ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class Point(NamedTuple):
    model: str
    batch: int
    sequence: int
    rank: int = 8
    checkpointing: bool = True
    targets: tuple[str, ...] = ATTENTION
    quantization: str = "int8"


POINTS = (
    Point("llama-160m", 8, 1024),
    Point("llama-160m", 1, 256),
    Point("Qwen2.5-0.5B", 4, 512),
    Point("TinyLlama-1.1B", 4, 1024),
    Point("TinyLlama-1.1B", 2, 512, checkpointing=False),
    Point("TinyLlama-1.1B", 2, 2048, rank=16, targets=ALL),
    Point("Llama-3.2-1B", 2, 2048, rank=16),
    Point("Qwen2.5-1.5B", 8, 256),
    Point("Llama-3.2-3B", 1, 4096, rank=16),
    Point("Llama-2-7B", 1, 2048),
    Point("Llama-2-7B", 8, 512, rank=16),
    Point("Llama-2-7B", 1, 512, checkpointing=False),
    Point("Llama-2-7B", 1, 1024, rank=16, targets=ALL, checkpointing=False),
    Point("Qwen2.5-7B", 2, 1024),
    Point("Llama-2-7B", 1, 2048, quantization="nf4"),
)


def job_of(point: Point, device: str, scratch: str) -> dict[str, Any]:
    model = {"family": "llama", **MODELS[point.model]._asdict()}
    asked = {**point._asdict(), "model": model, "steps": 3}
    return {**asked, "device": device, "imports": STACK, "scratch": scratch}


def measured(python: str, point: Point, device: str) -> dict[str, Any]:
    """The point with its figures, in bytes and seconds; `why` instead, where there are none."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        child = subprocess.run(
            [python, "-I", "-u", str(PAYLOAD)],
            input=json.dumps(job_of(point, device, scratch)),
            capture_output=True,
            text=True,
            check=False,
        )
    lines = [json.loads(line) for line in child.stdout.splitlines()]
    checks = {line["id"]: line for line in lines if line["event"] == "check"}
    why = [f"{name}: {check['why']}" for name, check in checks.items() if check["status"] != "passed"]
    row = {**point._asdict(), "shape": MODELS[point.model]._asdict(), "wall": round(time.monotonic() - started, 1)}
    if why or "stress_numbers" not in checks:
        return {**row, "why": why or child.stderr[-2000:]}
    versions = next(line["versions"] for line in lines if line["event"] == "versions")
    load, steps = checks["stress_load"]["measured"], checks["stress_steps"]["measured"]
    return {**row, "load": load, "steps": steps, "numbers": checks["stress_numbers"]["measured"], "versions": versions}


def gpu_of(python: str, device: str) -> str:
    code = f"import torch; print(torch.cuda.get_device_name({device!r}))"
    asked = [python, "-c", "print('none')" if device == "cpu" else code]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def told(row: dict[str, Any]) -> str:
    size = f"{row['model']:<16}{row['batch']:>6}{row['sequence']:>9}{row['rank']:>5}{len(row['targets']):>8}"
    kind = f"{row['quantization']:>6}{'on' if row['checkpointing'] else 'off':>6}"
    if "why" in row:
        return f"{size}{kind}  {row['why']}"
    load, steps = row["load"], row["steps"]
    parts = (load["bytes"], load["peak"], steps["peak"], steps["reserved"], steps["context"])
    figures = "".join("       -" if part is None else f"{part / GIB:8.2f}" for part in parts)
    return f"{size}{kind}{figures}{load['seconds']:7.1f}{steps['seconds_per_step']:8.3f}{row['wall']:7.1f}"


HEAD = "model            batch sequence rank targets  bits ckpt  weights    load    peak reserved context  load s  step s   wall\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file")
    parser.add_argument("--only", default="", help="points of the models with this in their name")
    args = parser.parse_args()
    kept: dict[str, Any] = {"gpu": gpu_of(args.python, args.device), "steps": 3, "points": []}
    print(f"{kept['gpu']}; GiB\n{HEAD}", end="", flush=True)
    for point in POINTS:
        if args.only in point.model:
            kept["points"].append(measured(args.python, point, args.device))
            print(told(kept["points"][-1]), flush=True)
            args.out.write_text(json.dumps(kept, indent=1) + os.linesep, encoding="utf-8")
    return int(any("why" in row for row in kept["points"]))


if __name__ == "__main__":
    sys.exit(main())
