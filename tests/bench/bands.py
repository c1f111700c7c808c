"""Measures what the bands of the payload rest on, in the Python that runs it: `ENV/bin/python tests/bench/bands.py --seeds 20`.

Every causal family and T5, each seed, 8 bits and NF4. Run it where the libraries, the GPU or the payload's models changed.
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

START = Path(__file__).resolve().parents[2] / "src/rigfit/verify/payloads/start.py"
STACK = ["torch", "transformers", "peft", "accelerate", "bitsandbytes"]
Figures = dict[tuple[str, str, str], list[float]]


def figures_of(check: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Figures of a check by model and name."""
    measured = check["measured"] if isinstance(check["measured"], dict) else {}
    wanted = ("logits", "worst_layer", "ratio", "fall", "error", "effect")
    models = {model: values for model, values in measured.items() if isinstance(values, dict)}
    return {m: {name: float(values[name]) for name in wanted if name in values} for m, values in models.items()}


def run(payload: Any, rig: Any) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    payload.run(rig, lambda **line: lines.append(line))
    return [line for line in lines if line["event"] == "check"]


def measure(payload: Any, job: dict[str, Any], families: tuple[Any, ...], figures: Figures) -> list[str]:
    """Add the figures of one seed; the words of every check that did not pass."""
    faults = []
    for family in families:
        payload.CAUSAL = (family,)
        with tempfile.TemporaryDirectory() as scratch:
            rig = payload.Rig({**job, "scratch": scratch})
            checks = run(payload, rig)
        faults += [f"{family.model} {job['seed']}: {each}" for each in checks if each["status"] != "passed"]
        for check in checks:
            if check["id"] == "nf4_load":  # which is measured whole as a way of its own
                continue
            for model, values in figures_of(check).items():
                for name, value in values.items():
                    figures[job["quantization"], model, name].append(value)
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--device", default="cpu", help="cpu or cuda:0")
    parser.add_argument("--large", action="store_true", help="the sizes for a GPU with room")
    parser.add_argument("--only", choices=("int8", "nf4"), help="this way to quantize")
    args = parser.parse_args()
    payload = runpy.run_path(str(START))["loaded"]("quantized")
    figures: Figures = defaultdict(list)
    faults: list[str] = []
    job = {"level": "full", "device": args.device, "imports": STACK, "scratch": tempfile.gettempdir()}
    payload.settle(payload.Rig({**job, "quantization": "nf4"}))
    families, refused = payload.CAUSAL, payload.frame.refuse_network()
    if args.large:
        families = tuple(family._replace(sizes={**family.sizes, **(family.large or {})}) for family in families)
    payload.fitted = lambda _rig, family: family
    payload.frame.refuse_network = lambda: refused
    for quantization in (args.only,) if args.only else ("int8", "nf4"):
        for seed in range(args.seeds):
            faults += measure(payload, {**job, "quantization": quantization, "seed": seed}, families, figures)
    print(json.dumps(payload.frame.versions(payload.Rig({**job, "quantization": "nf4"}))))
    for (quantization, model, name), values in sorted(figures.items()):
        print(f"{quantization}  {model:<28} {name:<12} {min(values):<8.4g} to {max(values):<8.4g} ({len(values)})")
    print(*faults, sep="\n")
    sys.stdout.flush()
    os._exit(1 if faults else 0)


if __name__ == "__main__":
    sys.exit(main())
