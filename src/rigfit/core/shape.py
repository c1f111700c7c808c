"""The shape of a decoder-only model: its widths and depths, and the parameters that follow from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rigfit.core.family import FAMILIES, Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """One linear layer; bitsandbytes quantizes its weight and not its bias."""

    name: str
    inputs: int
    outputs: int
    bias: bool

    @property
    def weight(self) -> int:
        return self.inputs * self.outputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """As config.json tells it. `positions` is the number of learned positions, 0 where they are computed."""

    family: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_size: int
    intermediate: int
    vocab: int
    tied: bool
    positions: int = 0

    @property
    def of(self) -> Family:
        return FAMILIES[self.family]

    @property
    def query(self) -> int:
        return self.heads * self.head_size

    @property
    def key(self) -> int:
        return self.kv_heads * self.head_size

    @property
    def linears(self) -> tuple[Linear, ...]:
        """Those of one layer."""
        return tuple(
            Linear(name=name, inputs=inputs, outputs=outputs, bias=name in self.of.biased)
            for name, inputs, outputs in (*self._attention(), *self._mlp())
        )

    def _attention(self) -> Iterator[tuple[str, int, int]]:
        names = self.of.attention
        widths = (self.query + 2 * self.key,) if self.of.fused else (self.query, self.key, self.key)
        yield from ((name, self.hidden, width) for name, width in zip(names[:-1], widths, strict=True))
        yield names[-1], self.query, self.hidden

    def _mlp(self) -> Iterator[tuple[str, int, int]]:
        *widening, narrowing = self.of.mlp
        wide = self.intermediate * (2 if self.of.gated else 1) // len(widening)
        yield from ((name, self.hidden, wide) for name in widening)
        yield narrowing, self.intermediate, self.hidden

    @property
    def quantized(self) -> int:
        """Weights that bitsandbytes quantizes: all linear layers but the head."""
        return self.layers * sum(linear.weight for linear in self.linears)

    @property
    def rows(self) -> int:
        """Rows of the quantized weights; each has one float32 statistic."""
        return self.layers * sum(linear.outputs for linear in self.linears)

    @property
    def embedding(self) -> int:
        return self.vocab * self.hidden

    @property
    def unquantized(self) -> int:
        """Embeddings, head, norms and biases."""
        family = self.of
        biases = sum(linear.outputs for linear in self.linears if linear.bias)
        norms = family.norms * self.hidden + (2 * self.head_size if family.head_norms else 0)
        table = self.embedding * (1 if self.tied else 2) + (self.vocab if family.head_bias else 0)
        learned = (self.positions + 2) * self.hidden if family.positions else 0
        return self.layers * (biases + norms) + family.outer * self.hidden + table + learned

    @property
    def parameters(self) -> int:
        return self.quantized + self.unquantized
