"""What a lock is made from: environment.yml and the variant's table, and one hash over both."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from rigfit.catalog.place import Place, described
from rigfit.catalog.recipe import Recipe, VariantRecipe
from rigfit.catalog.table import LIST, REQUIREMENTS, TEXT, TEXTS, Table, read_text
from rigfit.core.words import say

ENVIRONMENT_FILE = "environment.yml"
CHANNEL = "conda-forge"
_EXACT_PYTHON = re.compile(r"python(?:\s*==\s*|\s+)(\d+(?:\.\d+)?)")  # which conda takes for 3.11.0, or for 3.0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentFile:
    """`conda` are match specs, `pip` requirements; bounds that hold for every variant of the template."""

    name: str
    channels: tuple[str, ...]
    conda: tuple[str, ...]
    pip: tuple[str, ...]


def read_environment_file(recipe: Recipe) -> EnvironmentFile:
    path = recipe.folder / ENVIRONMENT_FILE
    place = Place(file=path)
    with Table(_document(path), place) as table:
        name, channels = table.get("name", TEXT), table.get("channels", TEXTS)
        conda, pip = _sections(table)
    if name != recipe.name:
        needed = say("the template's name, `{name}`", name=recipe.name)
        raise place.at("name").wrong(needed=needed, found=described(name))
    if channels != (CHANNEL,):
        raise place.at("channels").wrong(needed=f"[{CHANNEL}]", found=described(channels))
    return EnvironmentFile(name=name, channels=channels, conda=conda, pip=pip)


def inputs_sha256(environment: EnvironmentFile, variant: VariantRecipe) -> str:
    """Over the content, so that a comment may change without a new lock."""
    content = {"environment": asdict(environment), "variant": variant.written}
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def _document(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        found = say("a syntax error: {error}", error=" ".join(str(error).split()))
        raise Place(file=path).wrong(needed="YAML", found=found) from None
    if not isinstance(document, dict):
        raise Place(file=path).wrong(needed=say("conda's environment format"), found=described(document))
    return document


def _sections(table: Table) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The conda specs and the pip requirements."""
    place = table.place.at("dependencies")
    rows = table.get("dependencies", LIST)
    conda = tuple(row for row in rows if isinstance(row, str))
    for exact in filter(None, map(_EXACT_PYTHON.fullmatch, conda)):
        needed = say("`python {version}.*`; without `.*` conda looks for that very version", version=exact[1])
        raise place.wrong(needed=needed, found=described(exact[0]))
    pip: tuple[str, ...] = ()
    for row in rows:
        if not isinstance(row, str):
            with Table(row if isinstance(row, dict) else {}, place) as section:
                pip = section.get("pip", REQUIREMENTS)
    return conda, pip
