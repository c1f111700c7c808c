"""What training takes of a GPU: the parts, what they follow from, and what is made of them."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from rigfit.catalog.load import load_facts
from rigfit.catalog.locate import catalog_dir
from rigfit.core.capacity import Memory, large_enough, memory_of, memory_of_size
from rigfit.core.estimate import adapters, estimate
from rigfit.core.fact import KnownModel
from rigfit.core.family import FAMILIES
from rigfit.core.fit import Fit, fit, largest_batch, longest_sequence
from rigfit.core.footprint import Footprint, Training
from rigfit.core.given import Given, sketch
from rigfit.core.known import known
from rigfit.core.machine import Driver, Gpu, Machine, Platform, Slice
from rigfit.core.problem import ProblemError
from rigfit.core.quantity import count, size
from rigfit.core.size import human
from rigfit.core.version import Capability, Version

FACTS = load_facts(catalog_dir(None))
MODELS = FACTS.models
GIB, MIB = 1 << 30, 1 << 20
LLAMA = known("llama-2-7b", MODELS).shape


def sizes(footprint: Footprint) -> dict[str, int]:
    """The parts that are there at the peak."""
    return {part.code: part.size for part in footprint.every if footprint.counts(part)}


# The models


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_the_shape_of_a_model_has_the_parameters_that_were_published(model: KnownModel) -> None:
    assert model.shape.parameters == pytest.approx(model.parameters, rel=0.01)


def test_the_catalog_knows_the_usual_models_of_every_family() -> None:
    assert len(MODELS) >= 25
    assert {model.shape.family for model in MODELS} == set(FAMILIES)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Llama-2-7b", "Llama-2-7b"),
        ("meta-llama/Llama-2-7b-hf", "Llama-2-7b"),
        ("LLAMA-2-7B-HF", "Llama-2-7b"),
        ("mistral-7b-v0.2", "Mistral-7B-v0.1"),  # an alias: the same shape
        ("2-13b", "Llama-2-13b"),  # a part that no other name has
        ("opt-1.3b", "opt-1.3b"),
    ],
)
def test_a_model_is_found_by_what_people_call_it(name: str, found: str) -> None:
    assert known(name, MODELS).name == found


def test_a_part_of_several_names_is_not_guessed_at() -> None:
    with pytest.raises(ProblemError, match="could be 2 models: Llama-2-7b, Llama-2-13b"):
        known("llama-2-", MODELS)


def test_an_unknown_model_is_refused_with_near_names_and_the_other_ways() -> None:
    with pytest.raises(ProblemError) as caught:
        known("Qwen/Qwen2-7B", MODELS)
    problem = caught.value.problem
    assert problem.code == "unknown_model"
    assert "Qwen2.5-7B" in problem.fix[0]
    assert any("config.json" in step for step in problem.fix)
    assert any("--layers" in step for step in problem.fix)


# The parts


def test_each_part_of_a_7b_model_follows_from_its_shape() -> None:
    found = sizes(estimate(LLAMA, Training(batch=1, sequence=512)))
    linears = 4 * 4096 * 4096 + 3 * 4096 * 11008
    rows = 4 * 4096 + 2 * 11008 + 4096
    assert found["weights"] == 32 * (linears + 4 * rows)
    assert found["unquantized"] == 4 * (2 * 32000 * 4096 + (2 * 32 + 1) * 4096)
    assert found["adapters"] == 4 * 32 * 2 * 8 * (4096 + 4096)
    assert found["optimizer"] == 2 * found["adapters"]
    assert found["kept"] == 32 * 512 * 4096 * 4


def test_the_peak_is_context_room_and_the_parts_of_one_moment() -> None:
    footprint = estimate(LLAMA, Training(batch=4, sequence=512))
    assert footprint.needed == sum(sizes(footprint).values())
    assert footprint.needed == footprint.peak + footprint.room
    assert "layer" in sizes(footprint)
    assert "logits" not in sizes(footprint)


def test_a_large_vocabulary_makes_the_loss_the_worst_moment() -> None:
    footprint = estimate(known("gemma-2b", MODELS).shape, Training(batch=4, sequence=1024))
    assert footprint.worst == "loss"
    assert sizes(footprint)["logits"] == 3 * 4 * 1024 * 256_000 * 4


def test_the_cast_of_a_large_embedding_is_the_worst_moment_of_a_short_training() -> None:
    assert estimate(known("gemma-2b", MODELS).shape, Training(batch=1, sequence=64)).worst == "load"


def test_large_adapters_make_the_step_of_the_optimizer_the_worst_moment() -> None:
    every = Training(batch=1, sequence=64, rank=256, targets=FAMILIES["llama"].linears)
    footprint = estimate(LLAMA, every)
    assert footprint.worst == "step"
    assert sizes(footprint)["gradients"] == 4 * adapters(LLAMA, every)


def test_attention_scores_are_kept_only_where_heads_are_shared_or_attention_is_eager() -> None:
    """Four times the tokens in one sequence take about four times the activations, but for stored scores."""

    def growth(name: str) -> float:
        shape = known(name, MODELS).shape
        shape = replace(shape, vocab=8)  # so that the loss does not decide
        short, long = (sizes(estimate(shape, Training(sequence=tokens)))["layer"] for tokens in (4096, 16384))
        return long / short

    assert growth("Llama-2-7b") == pytest.approx(4, rel=0.01)
    assert growth("Llama-3.1-8B") > 9
    assert growth("bloom-7b1") > 9


def test_four_bits_take_half_of_the_weights_and_a_maximum_for_each_64() -> None:
    eight, four = (sizes(estimate(LLAMA, Training(quantization=way)))["weights"] for way in ("int8", "nf4"))
    assert four == LLAMA.quantized // 2 + LLAMA.quantized // 16
    assert four < 0.57 * eight


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_more_work_never_needs_less(model: KnownModel) -> None:
    least = Training(batch=2, sequence=512)
    every = Training(batch=2, sequence=512, targets=model.shape.of.linears)
    more = (
        replace(least, batch=3),
        replace(least, sequence=513),
        replace(least, rank=16),
        replace(least, checkpointing=False),
        every,
    )
    needed = estimate(model.shape, least).needed
    assert all(estimate(model.shape, training).needed >= needed for training in more)
    assert estimate(model.shape, replace(least, quantization="nf4")).needed < needed


# Whether it fits


def judged(training: Training, total: int | None, *, free: int | None = None) -> Fit:
    return fit(LLAMA, training, Memory(label="a GPU", total=total, free=free))


def test_the_largest_batch_fits_and_one_more_does_not() -> None:
    batch = largest_batch(LLAMA, Training(), 24 * GIB)
    assert batch > 1
    assert judged(Training(batch=batch), 24 * GIB).answer == "fits"
    assert judged(Training(batch=batch + 1), 24 * GIB).answer == "does_not_fit"


def test_the_longest_sequence_fits_and_64_tokens_more_do_not() -> None:
    tokens = longest_sequence(LLAMA, Training(batch=9), 24 * GIB)
    assert tokens > 512
    assert judged(Training(sequence=tokens), 24 * GIB).answer == "fits"
    assert judged(Training(sequence=tokens + 64), 24 * GIB).answer == "does_not_fit"


def test_memory_that_is_not_known_is_not_taken_for_enough() -> None:
    assert judged(Training(), None).answer == "unknown"
    assert fit(LLAMA, Training(), None).answer == "unknown"
    assert judged(Training(), None).largest_batch is None


def test_what_the_driver_keeps_of_a_gpu_is_not_counted_on() -> None:
    """An idle H100: CUDA's total is what NVML calls free."""
    needed = estimate(LLAMA, Training()).needed
    for total, answer in ((needed + 479 * MIB, "does_not_fit"), (needed + 480 * MIB, "fits")):
        gpu = Gpu(index=0, memory_total=total, memory_free=total - 480 * MIB)
        assert fit(LLAMA, Training(), memory_of(machine(gpu), FACTS, None)).answer == answer


