"""A model's shape from what a person gives of it; what is missing is derived from the parameters, or asked for."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from rigfit.core.problem import Problem, ProblemError
from rigfit.core.shape import Shape
from rigfit.core.words import say

_FAMILY = "llama"
_SOLVABLE = ("layers", "intermediate", "vocab")  # parameters grow with them in a straight line


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Options of the command line, by the names they have there."""

    params: int | None = None
    layers: int | None = None
    hidden: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    head_size: int | None = None
    intermediate: int | None = None
    vocab: int | None = None
    tied: bool = False

    @property
    def anything(self) -> bool:
        return any(getattr(self, each.name) for each in fields(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """The shape, and a note for each part of it that nobody gave."""

    shape: Shape
    notes: tuple[str, ...]


def sketch(given: Given) -> Sketch:
    """As a Llama has its layers. Raises ProblemError `usage` that names the options that are missing."""
    missing = [name for name in _SOLVABLE if getattr(given, name) is None]
    solved = missing[0] if given.params and len(missing) == 1 else None
    asked = [name for name in ("layers", "hidden", "heads", "intermediate", "vocab") if getattr(given, name) is None]
    asked = [name for name in asked if name != solved]
    if asked:
        raise ProblemError(_asking(asked, params=given.params is not None))
    shape = _shape(given)
    notes = [*_assumed(given, shape)]
    if solved:
        shape = _solved(shape, solved, given.params or 0)
        value = getattr(shape, solved)
        notes.append(say("{option} {value}: derived from --params", option=_option(solved), value=value))
    if given.params and abs(shape.parameters / given.params - 1) > 0.05:
        notes.append(
            say("this shape has {found:,} parameters, not {given:,}", found=shape.parameters, given=given.params)
        )
    return Sketch(shape=shape, notes=tuple(notes))


def _shape(given: Given) -> Shape:
    hidden, heads = given.hidden or 0, given.heads or 0
    if given.head_size is None and hidden % heads:
        what = say("--hidden {hidden} is no multiple of --heads {heads}", hidden=hidden, heads=heads)
        raise ProblemError(Problem(code="usage", what=what, fix=(say("give --head-size, too"),)))
    if heads % (given.kv_heads or heads):
        what = say("--heads {heads} is no multiple of --kv-heads {kv_heads}", heads=heads, kv_heads=given.kv_heads)
        fix = say("heads of keys and values are shared by as many heads each: 1, or a divisor of --heads")
        raise ProblemError(Problem(code="usage", what=what, fix=(fix,)))
    return Shape(
        family=_FAMILY,
        layers=given.layers or 1,
        hidden=hidden,
        heads=heads,
        kv_heads=given.kv_heads or heads,
        head_size=given.head_size or hidden // heads,
        intermediate=given.intermediate or 1,
        vocab=given.vocab or 1,
        tied=given.tied,
    )


def _assumed(given: Given, shape: Shape) -> tuple[str, ...]:
    layers = say("layers as in a Llama: a gated MLP, no biases")
    if given.kv_heads is None:
        return layers, say("--kv-heads {count}: as many as --heads", count=shape.kv_heads)
    return (layers,)


def _solved(shape: Shape, name: str, parameters: int) -> Shape:
    """The whole number for `name` that comes nearest to `parameters`."""
    one, two = (_with(shape, name, value).parameters for value in (1, 2))
    value = round((parameters - one) / (two - one)) + 1
    if value < 1:
        what = say("{parameters:,} parameters are too few for the rest of this shape", parameters=parameters)
        fix = say("leave out --params, and give {option}", option=_option(name))
        raise ProblemError(Problem(code="usage", what=what, fix=(fix,)))
    return _with(shape, name, value)


def _with(shape: Shape, name: str, value: int) -> Shape:
    match name:
        case "layers":
            return replace(shape, layers=value)
        case "intermediate":
            return replace(shape, intermediate=value)
        case _:
            return replace(shape, vocab=value)


def _asking(missing: list[str], *, params: bool) -> Problem:
    what = say("the shape is not complete: {options} missing", options=", ".join(map(_option, missing)))
    solvable = say("one of --layers, --intermediate and --vocab may be left out where --params is given")
    fix = (say("they stand in the model's config.json, which `{command}` reads", command="rigfit fits config.json"),)
    return Problem(code="usage", what=what, fix=fix if params else (*fix, solvable))


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
