"""What a verification consists of: its levels, the checks of each, and what to do where one fails."""

from __future__ import annotations

from typing import Literal

from rigfit.core.template import Quantization
from rigfit.core.words import say

Level = Literal["full", "imports", "stress"]
# Beside what is proven: where libraries cannot do it at all, or the driver does not tell, nothing is lost by that.
EXTRAS = frozenset({"nf4_load", "gpu_health"})
_STRESS = ("imports", "library", "stress_load", "stress_steps", "stress_numbers")


def check_ids(level: Level, quantization: Quantization, device: str) -> tuple[str, ...]:
    """The checks of a verification, in order; `device` is `cpu` or `cuda:0`."""
    if level == "stress":
        return _STRESS
    proof = (
        "imports",
        "library",
        "quantized_load",
        f"{quantization}_weights",
        "memory_ratio",
        "numeric_error",
        "lora_step",
        "adapter_roundtrip",
    )
    return (*proof, "nf4_load") if device != "cpu" and quantization == "int8" else proof


OF_THE_GPU = frozenset({"gpu_memory"})  # codes of failures that no library mends
# By the code of a failed check, what mends it in an environment that rigfit did not make.
NEXT: dict[str, str] = {
    "not_installed": say("install what does not import, in versions that work together: `rigfit templates` has some"),
    "cpu_only_torch": say(
        "install a build of torch for CUDA: `rigfit select` tells which ones this driver takes; or `--gpu none`"
    ),
    "no_gpu_seen": say("torch does not see the GPU: compare its build CUDA with the driver CUDA of `rigfit detect`"),
    "ran_on_cpu": say("something moved the model to the CPU; look at accelerate's and transformers' versions"),
    "library_missing": say(
        "install a bitsandbytes that has a library for torch's CUDA: the check names what is there and what is not"
    ),
    "library_other": say("bitsandbytes took another library than torch's CUDA needs: unset BNB_CUDA_VERSION"),
    "not_quantized": say("these versions load the model without quantizing it: take those of a template"),
    "wrong_numbers": say("these versions compute wrong numbers on this device: take those of a template"),
    "out_of_memory": say("free memory on the GPU, or take another one with `--gpu`"),
    "gpu_memory": say(
        "trust no result of that GPU: `nvidia-smi -q -d ECC` tells of its memory; restart the machine, run this again, and "
        "have the GPU replaced if the errors come back"
    ),
}