@pytest.mark.parametrize("free", [None, GIB])
def test_where_it_is_not_seen_what_the_driver_keeps_as_much_is_taken_for_kept_as_was_ever_seen(
    free: int | None,
) -> None:
    seen = {8192: 406, 10240: 397, 81559: 480, 81920: 869, 143771: 615}  # MiB
    for total, reserved in seen.items():
        found = memory_of(machine(Gpu(index=0, memory_total=total * MIB, memory_free=free)), FACTS, None)
        assert found is not None
        assert found.usable is not None
        assert found.usable <= (total - reserved) * MIB
        assert found.usable >= 0.93 * total * MIB


def test_a_size_that_is_named_is_that_of_the_card() -> None:
    needed = estimate(LLAMA, Training()).needed
    assert fit(LLAMA, Training(), memory_of_size(needed + 400 * MIB)).answer == "does_not_fit"
    assert memory_of_size(MIB).usable == 0


@pytest.mark.parametrize("batch", [1, 64, 512])
def test_the_larger_gpu_that_is_advised_is_large_enough(batch: int) -> None:
    asked = Training(batch=batch)
    advised = large_enough(estimate(LLAMA, asked).needed)
    assert human(advised) in fit(LLAMA, asked, memory_of_size(GIB)).helps[-1].what
    assert fit(LLAMA, asked, memory_of_size(advised)).answer == "fits"
    assert fit(LLAMA, asked, memory_of_size(advised - MIB)).answer == "does_not_fit"


