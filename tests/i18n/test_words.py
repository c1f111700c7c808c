"""Texts that are English to programs and Chinese to whoever reads Chinese."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path

import pytest

from rigfit.catalog.load import load_facts, load_templates
from rigfit.catalog.locate import catalog_dir
from rigfit.core.refusal import why_nothing
from rigfit.core.selection import Selection, Wish, select
from rigfit.core.words import Words, alternatives, joined, lines, say, sentence
from rigfit.language import chosen, in_language, said
from rigfit.probe.machine import read_machine

MACHINES = Path(__file__).parents[1] / "machines"
CHINESE = "zh_CN"


def judged(machine: str, wish: Wish) -> Selection:
    catalog = catalog_dir(None)
    return select(read_machine(MACHINES / f"{machine}.json"), load_templates(catalog), load_facts(catalog), wish)


def has_chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def test_a_program_reads_english() -> None:
    text = say("no template fits this machine")
    assert json.dumps({"what": text}) == '{"what": "no template fits this machine"}'


def test_a_person_reads_chinese() -> None:
    assert in_language(say("no template fits this machine"), CHINESE) == "没有适合本机的模板"


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh_CN"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en_US"),
        ({"LANG": "en_US.UTF-8", "RIGFIT_LANG": "zh"}, "zh_CN"),
        ({"LANG": "zh_CN.UTF-8", "RIGFIT_LANG": "en"}, "en_US"),
        ({"LANG": "zh_CN.UTF-8", "RIGFIT_LANG": ""}, "zh_CN"),
    ],
)
def test_rigfit_s_own_variable_decides_before_the_locale(environ: dict[str, str], language: str) -> None:
    assert chosen(environ) == language


def test_the_lines_of_a_joined_text_are_said_in_the_language_of_whoever_reads_them() -> None:
    first, second, third = say("no template fits this machine"), say("unknown"), "a name"
    told = lines(joined("\n", [first, joined("\n  ", [second, third])]))
    assert told == (str(first), str(second), third)
    assert [has_chinese(in_language(line, CHINESE)) for line in told] == [True, True, False]
    assert (lines("of\n  others"), lines("")) == (("of", "others"), ("",))


def test_a_face_speaks_the_chosen_language(monkeypatch: pytest.MonkeyPatch) -> None:
    text = say("no template fits this machine")
    monkeypatch.setenv("RIGFIT_LANG", "zh_CN")
    assert has_chinese(said(text))
    monkeypatch.setenv("RIGFIT_LANG", "en")
    assert said(text) == "no template fits this machine"


@pytest.mark.parametrize("language", ["en", "en_GB", "C", "de_DE"])
def test_where_no_catalog_is_it_stays_english(language: str) -> None:
    assert in_language(sentence(say("8-bit is fast there")), language) == "8-bit is fast there."


def test_a_text_within_a_text_is_translated_too() -> None:
    text = say("cannot read {place}: {reason}", place="/data", reason=say("permission denied"))
    assert text == "cannot read /data: permission denied"
    assert in_language(text, CHINESE).startswith("无法读取 /data")
    assert in_language(text, CHINESE).endswith("权限不足")


def test_a_name_is_not_translated_although_there_is_such_a_word() -> None:
    text = say("there is no template `{name}` in the catalog", name="cache")
    assert "`cache`" in in_language(text, CHINESE)


def test_what_is_joined_is_translated_part_by_part() -> None:
    text = joined(" {a} ", [say("permission denied"), "x", say("it is read-only")])
    assert text == "permission denied {a} x {a} it is read-only"
    assert in_language(text, CHINESE) == "权限不足 {a} x {a} 它是只读的"


def test_the_mark_between_parts_may_be_another_one() -> None:
    text = joined(say("; "), ["a", "b"])
    assert text == "a; b"
    assert in_language(text, CHINESE) == "a\uff1bb"


def test_sentences_are_parted_by_a_space_where_the_signs_have_none_of_their_own() -> None:
    sentences = (sentence(say("8-bit is slow there")), say("This machine has no NVIDIA GPU."))
    text = joined(" ", sentences)
    assert text == "8-bit is slow there. This machine has no NVIDIA GPU."
    assert in_language(text, CHINESE) == "8 位量化在其上运行慢。本机没有 NVIDIA GPU。"


def test_nothing_joined_is_nothing_in_chinese() -> None:
    assert in_language(joined(", ", []), CHINESE) == ""


def test_one_of_several_is_said_with_the_word_for_or() -> None:
    text = alternatives(("linux-64", "linux-aarch64", "osx"))
    assert text == "linux-64 or linux-aarch64 or osx"
    assert in_language(text, CHINESE) == "linux-64 或 linux-aarch64 或 osx"


def test_a_sentence_has_the_capital_in_english_alone() -> None:
    text = sentence(say("8-bit is slow there"))
    assert text == "8-bit is slow there."
    assert sentence(say("its wheels are built for other platforms only")).startswith("Its wheels")
    assert in_language(text, CHINESE) == "8 位量化在其上运行慢。"


def test_a_copied_text_remembers() -> None:
    text = sentence(say("its wheels are built for other platforms only"))
    for copied in (copy.deepcopy(text), pickle.loads(pickle.dumps(text))):  # noqa: S301 - our own
        assert copied == text
        assert in_language(copied, CHINESE) == in_language(text, CHINESE)
        assert has_chinese(in_language(copied, CHINESE))


@pytest.mark.parametrize("machine", ["h100-580", "a100-470", "a100-mig-535"])
def test_every_verdict_is_said_in_chinese(machine: str) -> None:
    for candidate in judged(machine, Wish()).candidates:
        for verdict in candidate.verdicts:
            assert isinstance(verdict.words, Words)
            said = in_language(verdict.words, CHINESE)
            assert has_chinese(said)
            assert verdict.requirement in said


def test_a_refusal_is_said_in_chinese_with_its_commands_as_they_are() -> None:
    refused = judged("h100-580", Wish(template="lora-8bit"))
    assert refused.chosen is None
    catalog = catalog_dir(None)
    problem = why_nothing(refused, load_templates(catalog), load_facts(catalog))
    assert "`lora-8bit`" in in_language(problem.what, CHINESE)
    for line in (problem.what, *problem.fix, *in_language(problem.detail, CHINESE).splitlines()[:1]):
        assert has_chinese(in_language(line, CHINESE))
    assert "needs" not in in_language(problem.detail, CHINESE)
    assert any("`rigfit setup" in in_language(step, CHINESE) for step in problem.fix)
