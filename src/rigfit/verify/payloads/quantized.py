"""Proves quantized LoRA in the Python that runs it: "it loaded" says nothing, so layers, bytes, numbers and training are compared.

It is run by its path, see frame.py. Its job says `"level"` besides.
"""

from __future__ import annotations

import gc
import math
import os
import runpy
import sys
from collections.abc import Callable, Iterator
from copy import copy as alike
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":
    runpy.run_path(str(Path(__file__).with_name("start.py")))["loaded"]("quantized").main()

from . import frame
from .frame import Outcome, Step, attempt, code_of, digits, is_for, library, release, say
from .quantized_rig import (
    CAUSAL,
    SEQ2SEQ,
    Rig,
    Subject,
    distance,
    fitted,
    forward,
    load_quantized,
    make_subject,
    named_tensors,
    size_of,
)
from .ways import WAYS, Way, add_lora, prepare_for_training, quantized_layers

# Bands, measured as those of ways.py.
MEMORY_SLACK = 0.02  # of the float copy's bytes: 0.000
LOSS_FALL = 0.15  # 0.25 to 0.38, T5 0.74 to 0.89; 0.46.1: -0.01 to 0.05
ROUNDTRIP_ERROR = 1e-3  # 0.0, without the adapter 0.96 to 1.4
ADAPTER_OVERHEAD = 65536  # bytes beside the tensors (names, shapes, metadata): 600 to 3,300
STEPS = 6
LEARNING_RATE = 1e-2
RANK = 8


def check_library(rig: Rig) -> Outcome:
    torch = library("torch")
    return shipped_library(frame.build_of(torch)) if lacks_its_gpu(rig) else frame.check_library(rig)


def shipped_library(build: str) -> Outcome:
    """Whether there is what would be loaded where the GPU is; 0.50 is the first that takes another than the exact one."""
    bitsandbytes, expected = library("bitsandbytes"), f"libbitsandbytes_{build}.so"
    folder = Path(bitsandbytes.__file__).parent
    shipped = sorted(path.name for path in folder.glob("libbitsandbytes_*.so"))
    nearest = [name for name in shipped if is_for(name, build) and release(bitsandbytes) >= (0, 50)]
    found = [expected] if expected in shipped else nearest
    faults = [] if found else [say("no {library:s} in {folder:s}", library=expected, folder=str(folder))]
    return Outcome(", ".join(found), expected, faults, skipped=NO_GPU, code="library_missing")


def lacks_its_gpu(rig: Rig) -> bool:
    """Whether torch is built for a GPU and the job is for a CPU, as on the machine that prepares an environment for another."""
    return rig.on_cpu and bool(getattr(getattr(sys.modules.get("torch"), "version", None), "cuda", None))


def check_quantized_load(rig: Rig) -> Outcome:
    torch, transformers = library("torch"), library("transformers")
    _, why = attempt(lambda: torch.zeros(1, device=rig.device))  # torch's own word, before transformers has another
    if why:
        return Outcome(None, rig.device, [why], code=code_of(why) or "no_gpu_seen")
    causal = next(family for family in CAUSAL if hasattr(transformers, family.model))
    measured = {} if rig.on_cpu else {"gpu": torch.cuda.get_device_name(rig.device)}
    faults = []
    for family in (fitted(rig, causal), SEQ2SEQ):
        subject = make_subject(rig, family)
        subject.loaded = load_quantized(rig, subject)
        rig.subjects.append(subject)
        places = sorted({str(tensor.device) for _, tensor in named_tensors(subject.loaded)})
        measured[family.model] = ", ".join(places)
        if places != [rig.device]:
            faults.append(misplaced(family.model, places, rig.device))
    return Outcome(measured, rig.device, faults, code="ran_on_cpu")


def misplaced(model: str, places: list[str], device: str) -> str:
    return say(
        "{fault:s}: {model:s} is on {places}, not on {device:s}",
        fault="ran_on_cpu" if "cpu" in places else "wrong_device",
        model=model,
        places=", ".join(places),
        device=device,
    )