def test_a_busy_gpu_is_told_from_one_that_is_too_small() -> None:
    busy = judged(Training(), 24 * GIB, free=2 * GIB)
    assert (busy.answer, busy.fits_now) == ("fits", False)
    assert judged(Training(), 24 * GIB, free=23 * GIB).fits_now is True
    assert judged(Training(), 24 * GIB).fits_now is None


@pytest.mark.parametrize(
    ("training", "total", "codes"),
    [
        (Training(batch=64), 16 * GIB, ["smaller_batch", "nf4+smaller_batch", "larger_gpu"]),
        (Training(sequence=32768), 16 * GIB, ["shorter_sequence", "nf4+shorter_sequence", "larger_gpu"]),
        (Training(), 7 * GIB, ["nf4", "larger_gpu"]),
        (Training(), 3 * GIB, ["larger_gpu"]),
        (Training(quantization="nf4"), 3 * GIB, ["larger_gpu"]),
    ],
)
def test_what_would_help_is_what_suffices(training: Training, total: int, codes: list[str]) -> None:
    found = judged(training, total)
    assert found.answer == "does_not_fit"
    assert [each.code for each in found.helps] == codes
    *changes, larger = found.helps
    assert all(each.needed is not None and each.needed <= total for each in changes)
    assert larger.needed == found.footprint.needed


def test_checkpointing_is_advised_to_whoever_does_without() -> None:
    helps = judged(Training(batch=4, checkpointing=False), 16 * GIB).helps
    assert "checkpointing" in [each.code for each in helps]


def test_what_fits_needs_no_help() -> None:
    assert judged(Training(), 24 * GIB).helps == ()


# The GPU


def machine(*gpus: Gpu, memory: int | None = None) -> Machine:
    return Machine(
        platform=Platform(os="linux", arch="x86_64", glibc=Version("2.39")),
        driver=Driver(version=Version("580.65.06")),
        gpus=gpus,
        memory_total=memory,
    )


def test_the_gpu_with_the_most_memory_is_compared_with_unless_one_is_named() -> None:
    seen = machine(Gpu(index=0, memory_total=8 * GIB), Gpu(index=1, memory_total=24 * GIB, memory_free=GIB))
    largest, named = memory_of(seen, FACTS, None), memory_of(seen, FACTS, "0")
    assert largest is not None
    assert named is not None
    assert (largest.index, largest.total, largest.free) == (1, 24 * GIB, GIB)
    assert (named.index, named.total) == (0, 8 * GIB)


def test_of_a_gpu_cut_into_instances_the_largest_is_compared_with() -> None:
    parts = (Slice(uuid="MIG-1", memory_total=10 * GIB), Slice(uuid="MIG-2", memory_total=20 * GIB))
    found = memory_of(machine(Gpu(index=0, memory_total=80 * GIB, mig=True, slices=parts)), FACTS, None)
    assert found is not None
    assert found.total == found.usable == 20 * GIB
    empty = memory_of(machine(Gpu(index=0, memory_total=80 * GIB, mig=True, slices=())), FACTS, None)
    assert empty is not None
    assert empty.total is None


