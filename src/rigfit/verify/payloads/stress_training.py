"""Training that goes on: rounds that each begin anew, at a size that fills the memory."""

from __future__ import annotations

import functools
import math
import time
from typing import Any

from .frame import library, say
from .stress_rig import Course, Rig, reset_peak, within_memory
from .stress_watch import Watch
from .ways import add_lora, prepare_for_training

BATCHES = 2  # trained on in turn, so each two steps in a row see all of them
ALPHABET = 64  # kinds of token in them: a few can be learned in a few steps, of any number of tokens
ROUND = 16  # steps; then the adapter begins anew, and each round must go as the first did
JUDGED = 8  # steps of a round in which the loss must have fallen
LEARNING_RATE = 2e-3
# Of a step's loss, from one round to another. 0.0 on a CPU and on an H100, but not every kernel adds up in the same order.
SPREAD = 0.02
SEQUENCE = 256  # short, since memory can be filled no finer than by a sequence
LARGEST = 2**31 - 1  # elements of a tensor, by the integers that count them in older kernels


class Trainee:
    """The model with an adapter that can forget all that it has learned."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.lora: dict[str, Any] = {name: tensor for name, tensor in model.named_parameters() if tensor.requires_grad}
        self.untrained = {name: tensor.detach().clone() for name, tensor in self.lora.items()}
        self.begin()

    def begin(self) -> None:
        """Anew, so that the last minute is like the first: what learns a few tokens for an hour goes astray by itself."""
        torch = library("torch")
        with torch.no_grad():
            for name, tensor in self.lora.items():
                tensor.copy_(self.untrained[name])
        self.optimizer = torch.optim.AdamW(self.lora.values(), lr=LEARNING_RATE)
        self.model.train()

    def step(self, tokens: Any) -> tuple[float, str]:
        """The loss, and the first LoRA tensor that has no finite gradient."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.model(input_ids=tokens, labels=tokens).loss
        loss.backward()
        bad = self.without_gradient()
        self.optimizer.step()
        return float(loss.detach()), bad

    def without_gradient(self) -> str:
        torch = library("torch")
        missing = [name for name, tensor in self.lora.items() if tensor.grad is None]
        if missing:
            return missing[0]
        sums = torch.stack([tensor.grad.float().sum() for tensor in self.lora.values()])
        wrong = (~torch.isfinite(sums)).nonzero().flatten().tolist()
        return list(self.lora)[wrong[0]] if wrong else ""


def adapted(rig: Rig) -> Trainee:
    base = prepare_for_training(rig.model, checkpointing=rig.checkpointing)
    targets = rig.targets if base.config.model_type == "llama" else ["query_key_value"]
    rig.model = add_lora(base, targets, "CAUSAL_LM", rig.rank)
    return Trainee(rig.model)


def tokens_of(rig: Rig, batch: int) -> Any:
    torch = library("torch")
    generator = torch.Generator().manual_seed(rig.seed)
    size = (BATCHES, batch, rig.course.sequence)
    return torch.randint(0, min(ALPHABET, rig.shape.vocab), size, generator=generator).to(rig.device)


def choose_size(rig: Rig, trainee: Trainee) -> None:
    course = rig.course
    course.sequence = rig.sequence or (32 if rig.on_cpu else SEQUENCE)
    course.batch = rig.batch or (2 if rig.on_cpu else filling_batch(rig, trainee))
    trainee.begin()


