"""The verb `templates`."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rigfit.cli import options
from rigfit.cli.show import Face
from rigfit.core.problem import DONE, ProblemError
from rigfit.core.words import say

if TYPE_CHECKING:
    from rigfit.core.template import Stack, Template, Variant


HELP = (say("Show the catalog, or one template with its variants; or check that facts, templates and locks agree."),)


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help=say("one template"))
    parser.add_argument(
        "--check",
        action="store_true",
        help=say(
            "for maintainers: do facts, templates and locks agree, and can each variant be given to some machine?"
        ),
    )
    options.add_catalog(parser)
    options.add_output(parser)


def execute(args: argparse.Namespace, face: Face) -> int:
    return _checked(args, face) if args.check else _shown(args, face)


def _checked(args: argparse.Namespace, face: Face) -> int:
    from rigfit.engine.locking import as_one, check_templates, template_names

    settings = options.settings(args)
    names = (args.name,) if args.name else template_names(settings)
    wrong = check_templates(settings, names)
    if wrong:
        raise ProblemError(as_one(wrong))
    face.result(
        {"checked": list(names)}, lambda: say("facts, templates and locks agree: {names}", names=", ".join(names))
    )
    return DONE


def _shown(args: argparse.Namespace, face: Face) -> int:
    from rigfit.cli import draw
    from rigfit.core.selection import unknown_template
    from rigfit.engine.fitting import Fitting

    found = Fitting(options.settings(args)).templates
    if args.name is None:
        face.result({"templates": [_as_json(each) for each in found]}, lambda: draw.templates(found))
        return DONE
    named = next((template for template in found if template.name == args.name), None)
    if named is None:
        raise ProblemError(unknown_template(args.name, found))
    face.result(_as_json(named), lambda: draw.template(named))
    return DONE


def _as_json(template: Template) -> dict[str, Any]:
    return asdict(template) | {"variants": [_variant(variant) for variant in template.variants]}


def _variant(variant: Variant) -> dict[str, Any]:
    cuda = str(variant.cuda) if variant.cuda else None
    return asdict(variant) | {"cuda": cuda, "stacks": [_stack(stack) for stack in variant.stacks]}


def _stack(stack: Stack) -> dict[str, Any]:
    return asdict(stack) | {"glibc": str(stack.glibc)}
