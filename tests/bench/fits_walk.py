"""Holds the counts of core/family.py against the libraries' own code: `ENV/bin/python tests/bench/fits_walk.py`, without a GPU.

A few layers of each family are trained on tensors without data, every live byte is counted at the peak, and the estimate of the
same training is shown beside it. Run it after a new version of transformers, PEFT or bitsandbytes. What a kernel of bitsandbytes
or torch takes within itself is told here, as their code has it; attention in float32 is the kernel that stores no scores
where heads are not shared, and the one that stores them elsewhere. Every column is taken for an outlying one where the MLP
narrows, as the estimate does.
"""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
import weakref
from pathlib import Path
from typing import Any

import bitsandbytes as bnb
import torch
import transformers
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter
from transformers import AutoConfig, AutoModelForCausalLM, masking_utils

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from rigfit.core.estimate import WORKSPACE, estimate
from rigfit.core.family import FAMILIES
from rigfit.core.footprint import Training, allocated
from rigfit.core.shape import Shape

MIB = 1 << 20
GRAIN = 512  # bytes, by which torch's allocator rounds up
LAYERS = 6
HIDDEN = 1536
SCORES_WITHIN = (
    13  # bytes for each score: softmax, a copy, which rows are empty; as measured, a copy more than the code tells
)
Bytes = dict[int, int]


class Ledger(TorchDispatchMode):  # type: ignore[misc]
    """Counts what lives on the device without data."""

    def __init__(self) -> None:
        super().__init__()
        self.live: Bytes = {}
        self.peak = 0

    def note(self, tensor: Any) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if tensor.device.type == "meta" and key not in self.live:
            self.live[key] = -(-storage.nbytes() // GRAIN) * GRAIN
            weakref.finalize(storage, self.live.pop, key)
            self.reach(0)

    def reach(self, within: int) -> None:
        self.peak = max(self.peak, sum(self.live.values()) + within)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(func)
        if "_local_scalar_dense" in name:
            return True
        self.reach(within(name, args))
        out = stood_in(name, args) or func(*args, **(kwargs or {}))
        for each in tree_iter(out):
            if isinstance(each, torch.Tensor):
                self.note(each)
        return out


def within(name: str, args: Any) -> int:
    """Bytes that a kernel takes beside what it is given and what it returns."""
    if "int8_vectorwise_quant" in name:
        return int(args[0].numel() * 4)  # float16 magnitudes, which are too large, the result
    if "int8_mixed_scaled_mm" in name:
        result = int(args[0].shape[0] * args[2].shape[0] * 10)  # int32, float16 and float32 of it
        weight = args[2].numel() * 9 if outlying(args) else 0  # in 8 bits, and twice in float32
        return max(result, weight)
    return int(args[0].numel() * SCORES_WITHIN) if "_safe_softmax" in name else 0


def stood_in(name: str, args: Any) -> Any:
    """Results of kernels whose shape depends on data."""
    if "int8_vectorwise_quant" in name:
        rows = args[0].shape[0]
        return empty(*args[0].shape, dtype=torch.int8), empty(rows), empty(0, dtype=torch.int64)
    if "int8_mixed_scaled_mm" in name:
        kept = empty(*args[0].shape) if outlying(args) else empty(0)
        return empty(args[0].shape[0], args[2].shape[0], dtype=args[0].dtype), kept
    return None


def outlying(args: Any) -> bool:
    """Whether the layer is the one where the MLP narrows."""
    return bool(args[0].shape[1] > max(HIDDEN, args[2].shape[0]))


def empty(*size: int, dtype: Any = torch.float32) -> Any:
    return torch.empty(*size, dtype=dtype, device="meta")


class Efficient(torch.autograd.Function):  # type: ignore[misc]
    """Attention that stores no scores: it keeps what it was given, its result, and a sum for each row."""

    @staticmethod
    def forward(ctx: Any, query: Any, key: Any, value: Any) -> Any:
        batch, heads, tokens, _ = query.shape
        out = empty(batch, tokens, heads, value.shape[3]).transpose(1, 2)
        ctx.save_for_backward(query, key, value, out, empty(batch, heads, tokens))
        return out

    @staticmethod
    def backward(ctx: Any, _gradient: Any) -> Any:
        query, key, value, _, sums = ctx.saved_tensors
        delta = torch.empty_like(sums)
        gradients = tuple(torch.empty_like(each.transpose(1, 2)).transpose(1, 2) for each in (query, key, value))
        del delta
        return gradients


def attention(query: Any, key: Any, value: Any, attn_mask: Any = None, **options: Any) -> Any:
    if query.shape[1] == key.shape[1]:
        return Efficient.apply(query, key, value)
    causal, scale = options.get("is_causal", False), options.get("scale")
    math = torch.ops.aten._scaled_dot_product_attention_math
    return math(query, key, value, attn_mask, 0.0, causal, None, scale=scale, enable_gqa=True)[0]


def config(shape: Shape) -> Any:
    family = shape.family
    values: dict[str, Any] = {
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "intermediate_size": shape.intermediate,
        "vocab_size": shape.vocab,
        "head_dim": shape.head_size,
        "tie_word_embeddings": shape.tied,
        "use_cache": False,
        "pad_token_id": 1 if family == "opt" else None,
    }
    values |= {"n_layer": shape.layers, "n_head": shape.heads} if family == "bloom" else {}
    values |= {"ffn_dim": shape.intermediate, "word_embed_proj_dim": shape.hidden} if family == "opt" else {}
    values |= {"dropout": 0.0, "max_position_embeddings": shape.positions} if family == "opt" else {}
    return AutoConfig.for_model(family, **values)


def quantize(model: Any) -> None:
    """As transformers does: every linear layer but the head."""
    head = model.get_output_embeddings()
    for name, layer in list(model.named_modules()):
        if not isinstance(layer, torch.nn.Linear) or layer is head:
            continue
        biased = layer.bias is not None
        made = bnb.nn.Linear8bitLt(
            layer.in_features, layer.out_features, biased, has_fp16_weights=False, threshold=6.0, device="meta"
        )
        codes = empty(*layer.weight.shape, dtype=torch.int8)
        made.weight = bnb.nn.Int8Params(codes, requires_grad=False, CB=codes, SCB=empty(codes.shape[0]))
        made.weight.CB = made.weight.data
        made.bias = torch.nn.Parameter(empty(layer.out_features, dtype=torch.float16)) if biased else None
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, made)