def check_weights(rig: Rig) -> Outcome:
    measured, expected, faults = {}, {}, []
    for subject in rig.subjects:
        layers = [layer for _, layer in quantized_layers(rig.way, subject.loaded)]
        found = {name: values for name, values in nature_of(layers).items() if name in rig.way.nature}
        measured[subject.name] = {"layers": len(layers), **found}
        expected[subject.name] = {"layers": subject.family.layers, **rig.way.nature}
        faults += weight_faults(subject, rig.way, len(layers), found)
    return Outcome(measured, expected, faults, code="not_quantized")


def weight_faults(subject: Subject, way: Way, count: int, found: dict[str, list[str]]) -> list[str]:
    needed, faults = subject.family.layers, []
    if count < needed:
        faults.append(
            say(
                "{model:s} has {count:d} {layer:s}, not {needed:d}",
                model=subject.name,
                count=count,
                layer=way.layer,
                needed=needed,
            )
        )
    wrong = {name: ", ".join(values) for name, values in found.items() if count and values != way.nature[name]}
    return faults + [
        say(
            "{model:s} has {way:s} weights of the {nature:s} {values}",
            model=subject.name,
            way=way.title,
            nature=name,
            values=values,
        )
        for name, values in wrong.items()
    ]


def nature_of(layers: list[Any]) -> dict[str, list[str]]:
    """What the weights are; the kind of 4-bit number is told by the weight and by its quantization state, and both count."""
    weights = [layer.weight for layer in layers]
    states = [getattr(weight, "quant_state", None) for weight in weights]
    return {
        "dtypes": sorted({str(weight.dtype) for weight in weights}),
        "classes": sorted({type(weight).__name__ for weight in weights}),
        "kinds": sorted({str(getattr(holder, "quant_type", None)) for holder in [*weights, *states]}),
    }


def check_memory_ratio(rig: Rig) -> Outcome:
    measured, expected, faults = {}, {}, []
    for subject in rig.subjects:
        sample = subject.loaded.get_input_embeddings().weight  # transformers 4.27 and 4.28 overrule the dtype asked for
        loaded = size_of([tensor for _, tensor in named_tensors(subject.loaded)])
        copy, ideal = float_and_ideal_bytes(subject, sample.element_size(), rig.way.width)
        measured[subject.name] = {
            "ratio": digits(loaded / copy),
            "bytes": loaded,
            "of": str(sample.dtype),
            "of_bytes": copy,
        }
        low, high = ideal / copy - MEMORY_SLACK, ideal / copy + MEMORY_SLACK
        band = expected[subject.name] = say("{low:.3f} to {high:.3f}", low=low, high=high)
        if abs(loaded - ideal) > MEMORY_SLACK * copy:
            faults.append(
                say(
                    "{model:s} takes {part:.3f} of {dtype:s}, not {band}",
                    model=subject.name,
                    part=loaded / copy,
                    dtype=str(sample.dtype),
                    band=band,
                )
            )
    return Outcome(measured, expected, faults, code="not_quantized")


def float_and_ideal_bytes(subject: Subject, float_bytes: int, quantized_bytes: float) -> tuple[int, float]:
    """The unquantized model with floats of that many bytes, and the same with those bytes for each weight to be quantized."""
    linear, head = library("torch").nn.Linear, subject.truth.get_output_embeddings()
    kept_wide = set(getattr(subject.truth, "_keep_in_fp32_modules", None) or ())
    modules = [(name, module) for name, module in subject.truth.named_modules() if isinstance(module, linear)]
    quantized = {
        f"{name}.weight" for name, module in modules if module is not head and not kept_wide & set(name.split("."))
    }
    copy = ideal = size_of(list(subject.truth.buffers()))  # no dtype that is asked for changes them
    for name, tensor in subject.truth.named_parameters():
        width = 4 if kept_wide & set(name.split(".")) else float_bytes
        copy += tensor.numel() * width
        ideal += tensor.numel() * (quantized_bytes if name in quantized else width)
    return copy, ideal


