"""Rows of errors.toml as values: what an error text means, each with its source."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from rigfit.catalog.cited import FLAG, cited, cited_in_full, read_facts
from rigfit.catalog.locate import FACTS
from rigfit.catalog.place import Place, described
from rigfit.catalog.table import LIST, NAME, TEXT, TEXTS, WRITTEN, Kind, Table, parsed, read_text
from rigfit.core.literal import literals
from rigfit.core.rule import Cause, Condition, Rule, State
from rigfit.core.words import say

FILE = "errors.toml"
_STATES: tuple[State, ...] = ("absent", "present", "cpu", "cuda")
_PARTS = re.compile(r"^(?=\[\[error\]\][ \t]*(?:#.*)?$)", re.MULTILINE)
_PATTERN = re.compile(r"^pattern = '''\n?(.*?)'''[ \t]*(?:#.*)?$", re.MULTILINE)
_COMMAND = "$ "  # marks a line that is no text for people


def _code(value: Any) -> str:
    if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", text := TEXT.parse(value)):
        raise ValueError
    return text


def _expression(value: Any) -> str:
    text = TEXT.parse(value)
    try:
        re.compile(text, re.MULTILINE)
    except re.error:
        raise ValueError from None
    return text


def _condition(text: str) -> Condition:
    found = re.fullmatch(r"([a-z0-9]+(?:[-.][a-z0-9]+)*) +(\S.*)", text)
    if not found:
        raise ValueError
    package, rest = found.groups()
    if rest in _STATES:
        if rest in ("cpu", "cuda") and package != "torch":
            raise ValueError
        return Condition(package=package, state=cast("State", rest))
    try:
        return Condition(package=package, versions=SpecifierSet(rest))
    except InvalidSpecifier:
        raise ValueError from None


def _conditions(value: Any) -> tuple[Condition, ...]:
    return tuple(_condition(text) for text in TEXTS.parse(value))


def _names(value: Any) -> tuple[str, ...]:
    return tuple(NAME.parse(text) for text in LIST.parse(value))


def _steps(value: Any) -> tuple[str, ...]:
    texts = TEXTS.parse(value)
    return tuple(
        text.removeprefix(_COMMAND).strip() if text.startswith(_COMMAND) else WRITTEN.parse(text) for text in texts
    )


CODE = Kind(needed=say("a code of a-z, 0-9 and _"), parse=_code)
EXPRESSION = Kind(needed=say("a regular expression"), parse=_expression)
NAMES = Kind(needed=say("a list of names of packages"), parse=_names)
CONDITIONS = Kind(
    needed=say('conditions such as ["peft >=0.16,<0.18", "accelerate absent", "torch cpu"]'), parse=_conditions
)
STEPS = Kind(needed=say("a list of texts, of which those that begin with `$ ` are commands"), parse=_steps)


def load_rules(catalog: Path) -> tuple[Rule, ...]:
    """In the order of the file, the more specific first. Raises ProblemError `catalog_invalid`."""
    with read_facts(catalog / FACTS / FILE) as file:
        rows = file.tables("error")
        rules = tuple(_rule(row) for row in rows)
    codes: set[str] = set()
    for rule, row in zip(rules, rows, strict=True):
        if rule.code in codes:
            needed = say("a code that no other rule has")
            raise row.place.at("code").wrong(needed=needed, found=described(rule.code))
        codes.add(rule.code)
    for rule, row in zip(rules, rows, strict=True):
        _refuse_unknown_codes(rule, codes, row)
    return rules


def load_rules_for(catalog: Path, texts: Sequence[str]) -> tuple[Rule, ...]:
    """Those of `load_rules` that may be found in one of `texts`; the rest of the file is neither parsed nor checked.

    Each answer waits for this, and a rule in a hundred is wanted.
    """
    path = catalog / FACTS / FILE
    head, *parts = _PARTS.split(read_text(path))
    kept = (part if _may_be_found(part, texts) else "\n" * part.count("\n") for part in parts)
    file = cited_in_full(parsed("".join((head, *kept)), Place(file=path)), every=False)
    return tuple(_rule(row) for row in file.tables("error"))


def _may_be_found(part: str, texts: Sequence[str]) -> bool:
    pattern = _PATTERN.search(part)
    pieces = literals(pattern[1]) if pattern else ()
    return not pieces or any(piece in text for piece in pieces for text in texts)


def _refuse_unknown_codes(rule: Rule, codes: set[str], row: Table) -> None:
    for code in rule.hides:
        if code not in codes - {rule.code}:
            raise row.place.at("hides").wrong(needed=say("codes of other rules"), found=described(code))


def _rule(row: Table) -> Rule:
    with row:
        rule = Rule(
            code=row.get("code", CODE),
            pattern=row.get("pattern", EXPRESSION),
            unless=row.get_or("unless", EXPRESSION, ""),
            hides=row.get_or("hides", TEXTS, ()),
            between=row.get_or("between", NAMES, ()),
            needs=row.get_or("needs", CONDITIONS, ()),
            same_as=row.get_or("same_as", TEXTS, ()),
            vague=row.get_or("vague", FLAG, default=False),
            what=row.get("what", WRITTEN),
            folk=row.get_or("folk", WRITTEN, ""),
            causes=tuple(_cause(cause) for cause in row.tables("cause")),
        )
    if not rule.causes:
        raise row.place.at("cause").wrong(needed=say("a cause, at least one"), found=say("none"))
    return rule


def _cause(row: Table) -> Cause:
    with row:
        return Cause(
            when=row.get_or("when", CONDITIONS, ()),
            what=row.get("what", WRITTEN),
            because=row.get("because", WRITTEN),
            fix=row.get("fix", STEPS),
            tells=row.get_or("tells", TEXT, ""),
            only_known=row.get_or("only_known", FLAG, default=False),
            **cited(row),
        )
