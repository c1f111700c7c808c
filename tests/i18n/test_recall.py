"""Texts that were JSON in between: read back in English, said in Chinese, while names stay names."""
# ruff: noqa: RUF001 - the signs of Chinese are meant

from __future__ import annotations

import errno
import io
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from rich.console import Console
from tests.i18n.extraction import WRITTEN, calls, template
from tests.recorded_runs import replay

from rigfit.catalog.locate import catalog_dir
from rigfit.cli import proofs
from rigfit.core.event import RunFailed, RunFinished
from rigfit.core.machine import DriverFault
from rigfit.core.pace import Pace
from rigfit.core.progress import RunView
from rigfit.core.receipt import Receipt, Verification
from rigfit.core.words import Words, say
from rigfit.language import CATALOGS, in_language
from rigfit.language.recall import templates_of
from rigfit.probe.machine import read_machine
from rigfit_installer.draw import run as rows
from rigfit_installer.widgets.columns import Row

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TESTS = Path(__file__).parents[1]
MACHINES = sorted((TESTS / "machines").glob("*.json"))
RUNS = sorted((TESTS / "data/runs").glob("*.jsonl"))
PAYLOADS = sorted((TESTS.parent / "src/rigfit/verify/payloads").glob("*.py"))
CATALOG = catalog_dir(None)
KNOWN = [*templates_of((CATALOGS / "zh_CN/LC_MESSAGES/rigfit.mo").read_bytes())]
COMMANDS = ("sudo ", "ls ", "mokutil ", "rigfit ")
LIBRARY_S_OWN = "XPU/CPU can run without native library."
SENTENCE = re.compile(r"[A-Za-z']{2,} [a-z']{2,} [a-z']{2,}")


def chinese(text: str) -> str:
    return in_language(text, "zh_CN")


def has_chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def filled(text: str) -> Words:
    """With a value of its own at each place."""
    values: dict[str, Any] = {}
    for number, (_, name, form, _) in enumerate(Formatter().parse(text)):
        if name is not None:
            kind = (form or "s")[-1]
            values[name] = f"value.{number}" if kind == "s" else 7 + number if kind in "dx" else 0.25 + number
    return say(text, **values)


def read_back(text: str) -> str:
    """As it comes out of JSON."""
    return str(json.loads(json.dumps(text)))


def payload_texts() -> Iterator[str]:
    for path in PAYLOADS:
        yield from (template(call) for call in calls(path.read_text("utf-8")))


@pytest.mark.parametrize("text", sorted(set(payload_texts())))
def test_what_a_payload_says_is_read_in_chinese(text: str) -> None:
    said = filled(text)
    assert chinese(read_back(said)) == chinese(said)
    assert has_chinese(chinese(said))


def test_any_text_is_said_as_before_or_as_it_stands() -> None:
    """And those that are too short to be told from what others write are the only ones that stand."""
    standing = []
    for text in filter(None, KNOWN):
        said = filled(text)
        if chinese(read_back(said)) != chinese(said):
            assert chinese(read_back(said)) == said
            standing.append("".join(literal for literal, *_ in Formatter().parse(text)))
    assert [text for text in standing if len(re.findall("[A-Za-z]", text)) >= 8] == []


@pytest.mark.parametrize(
    ("english", "said"),
    [
        (
            (
                "LlamaForCausalLM has 0 Linear8bitLt, not 14; T5ForConditionalGeneration has 8-bit weights of the dtypes "
                "torch.float16, torch.int8"
            ),
            (
                "LlamaForCausalLM 有 0 个 Linear8bitLt，而不是 14 个；T5ForConditionalGeneration 的 8-bit 权重的 dtypes 为 "
                "torch.float16, torch.int8"
            ),
        ),
        (
            (
                "nothing was quantized: logits of LlamaForCausalLM 0.0 away, expected 0.001 to 0.05; wrong numbers: "
                "encoder.block.1.layer.0.SelfAttention.q of T5ForConditionalGeneration nan away, expected 0.001 to 0.03"
            ),
            (
                "没有任何部分被量化：LlamaForCausalLM 的 logits 相差 0.0，预期 0.001 至 0.05；数值错误："
                "T5ForConditionalGeneration 的 encoder.block.1.layer.0.SelfAttention.q 相差 nan，预期 0.001 至 0.03"
            ),
        ),
        (
            "no native library is loaded: CUDA setup failed; see its log; network: tried to reach hub.invalid",
            "没有加载原生库：CUDA setup failed；see its log；网络：试图访问 hub.invalid",
        ),
        (
            "LlamaForCausalLM takes 1.000 of torch.float32, not 0.356 to 0.396",
            "LlamaForCausalLM 占用 torch.float32 的 1.000，而不是 0.356 至 0.396",
        ),
        (
            "T5ForConditionalGeneration: the loss went from 8.5720 to nan in 6 steps",
            "T5ForConditionalGeneration：损失在 6 步内从 8.5720 变为 nan",
        ),
        (
            "library: level imports\nlora_step: quantized_load failed",
            "library：级别为 imports\nlora_step：quantized_load 未通过",
        ),
    ],
)
def test_reasons_that_were_put_together_are_told_apart(english: str, said: str) -> None:
    assert chinese(english) == said


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)
def test_the_driver_s_fault_of_a_recorded_machine_is_read_in_chinese(path: Path) -> None:
    match read_machine(path).driver:
        case DriverFault(what=what, fix=fix):
            assert not isinstance(what, Words)
            assert has_chinese(chinese(what))
            assert [step for step in fix if not step.startswith(COMMANDS) and not has_chinese(chinese(step))] == []