def check_numeric_error(rig: Rig) -> Outcome:
    measured, faults = {}, []
    for subject in rig.subjects:
        with library("torch").no_grad():
            truth = subject.truth(**subject.inputs).logits
            logits = distance(forward(rig, subject.loaded, subject.inputs).logits, truth)
            # of a copy: the slow path of bitsandbytes before 0.45 remembers the outlier's column and leaves it out of what comes after
            copy = quantized_layers(rig.way, load_quantized(rig, subject))
            layers = {name: layer_error(rig, subject, name, layer) for name, layer in copy}
        none = say("no layer")
        name = max(layers, key=lambda name: math.inf if math.isnan(layers[name]) else layers[name], default=none)
        worst = layers.get(name, 0.0)
        measured[subject.name] = {"logits": digits(logits), "worst_layer": digits(worst), "layer": name}
        faults += out_of_band(subject.name, "logits", logits, rig.way.logits)
        faults += out_of_band(subject.name, name, worst, rig.way.worst_layer)
    return Outcome(measured, errors_expected(rig.way), faults, code="wrong_numbers")


def errors_expected(way: Way) -> str:
    return say(
        "relative error: logits {low:g} to {high:g}, each layer {layer_low:g} to {layer_high:g}",
        low=way.logits[0],
        high=way.logits[1],
        layer_low=way.worst_layer[0],
        layer_high=way.worst_layer[1],
    )


def layer_error(rig: Rig, subject: Subject, name: str, layer: Any) -> float:
    """Against an unquantized copy on the same device, in the dtype that the layer computes with."""
    torch = library("torch")
    dtype = torch.float32 if rig.on_cpu else torch.float16
    source = deepcopy(subject.truth.get_submodule(name)).to(rig.device, dtype)
    inputs = torch.randn(16, source.in_features, generator=torch.Generator().manual_seed(rig.seed))
    inputs[:, 3] *= 20  # beyond the threshold of 6, so this column goes around an 8-bit product
    inputs = inputs.to(rig.device, dtype)
    return distance(layer(inputs), source(inputs))


def out_of_band(model: str, part: str, value: float, band: tuple[float, float]) -> list[str]:
    low, high = band
    if low <= value <= high:
        return []
    lesson = say("nothing was quantized") if value < low else say("wrong numbers")
    return [
        say(
            "{lesson}: {part} of {model:s} {error:s} away, expected {low:g} to {high:g}",
            lesson=lesson,
            part=part,
            model=model,
            error=str(digits(value)),
            low=low,
            high=high,
        )
    ]


def check_lora_step(rig: Rig) -> Outcome:
    measured, faults = {}, []
    for subject in rig.subjects:
        base = prepare_for_training(subject.loaded)
        before = [(name, tensor, tensor.detach().clone()) for name, tensor in named_tensors(base)]
        subject.adapted = add_lora(base, subject.family.lora, subject.family.task, RANK)
        losses, untrained = train(rig, subject)
        fall = 1 - losses[-1] / losses[0]
        measured[subject.name] = {"losses": [digits(loss) for loss in losses], "fall": digits(fall)}
        changed = [name for name, tensor, copy in before if not tensor.equal(copy)]
        faults += training_faults(subject.name, losses, untrained, changed)
    expected = say(
        "the loss falls by {fall:.0%}, each LoRA gradient is finite and not zero, the base stays as it was",
        fall=LOSS_FALL,
    )
    return Outcome(measured, expected, faults)


