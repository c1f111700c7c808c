"""Show the catalog, or one template with its variants."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rigfit.cli import options
from rigfit.cli.show import Face
from rigfit.core.problem import DONE, ProblemError

if TYPE_CHECKING:
    from rigfit.core.template import Template


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="one template")
    options.add_catalog(parser)
    options.add_output(parser)


def execute(args: argparse.Namespace, face: Face) -> int:
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
    variants = [
        asdict(variant) | {"cuda": str(variant.cuda) if variant.cuda else None, "glibc": str(variant.glibc)}
        for variant in template.variants
    ]
    return asdict(template) | {"variants": variants}