def test_a_text_that_was_read_back_is_told_within_another_one() -> None:
    assert chinese(say("{check}: {why}", check="lora_step", why="quantized_load skipped")) == (
        "lora_step：quantized_load 已跳过"
    )


# Both faces


def view(path: Path) -> RunView:
    seen = RunView()
    for event in replay(path.read_text("utf-8").splitlines()):
        seen = seen.after(event)
    return seen


def outcomes() -> Iterator[Verification]:
    """A receipt as it is stored, and a proof that failed."""
    for path in RUNS:
        *_, last = replay(path.read_text("utf-8").splitlines())
        match last:
            case RunFailed(result=result):
                yield Verification.from_json(result)
            case RunFinished(result=result):
                yield Receipt.from_json(result).verification


def plain(drawn: Iterator[Row]) -> str:
    return "\n".join("  ".join(cell.plain for cell in row) for row in drawn)


@pytest.fixture
def _in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIGFIT_LANG", "zh_CN")


@pytest.mark.usefixtures("_in_chinese")
@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_a_replayed_run_leaves_no_english_sentence_in_the_installer(path: Path) -> None:
    seen = view(path)
    shown = plain(rows.step_rows(seen, Pace(), 0.0)) + plain(rows.check_rows(seen.checks))
    problem = seen.problem
    if problem:
        shown += "\n".join(map(chinese, (problem.what, problem.detail)))
    assert "每个模块都能导入" in shown
    assert SENTENCE.findall(shown.replace(LIBRARY_S_OWN, "")) == []


@pytest.mark.usefixtures("_in_chinese")
@pytest.mark.parametrize("done", [*outcomes()], ids=lambda done: f"passed={done.passed}")
def test_a_stored_proof_leaves_no_english_sentence_on_the_terminal(done: Verification) -> None:
    console = Console(width=400, record=True, file=io.StringIO())
    console.print(proofs.verification(done, verbose=True))
    shown = console.export_text()
    assert "每个模块都能导入" in shown
    assert "0.356 至 0.396" in shown
    assert SENTENCE.findall(shown.replace(LIBRARY_S_OWN, "")) == []


# Names


def names_in(value: Any, *, texts: tuple[str, ...]) -> Iterator[str]:
    """Whatever stands in a file that people did not write for people: keys and values."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from () if key in texts else names_in(part, texts=texts)
    elif isinstance(value, list):
        for part in value:
            yield from names_in(part, texts=texts)
    elif isinstance(value, str):
        yield value


def names() -> Iterator[str]:
    for path in MACHINES:
        yield from names_in(json.loads(path.read_text("utf-8")), texts=("what", "fix", "origin"))
    for path in CATALOG.rglob("*.toml"):
        unshown = ("pattern", "unless")  # what error texts are known by
        yield from names_in(tomllib.loads(path.read_text("utf-8")), texts=(*WRITTEN, *unshown))
    for path in CATALOG.rglob("*.conda-lock.yml"):
        lock = path.read_text("utf-8")
        yield from re.findall(r"^- name: (.+)$", lock, re.MULTILINE)
        yield from re.findall(r"^  url: (.+)$", lock, re.MULTILINE)
        environment = f"{path.parent.name}-{path.name.removesuffix('.conda-lock.yml')}-84c3b1aa"
        yield from (path.name, environment, f"/home/me/envs/{environment}/bin/python", f"rigfit run {environment}")
    yield from (os.strerror(number) for number in errno.errorcode)


def test_a_name_is_never_translated_within_a_text() -> None:
    said = {name: chinese(say("cannot read {place}: {reason}", place=name, reason=name)) for name in names() if name}
    assert len(said) > 500
    assert [name for name, text in said.items() if text != f"无法读取 {name}：{name}"] == []


def test_a_name_of_more_than_one_word_or_with_signs_is_not_translated_alone() -> None:
    """A single word may be both: who shows a name by itself does not have it said."""
    found = {name for name in names() if not re.fullmatch("[a-z]+", name)}
    assert len(found) > 500
    assert [name for name in found if chinese(name) != name] == []


def test_english_is_what_was_written_and_nothing_is_looked_up() -> None:
    for text in KNOWN:
        assert in_language(text, "en") is text