def training_faults(model: str, losses: list[float], untrained: list[str], changed: list[str]) -> list[str]:
    faults, first, last = [], losses[0], losses[-1]
    if not 1 - last / first >= LOSS_FALL:
        faults.append(
            say(
                "{model:s}: the loss went from {first:.4f} to {last:.4f} in {steps:d} steps",
                model=model,
                first=first,
                last=last,
                steps=STEPS,
            )
        )
    if untrained:
        faults.append(
            say(
                "{model:s}: {count:d} LoRA gradients missing, zero or not finite: {first:s}",
                model=model,
                count=len(untrained),
                first=untrained[0],
            )
        )
    if changed:
        faults.append(
            say(
                "{model:s}: training changed {count:d} tensors of the base: {first:s}",
                model=model,
                count=len(changed),
                first=changed[0],
            )
        )
    return faults


def train(rig: Rig, subject: Subject) -> tuple[list[float], list[str]]:
    """The losses before each step and after the last, and the LoRA tensors that the last step could not train."""
    torch = library("torch")
    model = subject.adapted.train()
    lora = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    optimizer = torch.optim.AdamW(lora.values(), lr=LEARNING_RATE)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = forward(rig, model, subject.inputs).loss
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    untrained = [name for name, p in lora.items() if p.grad is None or not p.grad.isfinite().all() or not p.grad.any()]
    with torch.no_grad():
        losses.append(float(forward(rig, model.eval(), subject.inputs).loss))
    return losses, untrained


def check_adapter_roundtrip(rig: Rig) -> Outcome:
    measured, faults = {}, []
    for subject in rig.subjects:
        folder = rig.scratch / f"{subject.name}-adapter"
        subject.adapted.save_pretrained(str(folder))
        base = prepare_for_training(load_quantized(rig, subject))
        reloaded = library("peft").PeftModel.from_pretrained(base, str(folder)).eval()
        error, effect = reloaded_error(rig, subject, reloaded)
        lora = {name: tensor for name, tensor in reloaded.named_parameters() if "lora_" in name}
        tensors = size_of(list(lora.values()))
        size = sum(path.stat().st_size for path in folder.glob("adapter_model.*"))
        measured[subject.name] = {"error": digits(error), "effect": digits(effect), "bytes": size, "of": tensors}
        if not lora or not all(tensor.any() for tensor in lora.values()):
            faults.append(
                say(
                    "{model:s}: reloaded LoRA tensors are missing, empty or zero, as before training",
                    model=subject.name,
                )
            )
        faults += adapter_faults(subject.name, size, tensors, error, effect)
    expected = say(
        "reloaded within {error:g} of the trained, further without adapter; the file as large as its tensors",
        error=ROUNDTRIP_ERROR,
    )
    return Outcome(measured, expected, faults)


def adapter_faults(model: str, size: int, tensors: int, error: float, effect: float) -> list[str]:
    faults = []
    if not tensors <= size <= tensors + ADAPTER_OVERHEAD:
        faults.append(
            say(
                "{model:s}: the adapter file has {size:d} bytes, its tensors {tensors:d}",
                model=model,
                size=size,
                tensors=tensors,
            )
        )
    if not error <= ROUNDTRIP_ERROR < effect:
        faults.append(
            say(
                "{model:s}: reloaded {error:s} from the trained, {effect:s} without adapter",
                model=model,
                error=str(digits(error)),
                effect=str(digits(effect)),
            )
        )
    return faults


def reloaded_error(rig: Rig, subject: Subject, reloaded: Any) -> tuple[float, float]:
    """How far the reloaded outputs are from the trained ones, with the adapter and without."""
    with library("torch").no_grad():
        trained = forward(rig, subject.adapted, subject.inputs).logits
        again = forward(rig, reloaded, subject.inputs).logits
        with reloaded.disable_adapter():
            plain = forward(rig, reloaded, subject.inputs).logits
    return distance(again, trained), distance(plain, trained)


