"""The models that quantization is proven with, and what one check leaves for the next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .frame import Job, library, say
from .ways import WAYS, leave_unpacked, loading, quantized_layers

BATCH = (2, 8)


class Family(NamedTuple):
    model: str
    config: str
    sizes: dict[str, Any]
    layers: int  # to be quantized: not the head, nor T5's `wo`, which transformers keeps in float32
    lora: list[str]
    task: str = "CAUSAL_LM"
    large: Any = None  # sizes in the place of some of those, on a GPU with room


VOCABULARY = {"vocab_size": 512}
WIDTH = {"hidden_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 128}
LLAMA = {**VOCABULARY, **WIDTH, "intermediate_size": 512}
OPT = {**VOCABULARY, **WIDTH, "ffn_dim": 512, "word_embed_proj_dim": 256, "dropout": 0.0}
T5_WIDTH = {"d_model": 256, "d_kv": 64, "d_ff": 512, "num_layers": 2, "num_heads": 4}
T5 = {**VOCABULARY, **T5_WIDTH, "dropout_rate": 0.0, "decoder_start_token_id": 0}
# As wide as a model of a billion parameters, in as many layers as before: about 110 million parameters.
LARGE = {"vocab_size": 4096, "hidden_size": 2048, "num_attention_heads": 16}
LARGE_LLAMA = {**LARGE, "intermediate_size": 5504}
LARGE_OPT = {**LARGE, "ffn_dim": 8192, "word_embed_proj_dim": 2048}
CAUSAL = (  # best first; LLaMA came with transformers 4.28
    Family("LlamaForCausalLM", "LlamaConfig", LLAMA, 14, ["q_proj", "v_proj"], large=LARGE_LLAMA),
    Family("OPTForCausalLM", "OPTConfig", OPT, 12, ["q_proj", "v_proj"], large=LARGE_OPT),
    Family("GPTNeoXForCausalLM", "GPTNeoXConfig", LLAMA, 8, ["query_key_value"], large=LARGE_LLAMA),
)
SEQ2SEQ = Family("T5ForConditionalGeneration", "T5Config", T5, 28, ["q", "v"], "SEQ_2_SEQ_LM")
ROOM = 2 << 30  # bytes free on the GPU for the large sizes


@dataclass
class Subject:
    """One model: the float32 truth on the CPU, its quantized copy on the device, and that copy with an adapter."""

    family: Family
    truth: Any
    inputs: dict[str, Any]
    folder: Path
    loaded: Any = None
    adapted: Any = None

    @property
    def name(self) -> str:
        return self.family.model


class Rig(Job):
    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__(job)
        self.level: str = job["level"]
        if self.level not in ("full", "imports"):
            raise ValueError(f"no such level: {self.level}")
        self.way = WAYS[self.quantization]
        self.subjects: list[Subject] = []


def fitted(rig: Rig, family: Family) -> Family:
    """At its large sizes where the GPU has room for them."""
    if rig.on_cpu:
        return family
    free, _total = library("torch").cuda.mem_get_info(rig.device)
    if free < ROOM:
        rig.notes.append(
            say(
                "{free:.1f} GiB of the GPU are free, and {room:.1f} GiB are needed for the usual model: a smaller one was taken",
                free=free / 2**30,
                room=ROOM / 2**30,
            )
        )
        return family
    return family._replace(sizes={**family.sizes, **(family.large or {})})


def make_subject(rig: Rig, family: Family) -> Subject:
    torch, transformers = library("torch"), library("transformers")
    torch.manual_seed(rig.seed)
    truth = getattr(transformers, family.model)(getattr(transformers, family.config)(**family.sizes)).eval()
    folder = rig.scratch / family.model
    truth.save_pretrained(str(folder))  # safetensors where that is this version's default, else .bin
    tokens, others = torch.randint(2, family.sizes["vocab_size"], (2, *BATCH))
    inputs = {"input_ids": tokens, "labels": others if family is SEQ2SEQ else tokens}
    return Subject(family, truth, inputs, folder)


def load_quantized(rig: Rig, subject: Subject) -> Any:
    family = getattr(library("transformers"), subject.name)
    model = family.from_pretrained(str(subject.folder), **loading(rig.way, rig.device))
    # Moving a model to where it is must change nothing: accelerate does so under transformers 4, scripts do so under any. On a CPU
    # bitsandbytes 0.46 then quantizes the quantized weights once more, and says nothing.
    for _, layer in quantized_layers(rig.way, model):
        layer.to(rig.device)
    leave_unpacked(rig.way, model)
    return model


def named_tensors(model: Any) -> list[tuple[str, Any]]:
    """Parameters, buffers, and the scales of 4-bit weights, which are neither."""
    parameters = list(model.named_parameters())
    states = [(name, getattr(parameter, "quant_state", None)) for name, parameter in parameters]
    scales = [(f"{name}.absmax", state.absmax) for name, state in states if state is not None]
    return [*parameters, *model.named_buffers(), *scales]


def size_of(tensors: list[Any]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def forward(rig: Rig, model: Any, inputs: dict[str, Any]) -> Any:
    return model(**{name: tensor.to(rig.device) for name, tensor in inputs.items()})


def distance(value: Any, truth: Any) -> float:
    value, truth = value.detach().float().cpu(), truth.detach().float().cpu()
    return float((value - truth).norm() / truth.norm())
