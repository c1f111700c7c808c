"""A model of any size, loaded as from_pretrained does for a user, of random numbers that are made in seconds."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from .frame import library, release
from .stress_rig import LADDER, TINY, Rig, Shape, reset_peak
from .ways import leave_unpacked, loading, quantized_layers

WEIGHTS = 0.45  # of the memory to be filled: the most that a model from the ladder takes
POOL = 1 << 20  # the weights of a model begin at different places of its random numbers, this far apart at most
INIT_STD = 0.02


def chosen_shape(rig: Rig, free: int) -> Shape:
    if rig.on_cpu:
        return TINY
    fitting = [shape for shape in LADDER if shape.bytes(rig.way.width) <= WEIGHTS * rig.fill * free]
    return fitting[0] if fitting else LADDER[-1]


class Plan(NamedTuple):
    """What is to be loaded, by name, and of it the names of what is to be quantized and of what is no parameter."""

    model: Any
    config: Any
    weights: dict[str, Any]
    quantized: set[str]
    buffers: set[str]

    @property
    def sizes(self) -> dict[str, int]:
        return {name: tensor.numel() for name, tensor in self.weights.items() if name not in self.buffers}

    def bytes(self, quantized_width: float, float_width: float) -> float:
        """Of the parameters alone; buffers depend on transformers' version."""
        narrow = sum(size for name, size in self.sizes.items() if name in self.quantized)
        return narrow * quantized_width + (sum(self.sizes.values()) - narrow) * float_width


def planned(rig: Rig) -> Plan:
    """Every weight is a piece of the same random numbers, as many as the largest has: seconds, and little memory."""
    torch, transformers = library("torch"), library("transformers")
    family = "Llama" if hasattr(transformers, "LlamaForCausalLM") else "GPTNeoX"
    model, shape = getattr(transformers, f"{family}ForCausalLM"), rig.shape
    config = getattr(transformers, f"{family}Config")(
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        intermediate_size=shape.intermediate,
        vocab_size=shape.vocab,
        tie_word_embeddings=shape.tied,
        max_position_embeddings=max(2048, rig.sequence or 0),
        use_cache=False,
        architectures=[model.__name__],
    )
    with library("accelerate").init_empty_weights():
        empty = model(config)
    head, names = empty.get_output_embeddings(), empty.state_dict()
    kept = {name for name, module in empty.named_modules() if module is head}
    if shape.tied:  # a head of other numbers would be taken for one of its own
        names = {name: tensor for name, tensor in names.items() if name.rpartition(".")[0] not in kept}
    pool = random_numbers(rig, max(tensor.numel() for tensor in names.values()) + POOL)
    weights = {name: filled(name, tensor, pool, number) for number, (name, tensor) in enumerate(names.items())}
    linears = [name for name, module in empty.named_modules() if isinstance(module, torch.nn.Linear)]
    buffers = {name for name, _ in empty.named_buffers()} & set(names)
    return Plan(model, config, weights, {f"{name}.weight" for name in linears if name not in kept}, buffers)


def random_numbers(rig: Rig, count: int) -> Any:
    """Made where that is quick, and kept in the computer's memory."""
    torch = library("torch")
    pool = torch.randn(count, device=rig.device).mul_(INIT_STD).half().cpu()
    if rig.on_cpu:
        return pool
    torch.cuda.empty_cache()
    with contextlib.suppress(RuntimeError):  # only quicker
        pool = pool.pin_memory()
    return pool


def filled(name: str, tensor: Any, pool: Any, number: int) -> Any:
    if not tensor.is_meta:  # a buffer with numbers of its own
        return tensor
    if tensor.dim() == 1:  # of a norm, or a bias
        return pool.new_full(tensor.shape, float(name.endswith("weight")))
    start = number * 64 * 997 % POOL
    return pool[start : start + tensor.numel()].view(tensor.shape)


def load(rig: Rig, plan: Plan) -> float:
    """Seconds that it took. Within transformers nothing differs from a model that was downloaded."""
    options = loading(rig.way, rig.device)
    # earlier ones cannot; later ones refuse the file if torch is older than 2.6
    if release(library("transformers")) >= (4, 51):
        source: tuple[Any, ...] = (None,)
        options.update(config=plan.config, state_dict=plan.weights)
    else:
        source = (write(plan, rig.scratch / "model"),)
    reset_peak(rig)
    started = time.perf_counter()
    rig.model = plan.model.from_pretrained(*source, **options)
    leave_unpacked(rig.way, rig.model)
    return time.perf_counter() - started


def write(plan: Plan, folder: Path) -> str:
    """A file of the size of the random numbers, since what is shared is written once."""
    folder.mkdir()
    plan.config.save_pretrained(str(folder))
    library("torch").save(plan.weights, str(folder / "pytorch_model.bin"))
    return str(folder)


def base_tensors(rig: Rig) -> Iterator[tuple[str, Any]]:
    """What an adapter's training must not change: parameters, buffers, and the scales of quantized weights."""
    yield from ((name, tensor) for name, tensor in rig.model.named_parameters() if "lora_" not in name)
    yield from rig.model.named_buffers()
    for name, layer in quantized_layers(rig.way, rig.model):
        state = getattr(layer.weight, "quant_state", None)
        state = state[0] if isinstance(state, (list, tuple)) else state  # bitsandbytes up to 0.40
        row_scales = getattr(getattr(layer, "state", None), "SCB", None)
        scales = {
            "SCB": row_scales if row_scales is not None else getattr(layer.weight, "SCB", None),
            "absmax": getattr(state, "absmax", state),
        }
        yield from ((f"{name}.{kind}", tensor) for kind, tensor in scales.items() if tensor is not None)


def size_of(tensors: Iterable[tuple[str, Any]]) -> int:
    return sum(tensor.numel() * tensor.element_size() for _, tensor in tensors)
