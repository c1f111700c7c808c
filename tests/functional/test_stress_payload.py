"""The stress payload, really training in interpreters of their own: what it passes, and that planted faults do not get past it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.functional import test_payload as proof

from rigfit.verify.payloads import stress_training
from rigfit.verify.payloads.stress import slow_steps
from rigfit.verify.payloads.stress_model import chosen_shape
from rigfit.verify.payloads.stress_rig import LADDER, Course, Rig

bare = proof.bare

PAYLOAD = Path(__file__).parents[2] / "src/rigfit/verify/payloads/stress.py"
IDS = ["imports", "library", "stress_load", "stress_steps", "stress_numbers"]
STEPS = 24
SMALL = {"family": "llama", "hidden": 128, "layers": 2, "heads": 4, "kv_heads": 2, "intermediate": 256, "vocab": 512}


def train(python: Path | str, scratch: Path, imports: list[str], **asked: Any) -> proof.Report:
    """`asked` is what differs from 24 steps of a small model in 8 bits on the CPU."""
    job: dict[str, Any] = {"device": "cpu", "quantization": "int8", "imports": imports}
    return proof.told(PAYLOAD, python, scratch, {**job, "steps": STEPS, "model": {**SMALL, "tied": False}, **asked})


def test_each_check_is_started_and_reported_once_in_order_even_where_nothing_can_run(
    bare: proof.Bare, tmp_path: Path
) -> None:
    report = train(bare.python, tmp_path, proof.STACK)
    assert [line["event"] for line in report.lines] == ["versions", *["check_started", "check"] * 5, "done"]
    assert list(report.checks) == IDS
    assert report.statuses == {"imports": "failed", **dict.fromkeys(IDS[1:], "skipped")}
    assert report.checks["library"]["why"] == "imports failed"
    assert report.checks["stress_numbers"]["why"] == "stress_steps skipped"
    assert report.code == 0


def test_a_bitsandbytes_that_breaks_as_it_is_imported_is_named_with_its_error(bare: proof.Bare, tmp_path: Path) -> None:
    bare.add("torch", "")
    bare.add("bitsandbytes", "raise RuntimeError('CUDA Setup failed despite GPU being available')")
    report = train(bare.python, tmp_path, ["torch", "bitsandbytes"])
    assert report.checks["imports"]["why"].startswith("bitsandbytes: RuntimeError: CUDA Setup failed despite GPU")
    assert report.checks["imports"]["code"] == "not_installed"
    assert report.statuses["stress_steps"] == "skipped"


def test_a_library_that_calls_out_fails_its_check_although_it_swallows_the_refusal(
    bare: proof.Bare, tmp_path: Path
) -> None:
    text = "import socket\ntry:\n    socket.getaddrinfo('hub.invalid', 443)\nexcept OSError:\n    pass"
    report = train(bare.python, tmp_path, [bare.add("caller", text)])
    assert report.checks["imports"]["why"] == "network: tried to reach hub.invalid"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"quantization": "gptq"}, "gptq"),
        ({"seconds": 5}, "either seconds or steps"),
        ({"steps": None}, "either seconds or steps"),
        ({"model": {**SMALL, "family": "opt"}}, "no such family: opt"),
    ],
)
def test_a_job_that_makes_no_sense_is_a_bug_of_the_caller(
    bare: proof.Bare, tmp_path: Path, asked: dict[str, Any], said: str
) -> None:
    report = train(bare.python, tmp_path, [], **asked)
    assert (report.code, report.lines) == (1, [])
    assert said in report.stderr


# How the memory of a GPU is filled, with numbers in the place of one

GIB = 1024**3


def filled(
    monkeypatch: pytest.MonkeyPatch, total: float, a_sequence: float, limit: float = 0.9, **asked: Any
) -> tuple[Course, float]:
    """What was chosen for a GPU of `total` GiB, and the part of it that this takes; 8 GiB of it are the model's."""
    rig = rig_for("int8", **asked)
    rig.free_before, rig.shape = int(total * GIB), LADDER[3]
    rig.course.sequence = asked.get("sequence", stress_training.SEQUENCE)

    def taken(batch: int) -> int:
        return int((8.5 + a_sequence * batch * rig.course.sequence / 512) * GIB)

    def trial(_rig: Any, _trainee: Any, batch: int) -> int:
        return taken(batch) if taken(batch) <= limit * rig.free_before else 0

    monkeypatch.setattr(stress_training, "trial", trial)
    torch = SimpleNamespace(cuda=SimpleNamespace(memory_allocated=lambda _device: 8 * GIB))
    monkeypatch.setattr(stress_training, "library", lambda _name: torch)
    rig.course.batch = stress_training.filling_batch(rig, None)  # type: ignore[arg-type]
    return rig.course, taken(rig.course.batch) / rig.free_before


