"""A model's shape from the config.json that transformers reads, whichever names its family has for things."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rigfit.catalog.place import Place, described
from rigfit.core.family import FAMILIES
from rigfit.core.problem import ProblemError
from rigfit.core.shape import Shape
from rigfit.core.words import say

_NAMES: dict[str, tuple[str, ...]] = {
    "layers": ("num_hidden_layers", "n_layer"),
    "hidden": ("hidden_size", "n_embed"),
    "heads": ("num_attention_heads", "n_head"),
    "vocab": ("vocab_size",),
}
_TIED = ("gemma", "gemma2", "opt", "bloom")  # where config.json says nothing of it
_FIX = say("give the shape instead: `{command}`", command="rigfit fits --layers ... --hidden ... --heads ...")


def read_model_config(path: Path) -> Shape:
    """Raises ProblemError `model_invalid` that names the key."""
    values, place = _values(path), Place(file=path, fix=(_FIX,))
    family = values.get("model_type")
    if family not in FAMILIES:
        needed = say("a family that is known: {names}", names=", ".join(FAMILIES))
        raise _wrong(place.at("model_type"), needed, family)
    if family == "opt" and values.get("word_embed_proj_dim", values.get("hidden_size")) != values.get("hidden_size"):
        needed = say("as much as `hidden_size`: other embeddings are not estimated")
        raise _wrong(place.at("word_embed_proj_dim"), needed, values["word_embed_proj_dim"])
    found = {name: _whole(values, keys, place) for name, keys in _NAMES.items()}
    heads, hidden = found["heads"], found["hidden"]
    return Shape(
        family=family,
        **found,
        kv_heads=_whole(values, ("num_key_value_heads",), place, default=heads),
        head_size=_whole(values, ("head_dim",), place, default=max(1, hidden // heads)),
        intermediate=_whole(values, ("intermediate_size", "ffn_dim", "n_inner"), place, default=4 * hidden),
        tied=bool(values.get("tie_word_embeddings", family in _TIED)),
        positions=_whole(values, ("max_position_embeddings",), place) if FAMILIES[family].positions else 0,
    )


def _values(path: Path) -> Mapping[str, Any]:
    place = Place(file=path, fix=(_FIX,))
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _wrong(place, say("a file that can be read"), error.strerror) from None
    except ValueError:
        raise _wrong(place, "JSON", say("something else")) from None
    if not isinstance(values, dict):
        raise _wrong(place, say("a config.json of a model"), values)
    return values


def _whole(values: Mapping[str, Any], keys: tuple[str, ...], place: Place, default: int | None = None) -> int:
    """The first of the keys that is there; one that is null is as if it were not."""
    key = next((key for key in keys if values.get(key) is not None), keys[0])
    value = values.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _wrong(place.at(key), say("a whole number, 1 or more"), value)
    return value


def _wrong(place: Place, needed: str, found: Any) -> ProblemError:
    words = found if isinstance(found, str) and found else say("nothing") if found is None else described(found)
    return place.wrong(needed=needed, found=words, code="model_invalid")
