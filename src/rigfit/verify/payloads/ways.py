"""The ways to quantize: what is asked of transformers, and what is then to be found."""

from __future__ import annotations

from typing import Any, NamedTuple

from .frame import library, release

# Bands, from runs of tests/bench/bands.py on 2026-11-22, seeds 0 to 19 (H100: 0 to 9), each causal family. CPU: transformers 5.23.0 + peft 0.21.2 + bitsandbytes 0.50.2, and
# 4.57.6 + 0.18.1 + 0.49.2; H100: 5.17.0 + 0.21.0 + 0.50.2. "0.46.1" is the CPU stacks with that bitsandbytes, which computes nonsense.


class Way(NamedTuple):
    """Bands are relative errors."""

    title: str
    config: dict[str, Any]
    layer: str
    nature: dict[str, list[str]]  # of the weights: dtypes, for 4 bits also classes and the kinds of number meant
    width: float  # bytes a weight
    logits: tuple[float, float]
    worst_layer: tuple[float, float]


WAYS = {
    "int8": Way(
        title="8-bit",
        config={"load_in_8bit": True},
        layer="Linear8bitLt",
        nature={"dtypes": ["torch.int8"]},
        width=1,
        logits=(1e-3, 0.1),  # 0.014 to 0.021, large 0.024 to 0.044; 0.46.1: 1.1 to 1.4; 0 is an unquantized model
        worst_layer=(1e-3, 0.03),  # 0.008 to 0.010; 0.46.1: 2,100 to 5,600
    ),
    "nf4": Way(
        title="4-bit",
        config={"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
        layer="Linear4bit",
        nature={"dtypes": ["torch.uint8"], "classes": ["Params4bit"], "kinds": ["nf4"]},  # two weights a byte
        width=1 / 2 + 4 / 64,  # a float32 scale for each block of 64
        logits=(0.05, 0.45),  # 0.126 to 0.213, large 0.205 to 0.293; FP4, which this does not tell: 0.197 to 0.238
        worst_layer=(0.05, 0.115),  # 0.094 to 0.103; FP4: 0.125; scales a tenth too large: 0.148; 8 bits: 0.010
    ),
}


def loading(way: Way, device: str) -> dict[str, Any]:
    """The options of from_pretrained."""
    torch, transformers = library("torch"), library("transformers")
    on_cpu = device == "cpu"
    dtype = torch.float32 if on_cpu else torch.float16  # of what stays unquantized
    compute = {"bnb_4bit_compute_dtype": dtype} if "load_in_4bit" in way.config else {}
    return {
        # there from 4.27 on, while the argument `load_in_8bit=` is gone from 5.0 on
        "quantization_config": transformers.BitsAndBytesConfig(**way.config, **compute),
        "device_map": {"": "cpu" if on_cpu else torch.device(device).index},
        "dtype" if release(transformers) >= (4, 56) else "torch_dtype": dtype,
    }


def quantized_layers(way: Way, model: Any) -> list[tuple[str, Any]]:
    kind = getattr(library("bitsandbytes").nn, way.layer)
    return [(name, module) for name, module in model.named_modules() if isinstance(module, kind)]


def leave_unpacked(way: Way, model: Any) -> None:
    """On a CPU with AVX512-BF16 bitsandbytes packs 4-bit weights anew for the first inference; then no gradient passes through them.

    No GPU does that, and it is GPUs that 4 bits are proven on.
    """
    for _, layer in quantized_layers(way, model):
        layer.support_avx512bf16_for_cpu = False


def prepare_for_training(model: Any, *, checkpointing: bool = True) -> Any:
    peft = library("peft")  # below 0.4 it has only the second, from 0.10 on only the first
    prepare = getattr(peft, "prepare_model_for_kbit_training", None) or peft.prepare_model_for_int8_training
    return prepare(model, use_gradient_checkpointing=checkpointing)


def add_lora(base: Any, targets: list[str], task: str, rank: int) -> Any:
    peft = library("peft")
    scale = {"r": rank, "lora_alpha": 2 * rank, "lora_dropout": 0.0, "bias": "none"}
    return peft.get_peft_model(base, peft.LoraConfig(target_modules=targets, task_type=task, **scale))