def rig_for(quantization: str, **asked: Any) -> Rig:
    job = {"device": "cuda:0", "quantization": quantization, "imports": [], "scratch": "", "seconds": 1, **asked}
    return Rig(job, lambda **_: None)


@pytest.mark.parametrize(("total", "a_sequence"), [(80, 1.1), (24, 1.0), (24, 0.3), (192, 2.0), (16, 0.1)])
def test_the_batch_fills_the_part_of_the_memory_that_was_asked_for_and_no_more(
    monkeypatch: pytest.MonkeyPatch, total: float, a_sequence: float
) -> None:
    _, part = filled(monkeypatch, total, a_sequence)
    assert 0.85 - a_sequence / total <= part <= 0.85


def test_a_batch_that_is_too_much_is_stepped_down_from(monkeypatch: pytest.MonkeyPatch) -> None:
    _, part = filled(monkeypatch, 24, 0.3, limit=0.7)
    assert 0.6 <= part <= 0.7


def test_the_sequence_is_halved_where_not_even_one_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    course, _ = filled(monkeypatch, 12, 8)
    assert (course.batch, course.sequence) == (1, 128)


def test_a_sequence_that_was_asked_for_is_not_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MemoryError, match="out of memory with a single sequence"):
        filled(monkeypatch, 12, 8, sequence=512)


@pytest.mark.parametrize("quantization", ["int8", "nf4"])
def test_a_model_from_the_ladder_leaves_more_than_half_of_the_memory_to_training(quantization: str) -> None:
    rig = rig_for(quantization)
    for gib in (6, 8, 12, 16, 24, 48, 80, 141, 192):
        shape = chosen_shape(rig, gib * GIB)
        assert shape.bytes(rig.way.width) < 0.45 * gib * GIB


def test_a_step_that_took_more_than_twenty_times_the_others_is_told() -> None:
    course = Course()
    course.paces = [(30.0, 1), *[(0.2, 1)] * 9, (4.1, 1), (0.2, 1)]
    assert slow_steps(course) == ["step 11 took 4.1 s, others 0.200 s"]
    course.paces[10] = (3.9, 1)
    assert slow_steps(course) == []


# With real wheels


@pytest.mark.slow
def test_a_sound_stack_trains_and_each_number_stays(stack: Callable[..., Path], tmp_path: Path) -> None:
    asked = {"model": {**SMALL, "tied": True}, "checkpointing": True}
    report = train(stack(*proof.NEW, "bitsandbytes==0.50.2"), tmp_path, proof.STACK, **asked)
    assert report.statuses == dict.fromkeys(IDS, "passed"), report.checks
    load, steps, numbers = (report.checks[name]["measured"] for name in IDS[2:])
    assert load["parameters"] == 361_088
    assert (steps["steps"], steps["rounds"], steps["batch"], steps["sequence"]) == (STEPS, 2, 2, 32)
    assert steps["loss_last"] < steps["loss_first"]
    assert steps["tokens_per_second_worst"] > 0
    assert (numbers["wrong"], numbers["looks"]) == (0, 3)
    assert report.lines[-1] == {"event": "done", "device": "cpu", "peak_memory": None}