def walked(shape: Shape, training: Training) -> int:
    """The peak in bytes of the second step, when the optimizer has its states."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config(shape), dtype=torch.float16)
    quantize(model)
    model.is_loaded_in_8bit = True
    prepare_model_for_kbit_training(model, use_gradient_checkpointing=training.checkpointing)
    targets = list(training.targets or shape.of.targets)
    lora: Any = get_peft_model(
        model, LoraConfig(r=training.rank, target_modules=targets, task_type="CAUSAL_LM")
    ).train()
    trained = [parameter for parameter in lora.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.data = empty(*parameter.shape)
    optimizer, ledger = torch.optim.AdamW(trained), Ledger()
    for tensor in (*(parameter.data for parameter in lora.parameters()), *lora.buffers()):
        ledger.note(tensor)
    for layer in lora.modules():
        if isinstance(layer, bnb.nn.Linear8bitLt):
            ledger.note(layer.weight.SCB)
            layer.init_8bit_state()
    with ledger:
        tokens = torch.zeros(training.batch, training.sequence, dtype=torch.long, device="meta")
        for _ in range(2):
            optimizer.zero_grad()
            lora(input_ids=tokens, labels=tokens).loss.backward()
            optimizer.step()
    return ledger.peak


def shape_of(family: str, *, shared: bool) -> Shape:
    return Shape(
        family=family,
        layers=LAYERS,
        hidden=HIDDEN,
        heads=12,
        kv_heads=4 if shared else 12,
        head_size=128,
        intermediate=6144 if family == "bloom" else 5888,  # BLOOM's is four times its hidden state
        vocab=2048,
        tied=True,
        positions=2048 if FAMILIES[family].positions else 0,
    )


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.nn.functional.scaled_dot_product_attention = attention
    masking_utils.find_packed_sequence_indices = lambda _positions: None
    sys.stdout.write(f"transformers {transformers.__version__}, bitsandbytes {bnb.__version__}; MiB\n")
    for family, of in FAMILIES.items():
        groups = (False, True) if family in {"llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2"} else (False,)
        for shared in groups:
            shape = shape_of(family, shared=shared)
            for training in (
                Training(batch=1, sequence=128),
                Training(batch=4, sequence=1024),
                Training(batch=4, sequence=1024, targets=of.linears, rank=32),
                Training(batch=2, sequence=512, checkpointing=False),
            ):
                told(shape, training)


def told(shape: Shape, training: Training) -> None:
    expected = allocated(estimate(shape, training).parts) - WORKSPACE
    found = walked(shape, training)
    kind = f"{'all' if training.targets else '':4}{'' if training.checkpointing else 'kept'}"
    line = f"{shape.family:10}{shape.kv_heads:3} kv {training.batch}x{training.sequence:<5}{kind:9}"
    sys.stdout.write(f"{line}{found / MIB:9.1f}{expected / MIB:9.1f}{expected / found - 1:+8.1%}\n")


if __name__ == "__main__":
    main()
