"""Estimates the GPU memory that training LoRA adapters on a quantized model takes.

It is about what people run: `from_pretrained` with 8-bit weights (or NF4), `prepare_model_for_kbit_training`,
`get_peft_model`, AdamW, no autocast. The sources of the terms, read in the installed packages on 2026-11-22:

- PEFT 0.21.2, `prepare_model_for_kbit_training` (peft/utils/other.py): what is not quantized is cast to float32, so
  embeddings, head and norms are, and with them every activation; the copy that is cast lives until its cast is done.
- transformers 5.23.0: the head is never quantized (`get_keys_to_not_convert` in quantizers/base.py); the loss takes float32
  logits without a shifted copy (loss/loss_utils.py), beside which log-softmax and two gradients are live in backward.
- bitsandbytes 0.50.2, `MatMul8bitLt` (autograd/_functions.py): backward keeps the float32 input of each layer, and
  dequantizes one weight to float32 (`CB.to(ctx.dtype_A)`); rows have float32 statistics. `MatMul4Bit` keeps no input, and
  dequantizes one weight to float16 (with float16 or bfloat16 as `bnb_4bit_compute_dtype`); NF4 takes half a byte for a
  weight, and a float32 maximum for 64 of them.
- torch 2.11: attention in float32 stores no scores if queries and keys have the same heads. Where they have not, the kernel
  that does so refuses (a pull request of July 2026 changes it, https://github.com/pytorch/pytorch/pull/191085), and scores
  are stored.
- AdamW keeps two float32 values for a parameter, and its foreach form takes one more while it steps.

Measured with tests/bench/fits_points.py on an H100 with torch 2.11: CUDA's context, a workspace of 32 MiB for each of the two
threads that multiply matrices, and one copy of the scores more than the walk over tensors without data shows.
"""

from __future__ import annotations

from dataclasses import replace

from rigfit.core.family import Tensors
from rigfit.core.footprint import Footprint, Part, Training, allocated
from rigfit.core.shape import Shape
from rigfit.core.words import say

_FLOAT32, _FLOAT16 = 4, 2
_BLOCK = 64  # weights that share a maximum in NF4
_ADAM = 2  # values that AdamW keeps for a parameter
_MIB = 1 << 20
CONTEXT = 817 * _MIB
WORKSPACE = 2 * 32 * _MIB


def estimate(shape: Shape, training: Training) -> Footprint:
    parts = (
        *_standing(shape, training),
        *_load(shape),
        *_loss(shape, training),
        *_layer(shape, training),
        *_step(shape, training),
    )
    return Footprint(parts=parts, context=CONTEXT, room=_room(parts))


def _room(parts: tuple[Part, ...]) -> int:
    """What torch's allocator loses to gaps: a share of all, but not more than one of what comes and goes.

    Measured as the rest: with 15 % more than the peak each of five trainings went on, with 10 % more three of them did not.
    """
    passing = allocated(parts) - sum(part.size for part in parts if part.moment is None)
    return round(min(0.16 * allocated(parts), 0.45 * passing))


def adapters(shape: Shape, training: Training) -> int:
    """Trainable parameters: two matrices of `rank` for each target in each layer."""
    targets = training.targets or shape.of.targets
    widths = sum(linear.inputs + linear.outputs for linear in shape.linears if linear.name in targets)
    return shape.layers * training.rank * widths


def _standing(shape: Shape, training: Training) -> tuple[Part, ...]:
    trained = adapters(shape, training) * _FLOAT32
    unquantized = shape.unquantized * _FLOAT32
    return (
        _weights(shape, training),
        Part(code="unquantized", what=say("embeddings, head, norms: in 32 bits"), size=unquantized),
        Part(code="adapters", what=say("LoRA adapters: in 32 bits"), size=trained),
        Part(code="optimizer", what=say("AdamW: two values for each trained parameter"), size=_ADAM * trained),
        Part(code="workspace", what=say("workspace of the matrix library"), size=WORKSPACE),
    )


def _weights(shape: Shape, training: Training) -> Part:
    if training.quantization == "int8":
        size = shape.quantized + shape.rows * _FLOAT32
        return Part(code="weights", what=say("weights in 8 bits, with their statistics"), size=size)
    size = shape.quantized // 2 + shape.quantized // _BLOCK * _FLOAT32
    return Part(code="weights", what=say("weights in 4 bits (NF4), with their maxima"), size=size)


def _load(shape: Shape) -> tuple[Part, ...]:
    """The half-precision copy of the embedding, while it is cast to float32."""
    what = say("embedding in 16 bits, until it is cast")
    return (Part(code="casting", what=what, size=shape.embedding * _FLOAT16, moment="load"),)


def _loss(shape: Shape, training: Training) -> tuple[Part, ...]:
    """Logits, log-softmax and gradients, beside what the layers have kept."""
    logits = shape.of.logits * training.tokens * shape.vocab * _FLOAT32
    through = _between(shape, training) + 2 * training.tokens * shape.hidden * _FLOAT32
    return (
        Part(code="kept", what=_kept_words(training), size=through, moment="loss"),
        Part(
            code="logits",
            what=say("logits and loss: in 32 bits, {count} copies", count=shape.of.logits),
            size=logits,
            moment="loss",
        ),
    )