@pytest.mark.slow
def test_a_training_for_seconds_in_4_bits_tells_how_far_it_has_come_at_most_once_a_second(
    stack: Callable[..., Path], tmp_path: Path
) -> None:
    python = stack(*proof.LAST_OF_4, "bitsandbytes==0.49.2")
    report = train(python, tmp_path, proof.STACK, quantization="nf4", steps=None, seconds=3, model=None)
    assert report.statuses == dict.fromkeys(IDS, "passed"), report.checks
    assert report.checks["stress_load"]["measured"]["parameters"] == 426_624
    assert report.checks["stress_numbers"]["measured"]["wrong"] == 0
    told = [line for line in report.lines if line["event"] == "progress"]
    assert all(line["total"] == 3 and line["tokens_per_second"] > 0 for line in told)
    times = [line["done"] for line in told]
    assert len(times) > 1
    assert all(later - earlier >= 0.9 for earlier, later in itertools.pairwise(times))


# What each of these plants is told of by itself, so several are planted in one training: each costs a cold start of all libraries.
PLANTED = """
import peft, torch, transformers
made, steps = [], []
adapt, step = peft.get_peft_model, torch.optim.AdamW.step
def get_peft_model(*given):
    made.append(adapt(*given))
    return made[0]
def stepping(self, *given):
    steps.append(self)
    plant(len(steps), dict(made[0].named_parameters()))
    return step(self, *given) if LEARNING else None
peft.get_peft_model, torch.optim.AdamW.step = get_peft_model, stepping
def lora_of(tensors):
    return [tensor for name, tensor in tensors.items() if "lora_" in name]
def named(part, tensors):
    return next(tensor for name, tensor in tensors.items() if part in name)
"""
BITS_FLIPPED_AND_NOTHING_LEARNED = """
LEARNING = False
def plant(step, tensors):
    if step == 20:
        named("layers.1.mlp.down_proj", tensors).data.view(-1)[3] ^= 1
        named("model.norm.weight", tensors).data.view(torch.int32)[3] ^= 1
"""
# A round begins anew at step 33, and once the loss or a gradient is not finite.
ASTRAY_THEN_NAN_THEN_INFINITE = """
LEARNING = True
def plant(step, tensors):
    for tensor in lora_of(tensors):
        if step == 20:
            tensor.data.mul_(-9).add_(0.5)
        if step == 35:
            tensor.data.fill_(float("nan"))
    if step == 39:
        named("layers.0.self_attn.q_proj.lora_A", tensors).register_hook(lambda gradient: gradient * float("inf"))
"""
UNQUANTIZED = """
import transformers
family = transformers.LlamaForCausalLM
load = family.from_pretrained
family.from_pretrained = lambda path, quantization_config=None, **others: load(path, **others)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sabotage", "steps", "found"),
    [
        (
            PLANTED + BITS_FLIPPED_AND_NOTHING_LEARNED,
            24,
            {
                "stress_steps": ["the loss went from "],
                "stress_numbers": [
                    "by step 24, ",
                    "layers.1.mlp.down_proj.weight of the base has changed",
                    "model.norm.weight of the base has changed",
                ],
            },
        ),
        (
            PLANTED + ASTRAY_THEN_NAN_THEN_INFINITE,
            40,
            {
                "stress_steps": ["step 36: the loss is nan"],
                "stress_numbers": [
                    "as in the first round",
                    "step 36: the loss is nan",
                    "step 40: the gradient of ",
                    "lora_A.default.weight is not finite",
                ],
            },
        ),
        (UNQUANTIZED, 24, {"stress_load": ["0 Linear8bitLt with weights of torch.int8, not 14"]}),
    ],
    ids=["bits flipped, nothing learned", "astray, nan, inf", "unquantized"],
)
def test_a_planted_fault_is_found_and_told_where(
    stack: Callable[..., Path], tmp_path: Path, sabotage: str, steps: int, found: dict[str, list[str]]
) -> None:
    python = stack(*proof.NEW, "bitsandbytes==0.50.2")
    (site_packages,) = python.parents[1].glob("lib/python3*/site-packages")
    (site_packages / "sabotage.py").write_text(sabotage)
    report = train(python, tmp_path, [*proof.STACK, "sabotage"], steps=steps)
    for check, parts in found.items():
        assert report.statuses[check] == "failed", report.checks
        assert [part for part in parts if part not in report.checks[check]["why"]] == [], report.checks
    assert report.code == 0
