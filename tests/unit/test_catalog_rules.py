"""errors.toml as it is read: what is wrong in it is named by file, key, what is needed and what was found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rigfit.catalog.locate import catalog_dir
from rigfit.catalog.rules import load_rules, load_rules_for
from rigfit.core.literal import literals
from rigfit.core.problem import ProblemError
from rigfit.core.words import Words

GOOD = """
[sources]
read = "read in the wheels of that library"

[[error]]
code = "one"
pattern = '''^one is gone'''
what = "one of two things"

[[error.cause]]
when = ["peft >=0.14,<0.18", "accelerate absent", "torch cpu"]
what = "it is too old"
because = "nobody
 has it"
fix = ["$ pip install 'one>2'", "or do without"]
source = "read"
read = 2026-11-22

[[error]]
code = "two"
pattern = '''two (?:is|are) missing'''
hides = ["one"]
what = "two"

[[error.cause]]
what = "it is too new"
because = "nobody has it"
fix = ["$ pip install 'two<2'"]
source = "https://example.org/two"
read = 2026-11-22
""".replace("nobody\n ", "nobody ")


def catalog(folder: Path, text: str) -> Path:
    (folder / "facts").mkdir()
    (folder / "facts/errors.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_rule_has_its_causes_with_their_sources_in_full(tmp_path: Path) -> None:
    one, two = load_rules(catalog(tmp_path, GOOD))
    cause = one.causes[0]
    assert [str(each) for each in cause.when] == ["peft <0.18,>=0.14", "accelerate absent", "torch cpu"]
    assert (cause.source, cause.read) == ("read in the wheels of that library", "2026-11-22")
    assert two.hides == ("one",)


def test_a_command_of_a_fix_is_plain_and_a_sentence_is_for_translation(tmp_path: Path) -> None:
    command, sentence = load_rules(catalog(tmp_path, GOOD))[0].causes[0].fix
    assert (command, isinstance(command, Words)) == ("pip install 'one>2'", False)
    assert (sentence, isinstance(sentence, Words)) == ("or do without", True)


@pytest.mark.parametrize(
    ("right", "wrong", "key", "needed"),
    [
        ("^one is", "^one (is", "error[0].pattern", "a regular expression"),
        ("peft >=0.14,<0.18", "peft >=0.14,<<1", "error[0].cause[0].when", "conditions such as"),
        ("accelerate absent", "accelerate cpu", "error[0].cause[0].when", "conditions such as"),
        ('code = "two"', 'code = "one"', "error[1].code", "a code that no other rule has"),
        ('code = "two"', 'code = "Two!"', "error[1].code", "a code of a-z, 0-9 and _"),
        ('hides = ["one"]', 'hides = ["three"]', "error[1].hides", "codes of other rules"),
        ('what = "two"', 'what = "two"\ncolour = "red"', "error[1].colour", "one of the known keys"),
        ('because = "nobody has it"', 'reason = "nobody"', "error[0].cause[0].because", "a text"),
        ('source = "https://example.org/two"', 'source = "heard"', "error[1].cause[0].source", "an address"),
        ("read = 2026-11-22", 'read = "today"', "error[0].cause[0].read", "a date"),
        ("[sources]", '[sources]\nidle = "nobody names me"', "sources.idle", "a row that names it"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, right: str, wrong: str, key: str, needed: str) -> None:
    assert right in GOOD
    with pytest.raises(ProblemError) as caught:
        load_rules(catalog(tmp_path, GOOD.replace(right, wrong, 1)))
    problem = caught.value.problem
    assert problem.code == "catalog_invalid"
    assert f"errors.toml: key `{key}`" in problem.what
    assert needed in problem.what


def test_a_rule_without_a_cause_says_nothing_and_is_refused(tmp_path: Path) -> None:
    without = GOOD[: GOOD.rindex("[[error.cause]]")]
    with pytest.raises(ProblemError, match="a cause, at least one"):
        load_rules(catalog(tmp_path, without))


def test_only_rules_that_may_be_found_in_a_text_are_read_for_it(tmp_path: Path) -> None:
    place = catalog(tmp_path, GOOD.replace('what = "it is too new"', 'what = "unread"\ncolour = "red"'))
    assert [rule.code for rule in load_rules_for(place, ["alas, one is gone"])] == ["one"]
    with pytest.raises(ProblemError, match="colour"):
        load_rules_for(place, ["two are missing"])


@pytest.mark.parametrize(
    ("pattern", "pieces"),
    [
        ("cannot import name 'Cache'", ("cannot import name 'Cache'",)),
        (r"cannot import (?:name )?'Cache' from\b", ("cannot import ",)),
        (r"abc+defgh?i", ("defg",)),
        (r"\(most recent call\)", ("(most recent call)",)),
        (r"no [\]a-z]+ in here", (" in here",)),
        ("one thing|another thing", ("one thing", "another thing")),
        ("(?i)one thing", ()),
        ("one thing|.*", ()),
        (r"\d+\w*", ()),
        ("optional(?: words)* here{0,2}", ("optional",)),
    ],
)
def test_what_each_match_must_hold_is_seen_in_the_pattern(pattern: str, pieces: tuple[str, ...]) -> None:
    assert literals(pattern) == pieces


def test_no_text_of_a_rule_is_missed_by_what_is_looked_for_first() -> None:
    """Of the catalog that is shipped: where a rule is found in a text, its pieces are."""
    from tests.error_texts import texts

    for each in texts("known.toml"):
        for rule in load_rules(catalog_dir(None)):
            if rule.code == each["code"]:
                pieces = literals(rule.pattern)
                assert not pieces or any(piece in " ".join(each["text"].split()) for piece in pieces), rule.code


def test_what_is_said_of_the_repeated_advice_is_what_was_measured() -> None:
    page = (Path(__file__).parents[2] / "docs/matrix.md").read_text(encoding="utf-8")
    measured = next(line for line in page.splitlines() if line.startswith("| pin peft 0.10.0 |")).split("|")
    imports, trains = measured[2].strip(), measured[3].strip()
    told = [
        rule.folk for rule in load_rules(catalog_dir(None)) if rule.code.startswith("transformers_lacks_") and rule.folk
    ]
    told = [folk for folk in told if "peft 0.10.0" in folk]
    assert len(told) == 3
    for folk in told:
        assert f"with {imports} versions" in folk
        assert f"none of {trains.removeprefix('0 of ')}" in folk


def test_a_command_that_raises_peft_or_transformers_does_not_leave_the_other_to_chance() -> None:
    """PEFT from 0.14 on fails with a transformers before 4.43, and 0.16 and 0.17 with one from 5 on: docs/matrix.md."""
    for rule in load_rules(catalog_dir(None)):
        for cause in rule.causes:
            known = {condition.package for condition in cause.when}
            for line in re.findall(r"pip install ([^`]*)", "\n".join(cause.fix)):
                raised = dict(re.findall(r"\b(peft|transformers)(>=[\d.]+(?:,<\d+)?)", line))
                assert "peft" not in raised or {"transformers"} & {*known, *raised}, (rule.code, line)
                if "," not in raised.get("transformers", ","):
                    assert "peft" in raised, (rule.code, line)
