"""The verb `fits`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rigfit.cli import options
from rigfit.cli.show import Face
from rigfit.core import quantity
from rigfit.core.problem import DONE, NOTHING_FITS, Problem, ProblemError
from rigfit.core.size import human
from rigfit.core.words import say

if TYPE_CHECKING:
    from rich.console import RenderableType

    from rigfit.core.fit import Fit
    from rigfit.core.footprint import Training
    from rigfit.core.given import Given
    from rigfit.engine.estimating import Estimating

HELP = (
    say("Estimate how much GPU memory LoRA training of a model takes, and the largest batch that fits."),
    say(
        "MODEL is a name as on the hub, or a part of it, or a config.json; without MODEL and shape, every model of the "
        "catalog is judged. Exits with 0 if what is asked for fits, with 3 if not, or if there is no GPU to compare with."
    ),
)


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", nargs="?", metavar="MODEL", help=say("a name such as llama-2-7b, or a config.json file")
    )
    _add_shape(parser.add_argument_group(say("the shape, where there is no MODEL")))
    _add_training(parser.add_argument_group(say("the training")))
    where = parser.add_argument_group(say("what it is compared with"))
    memory = where.add_mutually_exclusive_group()
    memory.add_argument("--gpu", metavar="INDEX|UUID", help=say("this GPU; default: the one with the most memory"))
    memory.add_argument("--memory", metavar="SIZE", type=quantity.size, help=say("a GPU with this much, such as 24GiB"))
    options.add_machine(parser)
    options.add_catalog(parser)
    options.add_output(parser)


def _add_shape(group: argparse._ArgumentGroup) -> None:
    params = say("parameters such as 7B; what is left out of layers, MLP width or vocabulary is derived from it")
    group.add_argument("--params", metavar="N", type=quantity.count, help=params)
    group.add_argument("--layers", metavar="N", type=quantity.count, help=say("layers"))
    group.add_argument("--hidden", metavar="N", type=quantity.count, help=say("width of the hidden state"))
    group.add_argument("--heads", metavar="N", type=quantity.count, help=say("attention heads"))
    group.add_argument("--kv-heads", metavar="N", type=quantity.count, help=say("heads of keys and values"))
    group.add_argument("--head-size", metavar="N", type=quantity.count, help=say("width of a head"))
    group.add_argument("--intermediate", metavar="N", type=quantity.count, help=say("width of the MLP"))
    group.add_argument("--vocab", metavar="N", type=quantity.count, help=say("vocabulary"))
    group.add_argument("--tied", action="store_true", help=say("the head is the embedding"))


def _add_training(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--batch", metavar="N", type=quantity.count, default=1, help=say("default: %(default)s"))
    tokens = say("tokens in each; default: %(default)s")
    group.add_argument("--sequence", metavar="N", type=quantity.count, default=512, help=tokens)
    group.add_argument("--rank", metavar="N", type=quantity.count, default=8, help=say("default: %(default)s"))
    targets = say("linear layers with an adapter, by name and comma, or all; default: queries and values")
    group.add_argument("--targets", metavar="NAMES", default="", help=targets)
    group.add_argument("--no-checkpointing", action="store_true", help=say("without gradient checkpointing"))
    group.add_argument(
        "--quantization", choices=("int8", "nf4"), default="int8", help=say("of the weights; default: %(default)s")
    )


def execute(args: argparse.Namespace, face: Face) -> int:
    from rigfit.engine.estimating import Estimating

    estimating = Estimating(options.settings(args), gpu=args.gpu, memory=args.memory)
    given = _given(args)
    if args.model is None and not given.anything:
        return _all(args, face, estimating)
    if args.model is not None and given.anything:
        what = say("give MODEL or a shape, not both")
        raise ProblemError(Problem(code="usage", what=what, fix=(say("leave MODEL out"),)))
    subject = estimating.subject(args.model, given)
    found = estimating.answer(subject, _training(args))

    def drawn() -> RenderableType:
        from rigfit.cli import draw_fits

        return draw_fits.answer(subject, found, every=face.verbose)

    face.result({"model": subject.to_json(), **found.to_json()}, drawn)
    if found.answer == "fits":
        return DONE
    face.refusal(estimating.nothing_compared if found.answer == "unknown" else _refusal(found))
    return NOTHING_FITS


def _all(args: argparse.Namespace, face: Face, estimating: Estimating) -> int:
    subjects, training = estimating.subjects, _training(args)
    found = [estimating.answer(subject, training) for subject in subjects]

    def drawn() -> RenderableType:
        from rigfit.cli import draw_fits

        return draw_fits.models(subjects, found)

    results = [subject.to_json() | each.to_json() for subject, each in zip(subjects, found, strict=True)]
    face.result({"models": results}, drawn)
    if estimating.memory is None or estimating.memory.total is None:
        face.refusal(estimating.nothing_compared)
        return NOTHING_FITS
    return DONE


def _given(args: argparse.Namespace) -> Given:
    from rigfit.core.given import Given

    return Given(
        params=args.params,
        layers=args.layers,
        hidden=args.hidden,
        heads=args.heads,
        kv_heads=args.kv_heads,
        head_size=args.head_size,
        intermediate=args.intermediate,
        vocab=args.vocab,
        tied=args.tied,
    )


def _training(args: argparse.Namespace) -> Training:
    from rigfit.core.footprint import Training

    return Training(
        batch=args.batch,
        sequence=args.sequence,
        rank=args.rank,
        targets=tuple(name.strip() for name in args.targets.split(",") if name.strip()),
        checkpointing=not args.no_checkpointing,
        quantization=args.quantization,
    )


def _refusal(found: Fit) -> Problem:
    """The result has what would help."""
    needed, size = human(found.footprint.needed), human((found.memory and found.memory.usable) or 0)
    what = say("this training does not fit: needs {needed} of GPU memory; found {found}", needed=needed, found=size)
    return Problem(code="nothing_fits", what=what)
