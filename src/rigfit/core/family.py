"""Families of decoder-only models, as transformers builds them: their layers, and what training keeps of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensors:
    """How many float32 tensors, by what they hold for each token.

    As wide as the hidden state, all queries, all keys, the three of attention in one, the MLP; `scores` have a value for
    each head and each pair of tokens.
    """

    hidden: float = 0
    query: float = 0
    key: float = 0
    fused: float = 0
    inner: float = 0
    scores: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A `model_type` of transformers.

    `attention` names four linear layers (queries, keys, values, output) or two (the three in one, output); `mlp` those of
    its MLP, of which the last one narrows; `gated` says that what widens is twice as wide as what it narrows. `norms` are
    the vectors of a layer's norms, `outer` those of norms outside of the layers. `kept` is what backward needs of a layer,
    `worst` what is live beside it at the worst moment of the MLP. `eager` attention always stores its scores; `masks`
    are float32 masks of one value for each pair of tokens.

    The counts are those of transformers 5.23, PEFT 0.21 and bitsandbytes 0.50: their own code trained layers of each family
    on tensors without data, and what was live at the peak was counted.
    """

    name: str
    attention: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")
    mlp: tuple[str, ...] = ("gate_proj", "up_proj", "down_proj")
    gated: bool = True
    biased: tuple[str, ...] = ()
    norms: int = 2
    outer: int = 1
    head_norms: bool = False
    head_bias: bool = False
    positions: bool = False
    targets: tuple[str, ...] = ("q_proj", "v_proj")
    logits: int = 3
    eager: bool = False
    masks: int = 0
    kept: Tensors = Tensors(hidden=4, query=2, key=2, inner=4)
    worst: Tensors = Tensors(hidden=2, inner=3)

    @property
    def linears(self) -> tuple[str, ...]:
        return self.attention + self.mlp

    @property
    def fused(self) -> bool:
        return len(self.attention) == 2


_QKV = ("query_key_value", "dense")
_OPT = ("q_proj", "k_proj", "v_proj", "out_proj")
_PLAIN = ("dense_h_to_4h", "dense_4h_to_h")
_IN_VIEW = {"key": -1.0, "fused": 1.0}  # values stay a part of the fused tensor, so all of it stays

_ALL = (
    Family(name="llama"),
    Family(name="mistral"),
    Family(name="qwen2", biased=("q_proj", "k_proj", "v_proj")),
    Family(name="qwen3", head_norms=True, kept=Tensors(hidden=4, query=3, key=3, inner=4)),
    Family(name="gemma"),
    Family(
        name="gemma2",
        norms=4,
        logits=4,
        eager=True,
        masks=2,
        kept=Tensors(hidden=5, query=4, inner=4, scores=2),
    ),
    Family(
        name="phi",
        attention=("q_proj", "k_proj", "v_proj", "dense"),
        mlp=("fc1", "fc2"),
        gated=False,
        biased=("q_proj", "k_proj", "v_proj", "dense", "fc1", "fc2"),
        outer=2,
        head_bias=True,
        kept=Tensors(hidden=2, query=2, key=2, inner=5),
    ),
    Family(
        name="phi3",
        attention=("qkv_proj", "o_proj"),
        mlp=("gate_up_proj", "down_proj"),
        targets=("qkv_proj",),
        worst=Tensors(hidden=2, inner=3, **_IN_VIEW),
    ),
    Family(
        name="opt",
        attention=_OPT,
        mlp=("fc1", "fc2"),
        gated=False,
        biased=(*_OPT, "fc1", "fc2"),
        norms=4,
        outer=2,
        positions=True,
        kept=Tensors(hidden=4, query=2, key=2, inner=1),
        worst=Tensors(hidden=3, inner=2),
    ),
    Family(
        name="gpt_neox",
        attention=_QKV,
        mlp=_PLAIN,
        gated=False,
        biased=_QKV + _PLAIN,
        norms=4,
        outer=2,
        targets=_QKV[:1],
        kept=Tensors(hidden=3, query=2, key=2, inner=2),
        worst=Tensors(hidden=2, inner=2, **_IN_VIEW),
    ),
    Family(
        name="bloom",
        attention=_QKV,
        mlp=_PLAIN,
        gated=False,
        biased=_QKV + _PLAIN,
        norms=4,
        outer=4,
        targets=_QKV[:1],
        eager=True,
        masks=1,
        kept=Tensors(hidden=4, query=2, key=2, inner=2, scores=1),
        worst=Tensors(hidden=3, inner=6, scores=1),
    ),
)
FAMILIES = {family.name: family for family in _ALL}
