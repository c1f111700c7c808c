"""What people write in a template.toml, before anything is locked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from rigfit.catalog.locate import TEMPLATE_FILE
from rigfit.catalog.place import Place, described
from rigfit.catalog.table import (
    DATE,
    HTTPS,
    NAME,
    REQUIREMENTS,
    SHA256,
    TEXT,
    TEXTS,
    VERSION,
    WHOLE,
    WRITTEN,
    Table,
    read_toml,
)
from rigfit.core.requirements.platform import PLATFORMS
from rigfit.core.template import Quantization, file_name
from rigfit.core.version import Version
from rigfit.core.words import say

GLIBC = "2.28"  # the oldest that newest torch and pyarrow run on
GLIBCS = ("2.17", GLIBC, *(f"2.{minor}" for minor in range(31, 41)))  # those that uv 0.13 resolves for


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredWheel:
    """A wheel that the package index does not have, with the place where its hash was read, and when."""

    name: str
    url: str
    sha256: str
    source: str
    read: str

    @property
    def filename(self) -> str:
        return file_name(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRecipe:
    """`pins` are requirements in pip's form, added to those of environment.yml. `written` is the table as it stands.

    `glibc` is the oldest that the lock is made for.
    """

    name: str
    cuda: Version | None
    platforms: tuple[str, ...]
    glibc: Version
    pins: tuple[str, ...]
    wheels: tuple[DeclaredWheel, ...]
    written: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    folder: Path
    name: str
    title: str
    purpose: str
    rank: int
    imports: tuple[str, ...]
    accepts: tuple[Quantization, ...]
    variants: tuple[VariantRecipe, ...]


def read_recipe(folder: Path) -> Recipe:
    with read_toml(folder / TEMPLATE_FILE) as table:
        with table.table("verify") as verify:
            imports, accepts = verify.get("imports", TEXTS), _accepts(verify)
        recipe = Recipe(
            folder=folder,
            name=_own_name(table, folder.name),
            title=table.get("title", WRITTEN),
            purpose=table.get("purpose", WRITTEN),
            rank=table.get("rank", WHOLE),
            imports=imports,
            accepts=accepts,
            variants=tuple(_variant(row) for row in table.tables("variants")),
        )
    _check_variants(recipe, table.place)
    return recipe


def _own_name(table: Table, folder: str) -> str:
    name = table.get("name", NAME)
    if name != folder:
        needed = say("the name of its folder, `{folder}`", folder=folder)
        raise table.place.at("name").wrong(needed=needed, found=described(name))
    return name


def _variant(row: Table) -> VariantRecipe:
    with row:
        return VariantRecipe(
            name=row.get("name", NAME),
            cuda=row.get_or("cuda", VERSION, None),
            platforms=_some(row, "platforms", PLATFORMS),
            glibc=_glibc(row),
            pins=row.get("pins", REQUIREMENTS),
            wheels=tuple(_wheel(wheel) for wheel in row.tables("wheels")),
            written=row.values,
        )


def _accepts(verify: Table) -> tuple[Quantization, ...]:
    known: tuple[Quantization, ...] = get_args(Quantization)
    names = _some(verify, "quantization", known)
    return tuple(each for name in names for each in known if each == name)


def _glibc(row: Table) -> Version:
    text = row.get_or("glibc", TEXT, GLIBC)
    if text not in GLIBCS:
        needed = say("one of {names}, in quotes", names=", ".join(GLIBCS))
        raise row.place.at("glibc").wrong(needed=needed, found=described(text))
    return Version(text)


def _some(row: Table, key: str, known: Collection[str]) -> tuple[str, ...]:
    """One or more of what is known, none of them twice."""
    names = row.get(key, TEXTS)
    if not names or not set(names) <= set(known) or len(set(names)) < len(names):
        needed = say("some of {names}, each once", names=", ".join(known))
        raise row.place.at(key).wrong(needed=needed, found=described(names))
    return names


def _wheel(row: Table) -> DeclaredWheel:
    with row:
        return DeclaredWheel(
            name=row.get("name", NAME),
            url=row.get("url", HTTPS),
            sha256=row.get("sha256", SHA256),
            source=row.get("source", TEXT),
            read=row.get("read", DATE),
        )


def _check_variants(recipe: Recipe, place: Place) -> None:
    names = [variant.name for variant in recipe.variants]
    if not names:
        raise place.at("variants").wrong(needed=say("one variant or more, best first"), found=say("none"))
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        found = say("`{name}` twice", name=twice)
        raise place.at("variants").wrong(needed=say("variants of different names"), found=found)