def check_nf4_load(rig: Rig) -> Outcome:
    """The first model once more, in 4 bits."""
    transformers = library("transformers")
    if release(transformers) < (4, 30) or not hasattr(library("bitsandbytes").nn, "Linear4bit"):
        cannot = say("transformers {version:s} cannot load 4 bits", version=transformers.__version__)
        return Outcome(None, None, [], skipped=cannot)
    rig, subject = alike(rig), rig.subjects[0]
    rig.quantization, rig.way = "nf4", WAYS["nf4"]
    loaded = load_quantized(rig, subject)
    layers = [layer for _, layer in quantized_layers(rig.way, loaded)]
    found = {name: values for name, values in nature_of(layers).items() if name in rig.way.nature}
    with library("torch").no_grad():
        truth = subject.truth(**subject.inputs).logits
        error = distance(forward(rig, loaded, subject.inputs).logits, truth)
    faults = weight_faults(subject, rig.way, len(layers), found) + out_of_band(
        subject.name, "logits", error, rig.way.logits
    )
    low, high = rig.way.logits
    expected = say("relative error: logits {low:g} to {high:g}", low=low, high=high)
    return Outcome({subject.name: {"logits": digits(error)}}, expected, faults, code="wrong_numbers")


class Check(NamedTuple):
    run: Callable[[Rig], Outcome]
    modules: tuple[str, ...] = ()
    after: str = ""
    level: str = "full"


NO_GPU = say("needs the GPU that this build is for")
LOADING = ("torch", "transformers", "accelerate", "bitsandbytes")


def checks_of(quantization: str, device: str) -> dict[str, Check]:
    extra = {"nf4_load": Check(check_nf4_load, after="quantized_load")}
    return {
        "imports": Check(frame.check_imports, level="imports"),
        "library": Check(check_library, modules=("torch", "bitsandbytes"), level="imports"),
        "quantized_load": Check(check_quantized_load, modules=LOADING),
        f"{quantization}_weights": Check(check_weights, after="quantized_load"),
        "memory_ratio": Check(check_memory_ratio, after="quantized_load"),
        "numeric_error": Check(check_numeric_error, after="quantized_load"),
        "lora_step": Check(check_lora_step, modules=("peft",), after="quantized_load"),
        "adapter_roundtrip": Check(check_adapter_roundtrip, after="lora_step"),
        **(extra if device != "cpu" and quantization == "int8" else {}),
    }


def reason_to_skip(rig: Rig, check: Check) -> str:
    if check.level not in ("imports", rig.level):
        return NO_GPU if lacks_its_gpu(rig) else say("level imports")
    broken = [module for module in check.modules if module in rig.broken]
    if broken:
        return say("imports failed: {modules}", modules=", ".join(broken))
    if not check.after or rig.status[check.after] == "passed":
        return ""
    if rig.status[check.after] == "skipped":
        return say("{check:s} skipped", check=check.after)
    return say("{check:s} failed", check=check.after)


def peak_memory(rig: Rig) -> int | None:
    """The bytes of the GPU that torch held at most."""
    torch = sys.modules.get("torch")
    if rig.on_cpu or torch is None or not torch.cuda.is_initialized():
        return None
    return int(torch.cuda.max_memory_allocated(rig.device))


def steps_of(rig: Rig) -> Iterator[Step]:
    for name, check in checks_of(rig.quantization, rig.device).items():
        yield Step(name, partial(reason_to_skip, rig, check), partial(check.run, rig))


def run(rig: Rig, speak: Callable[..., None]) -> None:
    frame.carry_out(rig, steps_of(rig), speak)
    speak(event="done", device=rig.device, peak_memory=peak_memory(rig))


def settle(rig: Rig) -> None:
    frame.settle(rig)
    os.environ["OMP_NUM_THREADS"] = "1"  # the models are small: a second thread waits more than it works
    gc.disable()  # a short life; imports make many objects and little garbage


def prove(job: dict[str, Any], speak: Callable[..., None]) -> None:
    rig = Rig(job)
    settle(rig)
    run(rig, speak)


def main() -> None:
    frame.answer(prove)