def filling_batch(rig: Rig, trainee: Trainee) -> int:
    """The batch whose training takes the part of the free memory that was asked for; the sequence is halved if there is none."""
    course, budget = rig.course, rig.fill * rig.free_before
    resting = library("torch").cuda.memory_allocated(rig.device)
    batch, taken = 1, trial(rig, trainee, 1)
    while not taken and not rig.sequence and course.sequence > 64:
        course.sequence //= 2
        taken = trial(rig, trainee, 1)
    if not taken:
        raise MemoryError("out of memory with a single sequence")
    most = max(1, LARGEST // (course.sequence * max(rig.shape.vocab, rig.shape.intermediate)))
    before, held = 0, resting
    while True:
        more = int((budget - taken) * (batch - before) / max(1, taken - held))
        larger = min(most, 4 * batch, batch + more)
        if larger <= batch:
            return batch
        before, held, tried = batch, taken, trial(rig, trainee, larger)
        if not tried:
            return largest_that_runs(rig, trainee, larger, batch)
        batch, taken = larger, tried


def largest_that_runs(rig: Rig, trainee: Trainee, too_much: int, enough: int) -> int:
    batch = too_much
    while batch > enough:
        batch = max(enough, batch - max(1, batch // 16))
        if batch == enough or trial(rig, trainee, batch):
            break
    return batch


def trial(rig: Rig, trainee: Trainee, batch: int) -> int:
    """The bytes that torch held at most, 0 where they were too many."""
    torch = library("torch")
    torch.cuda.empty_cache()
    reset_peak(rig)
    _, enough = within_memory(rig, lambda: trainee.step(tokens_of(rig, batch)[0]))
    if not enough:
        rig.course.too_much.append(batch)
    return int(torch.cuda.max_memory_reserved(rig.device)) if enough else 0


def train(rig: Rig, trainee: Trainee, watch: Watch) -> None:
    course = rig.course
    course.started = course.told = time.perf_counter()
    while not finished(rig):
        trainee.begin()
        course.rounds.append([])
        if train_round(rig, trainee, watch):
            compare_round(course, watch)
            watch.look(course)
        else:
            step_down(rig)


def finished(rig: Rig) -> bool:
    course = rig.course
    if rig.steps is not None:
        return course.steps >= rig.steps
    return course.seconds >= (rig.seconds or 0) and course.steps >= JUDGED


def train_round(rig: Rig, trainee: Trainee, watch: Watch) -> bool:
    """Whether there was memory enough."""
    course, batches = rig.course, tokens_of(rig, rig.course.batch)
    for number in range(ROUND):
        started = time.perf_counter()
        done, enough = within_memory(rig, functools.partial(trainee.step, batches[number % BATCHES]))
        if not enough:
            return False
        course.paces.append((time.perf_counter() - started, batches[0].numel()))
        course.rounds[-1].append(done[0])
        tell_progress(rig)
        if watch.not_finite(course, *done) or finished(rig):
            break
    return True


def step_down(rig: Rig) -> None:
    course = rig.course
    if rig.batch or course.batch == 1:
        raise MemoryError(f"out of memory at batch {course.batch} with sequences of {course.sequence}")
    course.too_much.append(course.batch)
    smaller = course.batch - max(1, course.batch // 8)
    rig.speak(
        event="note",
        text=say(
            "out of memory at batch {batch:d}; training goes on at {smaller:d}", batch=course.batch, smaller=smaller
        ),
    )
    course.batch, course.model_round = smaller, []


def compare_round(course: Course, watch: Watch) -> None:
    """The same beginning and the same tokens make the same losses, but for the order in which kernels add up."""
    losses = course.rounds[-1]
    if not course.model_round:
        course.model_round = losses
    for number, loss in enumerate(losses[: len(course.model_round)]):
        first = course.model_round[number]
        away = abs(loss - first) / abs(first)
        course.spread = max(course.spread, away if math.isfinite(away) else 0.0)
        if away > SPREAD:
            watch.find(
                say(
                    "step {step:d}: the loss is {loss:.4f}, not {first:.4f} as in the first round",
                    step=course.steps - len(losses) + number + 1,
                    loss=loss,
                    first=first,
                )
            )
            return


def tell_progress(rig: Rig) -> None:
    course = rig.course
    course.tokens_since += course.paces[-1][1]
    now = time.perf_counter()
    if now - course.told < 1:
        return
    done = course.steps if rig.steps is not None else round(course.seconds, 1)
    total = rig.steps if rig.steps is not None else rig.seconds
    pace = course.tokens_since / (now - course.told)
    course.told, course.tokens_since = now, 0
    rig.speak(event="progress", done=done, total=total, tokens_per_second=round(pace, 1))
