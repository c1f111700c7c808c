"""Which error of a text is meant, and which of its causes is told, with or without the versions that decide it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.stand_ins.rules import CACHE, MESSAGE, TRACE, cause, codes, rule

from rigfit.core.installed import Installed
from rigfit.doctor.errors.classify import Pasted, findings, hear
from rigfit.doctor.errors.known import Known
from rigfit.doctor.errors.saying import Remedy, finding
from rigfit.doctor.errors.versions import versions_in

LATER = rule("later", "OSError: that file is gone")


@pytest.mark.parametrize(
    ("between", "first"),
    [
        ("", "later"),
        ("\nDuring handling of the above exception, another exception occurred:\n\n", "no_cache"),
        ("\nThe above exception was the direct cause of the following exception:\n\n", "no_cache"),
    ],
)
def test_the_error_told_last_is_meant_and_in_a_chain_the_first(between: str, first: str) -> None:
    text = f'{TRACE}{between}Traceback (most recent call last):\n  File "x.py", line 1\nOSError: that file is gone\n'
    assert codes(text, LATER, CACHE)[0] == first
    assert len(codes(text, LATER, CACHE)) == (1 if between else 2), "of one failure one cause is told"


def test_of_two_families_for_one_line_the_more_specific_speaks() -> None:
    vague = rule("vague", "cannot import name")
    assert codes(TRACE, CACHE, vague) == ["no_cache"]
    assert codes(TRACE, vague, CACHE) == ["vague"]


def test_a_family_is_not_told_beside_the_one_that_explains_it() -> None:
    warning = rule("warned", "built without GPU", hides=("no_cache",))
    assert codes(f"built without GPU\n{TRACE}", CACHE, warning) == ["warned"]


def test_a_vague_family_is_silent_where_another_speaks_of_the_same_failure_and_only_there() -> None:
    vague = replace(rule("vague", "something could not be imported"), vague=True)
    assert codes(f"something could not be imported\n{MESSAGE}", vague, CACHE) == ["no_cache"]
    assert codes("something could not be imported", vague, CACHE) == ["vague"]
    assert codes(f"something could not be imported\n{TRACE}", vague, CACHE) == ["no_cache", "vague"]


def test_a_family_is_not_taken_where_a_word_says_otherwise() -> None:
    assert codes(f"{TRACE}# of vllm\n", replace(CACHE, unless="of vllm")) == []


def test_where_the_last_error_is_known_to_no_rule_that_is_said() -> None:
    unknown = hear(Pasted(f"that file is odd\n{TRACE}"), [rule("odd", "that file is odd")]).unknown
    assert [each.what for each in unknown] == [f'the error told last, "{MESSAGE}"']
    assert hear(Pasted(TRACE), [CACHE]).unknown == ()
    wrapped = f'{TRACE}\nTraceback (most recent call last):\n  File "x.py"\ntorch.elastic.ChildFailedError: \n'
    assert hear(Pasted(wrapped), [CACHE]).unknown == (), "which only says that a child failed"


TOO_OLD = cause("transformers too old", "transformers <4.43", tells="python -c 1")
TOO_NEW = cause("transformers too new", "transformers >=5")
BUSY = rule("pair", "cannot import name", TOO_OLD, TOO_NEW)


def test_several_possible_causes_are_all_told_after_what_tells_them_apart() -> None:
    finding = findings(TRACE, [BUSY])[0]
    assert finding.what == "pair"
    assert finding.because[1:] == (
        "if transformers <4.43: transformers too old",
        "if transformers >=5: transformers too new",
    )
    assert finding.fix[0] == "python -c 1"
    assert "--python PATH" in finding.fix[1]
    assert finding.fix[2] == "if transformers <4.43: `python -m pip install transformers too old`"


def test_a_version_in_the_text_leaves_one_cause_and_is_its_evidence() -> None:
    finding = findings(f"transformers==5.2.0\n{TRACE}", [BUSY])[0]
    assert finding.what == "transformers too new"
    assert finding.because[1:] == ("transformers 5.2.0, from the text", "since transformers too new")
    assert finding.fix == TOO_NEW.fix


def test_versions_that_no_cause_goes_with_are_told_and_no_cause_is_made_up() -> None:
    finding = findings(f"transformers==4.50.0\n{TRACE}", [BUSY])[0]
    assert finding.what == "pair"
    assert finding.because[-1].startswith("no cause that is known for it goes with these versions")
    assert not any("pip install" in line for line in finding.fix)


def test_the_more_special_cause_is_told_where_it_is_known_to_hold_and_only_there() -> None:
    general, special = (
        cause("general", "transformers <4.43"),
        cause("special", "transformers <4.43", "accelerate absent"),
    )
    both = rule("both", "cannot import name", general, special)
    assert findings(TRACE, [both])[0].what == "general"
    assert findings(TRACE, [both], Installed(versions={"transformers": "4.2", "accelerate": None}))[0].what == "special"
    assert (
        findings(TRACE, [both], Installed(versions={"transformers": "4.2", "accelerate": "1.0"}))[0].what == "general"
    )


def test_a_cause_that_must_be_known_is_no_possibility() -> None:
    stale = cause("stale", "transformers >=4.43", only_known=True)
    both = rule("both", "cannot import name", TOO_OLD, stale)
    assert findings(TRACE, [both])[0].what == "transformers too old"
    assert findings(f"transformers==4.50.0\n{TRACE}", [both])[0].what == "stale"


def test_commands_are_for_the_python_that_was_named() -> None:
    known = findings(TRACE, [BUSY], Installed(versions={"transformers": "4.2"}), "/env/bin/python")[0]
    assert known.fix[0] == "/env/bin/python -m pip install transformers too old"
    assert known.because[1] == "transformers 4.2, in /env/bin/python"


def test_what_was_computed_for_that_python_is_said_in_place_of_the_rules_own_lines() -> None:
    known = Known(told=versions_in(TRACE))
    assert finding(CACHE, MESSAGE, known, Remedy(instead=("do this",))).fix == ("do this",)
    assert finding(CACHE, MESSAGE, known, Remedy(first="do this")).fix[0] == "do this"


def test_the_library_that_a_text_names_is_in_the_command() -> None:
    step = replace(cause("gone"), fix=("python -m pip install NAME",))
    gone = rule("gone", "No module named '(flash_attn|peft)'", step)
    assert findings("No module named 'flash_attn'", [gone])[0].fix == ("python -m pip install flash-attn",)
