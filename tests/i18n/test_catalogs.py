"""The catalogs of other languages against the texts in the sources: nothing untranslated, nothing stale."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from tests.i18n.extraction import calls, data_texts, template

from rigfit.catalog.load import load_facts, load_templates
from rigfit.catalog.rules import load_rules
from rigfit.core.words import Words
from rigfit.language import CATALOGS

ROOT = Path(__file__).parents[2]
COMMANDS = ROOT / "src/rigfit/cli"
INSTALLER = ROOT / "installer/rigfit_installer"
CATALOG = ROOT / "environments"
LANGUAGES = sorted(folder.name for folder in CATALOGS.iterdir())
SOURCES = {
    "rigfit": [path for path in ROOT.glob("src/rigfit/**/*.py") if COMMANDS not in path.parents],
    "commands": [*COMMANDS.rglob("*.py")],
    "installer": [*INSTALLER.rglob("*.py")],
}
PAYLOADS = sorted(ROOT.glob("src/rigfit/verify/payloads/*.py"))
DATA = [*CATALOG.rglob("*.toml")]
ROOMS = (*SOURCES, "catalog")


@cache
def templates(room: str) -> dict[str, str]:
    """Each with the place where it stands."""
    if room == "catalog":
        return {text: str(path.relative_to(ROOT)) for path in DATA for text in data_texts(path.read_text("utf-8"))}
    return {template(call): where for call, where in placed(room)}


def placed(room: str) -> Iterator[tuple[ast.Call, str]]:
    for path in SOURCES[room]:
        for call in calls(path.read_text("utf-8")):
            yield call, f"{path.relative_to(ROOT)}:{call.lineno}"


@cache
def catalog(language: str) -> Catalog:
    with Path(CATALOGS, language, "LC_MESSAGES", "rigfit.po").open("rb") as file:
        return read_po(file, locale=language)


def compiled(language: str) -> Catalog:
    with Path(CATALOGS, language, "LC_MESSAGES", "rigfit.mo").open("rb") as file:
        return read_mo(file)


def strings(of: Catalog) -> dict[object, object]:
    return {message.id: message.string for message in of if message.id and message.string and not message.fuzzy}


def places(text: str) -> list[tuple[str, str | None, str | None]]:
    """What is filled in, and how."""
    return sorted((name, form, way) for _, name, form, way in Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("room", SOURCES)
def test_a_text_is_one_literal_that_names_its_values(room: str) -> None:
    for call, where in placed(room):
        assert template(call), where
        assert {name for name, _, _ in places(template(call))} == {value.arg for value in call.keywords}, where


def plain_texts(tree: ast.AST) -> Iterator[str]:
    """Of two words or more, outside of `say`, of docstrings, of patterns, and of errors that are bugs."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Expr(value=ast.Constant()) | ast.Raise() | ast.Call(func=ast.Name(id="say")):
                pass
            case ast.Call(func=ast.Attribute(value=ast.Name(id="re"))):
                pass
            case ast.Constant(value=str(text)) if re.search("[a-z]{2,} [a-z]{2,}", text):
                yield text
            case _:
                yield from plain_texts(node)


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: path.stem)
def test_a_payload_has_no_text_that_translators_are_not_given(path: Path) -> None:
    assert [*plain_texts(ast.parse(path.read_text("utf-8")))] == []


def texts_of(value: object) -> Iterator[Words]:
    """All that is written for people in a value and the values it is made of."""
    if isinstance(value, Words):
        yield value
    elif dataclasses.is_dataclass(value):
        yield from texts_of([getattr(value, field.name) for field in dataclasses.fields(value)])
    elif isinstance(value, dict):
        yield from texts_of([*value.values()])
    elif isinstance(value, list | tuple):
        for part in value:
            yield from texts_of(part)


def test_the_texts_of_the_catalog_are_those_that_it_is_loaded_with() -> None:
    loaded = {words.template for words in texts_of((load_templates(CATALOG), load_facts(CATALOG), load_rules(CATALOG)))}
    assert set(templates("catalog")) == loaded


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("room", ROOMS)
def test_every_text_is_translated(room: str, language: str) -> None:
    known = strings(catalog(language))
    assert [f"{where}: {text}" for text, where in templates(room).items() if text not in known] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_translation_is_stale(language: str) -> None:
    written = {text for room in ROOMS for text in templates(room)}
    messages = [message for message in catalog(language) if message.id]
    assert [message.id for message in messages if message.id not in written] == []
    assert [message.id for message in catalog(language).obsolete.values()] == []
    assert [message.id for message in messages if message.fuzzy] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_fills_in_what_the_text_does(language: str) -> None:
    pairs = [(str(text), str(said)) for text, said in strings(catalog(language)).items()]
    assert [text for text, said in pairs if places(text) != places(said)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalog_is_that_of_the_written_one(language: str) -> None:
    assert strings(compiled(language)) == strings(catalog(language))