def _layer(shape: Shape, training: Training) -> tuple[Part, ...]:
    """One layer on its way back: the last one, beside what all have kept, or the first one, beside all gradients."""
    kept = _between(shape, training)
    gradients = adapters(shape, training) * _FLOAT32
    at_work = max(_in_mlp(shape, training), _in_attention(shape, training))
    return (
        Part(code="kept", what=_kept_words(training), size=max(kept, gradients), moment="layer"),
        Part(code="layer", what=say("one layer at work, forward again and backward"), size=at_work, moment="layer"),
    )


def _step(shape: Shape, training: Training) -> tuple[Part, ...]:
    gradients = adapters(shape, training) * _FLOAT32
    return (
        Part(code="gradients", what=say("gradients of the LoRA adapters"), size=gradients, moment="step"),
        Part(code="stepping", what=say("AdamW while it steps"), size=gradients, moment="step"),
    )


def _kept_words(training: Training) -> str:
    if training.checkpointing:
        return say("activations kept: the input of each layer (gradient checkpointing)")
    return say("activations kept: of all layers, without gradient checkpointing")


def _between(shape: Shape, training: Training) -> int:
    """What the forward pass leaves to the backward pass, and masks, which are made once."""
    tensors = Tensors(hidden=1) if training.checkpointing else kept_tensors(shape, training)
    masks = shape.of.masks * training.tokens * training.sequence * _FLOAT32
    return shape.layers * _size(tensors, shape, training) + masks


def _in_mlp(shape: Shape, training: Training) -> int:
    """Either gradients of the activation or, with few tokens, a dequantized weight is the most beside what is kept."""
    worst, through = shape.of.worst, 1
    if set(training.targets) & set(shape.of.mlp):  # the adapter's gradient, beside that of its layer
        worst, through = replace(worst, inner=max(worst.inner, 3)), 2
    gradients = _size(worst, shape, training)
    dequantized = _size(replace(worst, inner=through), shape, training) + _dequantized(shape, training)
    return _recomputed(shape, training) + max(gradients, dequantized, _outliers(shape, training))


def _outliers(shape: Shape, training: Training) -> int:
    """Where the MLP narrows, on the way there: codes, and the weight of outlying columns in 8 bits and twice in 32."""
    if training.quantization != "int8":
        return 0
    narrowing = shape.linears[-1].weight
    return _size(Tensors(hidden=1, inner=0.25), shape, training) + narrowing * (1 + 2 * _FLOAT32)


def _in_attention(shape: Shape, training: Training) -> int:
    """Where scores are stored: while the softmax is taken, or on the way back through it."""
    if not stores_scores(shape):
        return 0
    forward = Tensors(hidden=2, query=7, key=3, scores=0 if shape.of.eager else 4.25)  # a quarter: which rows are empty
    backward = Tensors(hidden=5, query=4, key=2, inner=1, scores=4 if shape.of.eager else 3)
    there = 0 if training.checkpointing else _size(kept_tensors(shape, training), shape, training)
    return max(_size(forward, shape, training), _size(backward, shape, training)) - there


def _recomputed(shape: Shape, training: Training) -> int:
    """With checkpointing, a layer computes again what it needs, but for its input; the adapters keep a little, too."""
    if not training.checkpointing:
        return 0
    kept = kept_tensors(shape, training)
    targets = training.targets or shape.of.targets
    narrow = training.rank * len(targets) * training.tokens * _FLOAT32
    return _size(replace(kept, hidden=kept.hidden - 1), shape, training) + narrow


def _dequantized(shape: Shape, training: Training) -> int:
    largest = max(linear.weight for linear in shape.linears)
    return largest * (_FLOAT32 if training.quantization == "int8" else _FLOAT16)


def stores_scores(shape: Shape) -> bool:
    return shape.of.eager or shape.kv_heads != shape.heads


def kept_tensors(shape: Shape, training: Training) -> Tensors:
    """Of one layer. Attention that stores its scores keeps repeated keys and values, as wide as the queries, and copies.

    An 8-bit layer keeps outlying columns of its input once more: all of them at most, and that where the MLP narrows. A
    4-bit layer does not even keep its input, so what nothing else keeps is gone.
    """
    kept = shape.of.kept
    if stores_scores(shape) and not shape.of.eager:
        kept = replace(kept, query=kept.query + 2, key=kept.key - 2, scores=1)
    if training.quantization == "nf4":
        return replace(kept, hidden=kept.hidden - 1, inner=max(1, kept.inner - 1))
    return replace(kept, inner=kept.inner + 1)


def _size(tensors: Tensors, shape: Shape, training: Training) -> int:
    values = (
        tensors.hidden * shape.hidden
        + tensors.query * shape.query
        + tensors.key * shape.key
        + tensors.fused * (shape.query + 2 * shape.key)
        + tensors.inner * shape.intermediate
        + tensors.scores * shape.heads * training.sequence
    )
    return round(values * training.tokens * _FLOAT32)
