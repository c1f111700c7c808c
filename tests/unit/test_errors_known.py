"""What the software says, in its words: the right family speaks first, and of its causes the one that the versions leave."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from packaging.version import Version
from tests.error_texts import texts

from rigfit.catalog.locate import catalog_dir
from rigfit.catalog.rules import load_rules
from rigfit.core.installed import Installed
from rigfit.core.rule import Cause, Rule
from rigfit.doctor.errors.classify import findings
from rigfit.doctor.python.diagnose import CODES

RULES = load_rules(catalog_dir(None))
KNOWN = texts("known.toml")
UNKNOWN = "unknown"


def named(text: dict[str, Any]) -> str:
    return f"{text['code']}: {text['text'].split()[-1]}"


def installed(versions: dict[str, str]) -> Installed | None:
    if not versions:
        return None
    build: Any = versions.get("build")
    python = versions.get("python")
    libraries = {name: version for name, version in versions.items() if name not in ("build", "python")}
    return Installed(versions=libraries, python=python, build=build)


@pytest.mark.parametrize("text", KNOWN, ids=named)
def test_what_software_says_is_taken_for_its_own_family_first(text: dict[str, Any]) -> None:
    found = findings(text["text"], RULES, installed(text.get("versions", {})))
    assert [finding.code for finding in found][:1] == [text["code"]]
    assert len(found) == 1, "what follows from the first is told beside it"


@pytest.mark.parametrize("text", [text for text in KNOWN if "says" in text], ids=named)
def test_of_several_causes_the_one_is_told_that_goes_with_the_versions(text: dict[str, Any]) -> None:
    first = findings(text["text"], RULES, installed(text["versions"]))[0]
    assert text["says"] in first.what
    assert first.fix


def test_each_family_has_a_text_and_each_text_a_family() -> None:
    assert {rule.code for rule in RULES} == {text["code"] for text in KNOWN}


def test_there_are_families_enough_for_what_people_meet() -> None:
    assert len(RULES) >= 70


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_pattern_looks_for_words_of_one_software_and_for_nothing_short(rule: Rule) -> None:
    for pattern in filter(None, (rule.pattern, rule.unless)):
        assert not re.search(pattern, "", re.MULTILINE)
        assert not re.match(r"\.[*+]|\[\\s\\S\]", pattern), "it begins anywhere"
        assert len(max(re.findall(r"[\w .'-]+", pattern), key=len)) >= 8, "no word in it is long enough to be one's own"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_each_cause_is_told_for_some_versions_with_a_source_and_a_date(rule: Rule) -> None:
    reached = {id(cause) for seen in possible(rule, UNKNOWN) for cause in rule.causes_left(seen)}
    for cause in rule.causes:
        assert id(cause) in reached, cause.what
        assert cause.source, cause.what
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", cause.read), cause.what
        assert cause.what, cause.because
        assert cause.fix, cause.what


@pytest.mark.parametrize("rule", [rule for rule in RULES if len(rule.causes) > 1], ids=lambda rule: rule.code)
def test_where_all_versions_are_known_one_cause_is_left_at_most(rule: Rule) -> None:
    for seen in possible(rule):
        left = rule.causes_left(seen)
        assert len(left) <= 1, (seen, [cause.what for cause in left])


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.same_as], ids=lambda rule: rule.code)
def test_what_a_family_is_the_same_as_is_something_that_the_doctor_finds_of_a_python(rule: Rule) -> None:
    assert set(rule.same_as) <= set(CODES)


def possible(rule: Rule, *more: str) -> Iterator[Installed]:
    """Environments at and around each version that the causes of a rule tell apart; `more` for each library."""
    choices = {name: [*candidates(name, rule.causes), *more] for name in packages(rule.causes)}
    for each in itertools.product(*choices.values()):
        yield made({name: value for name, value in zip(choices, each, strict=True) if value != UNKNOWN})


def packages(causes: tuple[Cause, ...]) -> list[str]:
    return list(dict.fromkeys(condition.package for cause in causes for condition in cause.when))


def candidates(name: str, causes: tuple[Cause, ...]) -> list[str | None]:
    """Versions of a library, `cpu:` and `cuda:` before those of torch, None where it is not installed."""
    of_it = [condition for cause in causes for condition in cause.when if condition.package == name]
    told = {Version(one.version) for each in of_it for one in each.versions or ()}
    versions = sorted({*told, *(after(version) for version in told), Version("0.0.1"), Version("99.0")})
    builds = ("cpu:", "cuda:") if any(each.state in ("cpu", "cuda") for each in of_it) else ("",)
    found: list[str | None] = [f"{build}{version}" for build in builds for version in versions]
    return [*found, None] if any(each.state in ("absent", "present") for each in of_it) else found


def after(version: Version) -> Version:
    return Version(f"{version.base_version}.1")


def made(choice: dict[str, str | None]) -> Installed:
    """What is in `choice` is known; the build of torch is told before its version."""
    torch = choice.get("torch") or ""
    build: Any = torch.split(":")[0] if ":" in torch else None
    versions = {name: value.split(":")[-1] if value else None for name, value in choice.items() if name != "python"}
    return Installed(versions=versions, python=choice.get("python"), build=build)