def test_a_gpu_without_memory_of_its_own_has_that_of_the_machine() -> None:
    gb10 = Gpu(index=0, name="NVIDIA GB10", compute_capability=Capability(12, 1))
    found = memory_of(machine(gb10, memory=120 * GIB), FACTS, None)
    assert found is not None
    assert found.total == found.usable == 120 * GIB
    unread = memory_of(machine(replace(gb10, compute_capability=Capability(9, 0)), memory=120 * GIB), FACTS, None)
    assert unread is not None
    assert unread.total is None


# What a person gives


def test_a_complete_shape_is_taken_as_it_is() -> None:
    given = Given(layers=32, hidden=4096, heads=32, kv_heads=32, intermediate=11008, vocab=32000)
    assert sketch(given).shape == LLAMA


@pytest.mark.parametrize(("name", "value"), [("layers", 32), ("intermediate", 11008), ("vocab", 32000)])
def test_what_is_missing_is_derived_from_the_parameters_and_said(name: str, value: int) -> None:
    whole = Given(params=6_738_415_616, layers=32, hidden=4096, heads=32, intermediate=11008, vocab=32000)
    drawn = sketch(Given(**(asdict(whole) | {name: None})))
    assert getattr(drawn.shape, name) == value
    assert f"--{name} {value}: derived from --params" in drawn.notes


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (Given(params=7 * 10**9), "--layers, --hidden, --heads, --intermediate, --vocab missing"),
        (Given(layers=32, hidden=4096, heads=32, vocab=32000), "--intermediate missing"),
        (Given(params=7 * 10**9, hidden=4096, heads=32, vocab=32000), "--layers, --intermediate missing"),
        (Given(layers=2, hidden=100, heads=3, intermediate=400, vocab=100), "no multiple"),
        (Given(params=10**6, layers=32, hidden=4096, heads=32, intermediate=11008), "too few"),
        (Given(layers=2, hidden=64, heads=32, kv_heads=5, intermediate=400, vocab=100), "no multiple of --kv-heads 5"),
        (Given(layers=2, hidden=64, heads=4, kv_heads=8, intermediate=400, vocab=100), "no multiple of --kv-heads 8"),
    ],
)
def test_a_shape_that_cannot_be_completed_is_asked_for(given: Given, complaint: str) -> None:
    with pytest.raises(ProblemError, match=complaint) as caught:
        sketch(given)
    assert caught.value.problem.code == "usage"


def test_parameters_that_belie_the_shape_are_noted() -> None:
    given = Given(params=13 * 10**9, layers=32, hidden=4096, heads=32, intermediate=11008, vocab=32000)
    assert any("6,738,415,616 parameters, not 13,000,000,000" in note for note in sketch(given).notes)


def test_a_derived_shape_that_misses_the_parameters_is_noted() -> None:
    given = Given(params=3_600_000_000, hidden=16384, heads=128, intermediate=53248, vocab=32000)
    drawn = sketch(given)
    assert drawn.shape.layers == 1
    assert any("parameters, not 3,600,000,000" in note for note in drawn.notes)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("7B", 7 * 10**9),
        ("1.1b", 1_100_000_000),
        ("350m", 350_000_000),
        ("512", 512),
        ("1_000", 1000),
        ("6,738,415,616", 6_738_415_616),
        ("1,024.5k", 1_024_500),
    ],
)
def test_counts_are_read_as_people_write_them(text: str, amount: int) -> None:
    assert count(text) == amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("24GiB", 24 * GIB),
        ("24g", 24 * GIB),
        ("24 GB", 24 * 10**9),
        ("512MiB", GIB // 2),
        ("7", 7),
        ("23.5GiB", 47 * GIB // 2),
        ("0.1KiB", 102),
        ("1,024 MiB", GIB),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str, amount: int) -> None:
    assert size(text) == amount


@pytest.mark.parametrize("text", ["1.5", "0.0001k"])
def test_what_comes_in_whole_numbers_is_not_rounded(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - argparse asks for no more
        count(text)


@pytest.mark.parametrize(
    "text",
    ["", "0", "-1", "7X", "GiB", "1.2.3", "7iB", "1,1", "23,5", "1,0000", "1234,567", "1,,000", "9" * 400, "9" * 5000],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    for read in (count, size):
        with pytest.raises(ValueError):  # noqa: PT011 - argparse asks for no more
            read(text)
