"""Proves quantized LoRA in the Python that runs it: "it loaded" says nothing, so layers, bytes, numbers and training are compared.

It stands alone: the environment under test has libraries and a Python (3.8 or later) of its own, and no rigfit. One JSON job
`{"level", "device", "quantization", "imports", "scratch"}` comes on stdin, JSON lines go to stdout, what the libraries print
goes to stderr.
"""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import gc
import importlib
import json
import logging
import math
import os
import platform
import re
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

# Bands, from runs of tests/bench/bands.py on 2026-11-22, seeds 0 to 19 (H100: 0 to 9), each causal family. CPU: transformers 5.23.0 + peft 0.21.2 + bitsandbytes 0.50.2, and
# 4.57.6 + 0.18.1 + 0.49.2; H100: 5.17.0 + 0.21.0 + 0.50.2. "0.46.1" is the CPU stacks with that bitsandbytes, which computes nonsense.
MEMORY_SLACK = 0.02  # of the float copy's bytes: 0.000
LOSS_FALL = 0.15  # 0.25 to 0.38, T5 0.74 to 0.89; 0.46.1: -0.01 to 0.05
ROUNDTRIP_ERROR = 1e-3  # 0.0, without the adapter 0.96 to 1.4
ADAPTER_OVERHEAD = 65536  # bytes beside the tensors (names, shapes, metadata): 600 to 3,300
STEPS = 6
LEARNING_RATE = 1e-2
RANK = 8
BATCH = (2, 8)


class Way(NamedTuple):
    """A way to quantize: what is asked of transformers, and what is then to be found. Bands are relative errors."""

    title: str
    config: dict[str, Any]
    layer: str
    nature: dict[
        str, list[str]
    ]  # of the weights: dtypes, and for 4 bits classes and the kinds of number that they stand for
    width: float  # bytes a weight
    logits: tuple[float, float]
    worst_layer: tuple[float, float]


WAYS = {
    "int8": Way(
        title="8-bit",
        config={"load_in_8bit": True},
        layer="Linear8bitLt",
        nature={"dtypes": ["torch.int8"]},
        width=1,
        logits=(1e-3, 0.05),  # 0.014 to 0.021; 0.46.1: 1.1 to 1.4; 0 is an unquantized model
        worst_layer=(1e-3, 0.03),  # 0.008 to 0.010; 0.46.1: 2,100 to 5,600
    ),
    "nf4": Way(
        title="4-bit",
        config={"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
        layer="Linear4bit",
        nature={"dtypes": ["torch.uint8"], "classes": ["Params4bit"], "kinds": ["nf4"]},  # two weights a byte
        width=1 / 2 + 4 / 64,  # a float32 scale for each block of 64
        logits=(0.05, 0.3),  # 0.126 to 0.213; FP4: 0.197 to 0.238
        worst_layer=(0.05, 0.115),  # 0.094 to 0.103; FP4: 0.125; scales a tenth too large: 0.148; 8 bits: 0.010
    ),
}


class Family(NamedTuple):
    model: str
    config: str
    sizes: dict[str, Any]
    layers: int  # to be quantized: not the head, nor T5's `wo`, which transformers keeps in float32
    lora: list[str]
    task: str = "CAUSAL_LM"


VOCABULARY = {"vocab_size": 512}
WIDTH = {"hidden_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 128}
LLAMA = {**VOCABULARY, **WIDTH, "intermediate_size": 512}
OPT = {**VOCABULARY, **WIDTH, "ffn_dim": 512, "word_embed_proj_dim": 256, "dropout": 0.0}
T5_WIDTH = {"d_model": 256, "d_kv": 64, "d_ff": 512, "num_layers": 2, "num_heads": 4}
T5 = {**VOCABULARY, **T5_WIDTH, "dropout_rate": 0.0, "decoder_start_token_id": 0}
CAUSAL = (  # best first; LLaMA came with transformers 4.28
    Family("LlamaForCausalLM", "LlamaConfig", LLAMA, 14, ["q_proj", "v_proj"]),
    Family("OPTForCausalLM", "OPTConfig", OPT, 12, ["q_proj", "v_proj"]),
    Family("GPTNeoXForCausalLM", "GPTNeoXConfig", LLAMA, 8, ["query_key_value"]),
)
SEQ2SEQ = Family("T5ForConditionalGeneration", "T5Config", T5, 28, ["q", "v"], "SEQ_2_SEQ_LM")


class Outcome(NamedTuple):
    measured: Any
    expected: Any
    faults: list[str]  # empty: passed
    skipped: str = ""  # why it could not be tried to the end, where nothing speaks against it


@dataclass
class Subject:
    """One model: the float32 truth on the CPU, its quantized copy on the device, and that copy with an adapter."""

    family: Family
    truth: Any
    inputs: dict[str, Any]
    folder: Path
    loaded: Any = None
    adapted: Any = None

    @property
    def name(self) -> str:
        return self.family.model


class Rig:
    """The job, and what one check leaves for the next."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.level: str = job["level"]
        if self.level not in ("full", "imports"):
            raise ValueError(f"no such level: {self.level}")
        self.device: str = job["device"]
        self.quantization: str = job["quantization"]
        self.way = WAYS[self.quantization]
        self.imports: list[str] = job["imports"]
        self.scratch = Path(job["scratch"])
        self.seed: int = job.get("seed", 0)
        self.on_cpu = self.device == "cpu"
        self.dtype = "float32" if self.on_cpu else "float16"  # of what stays unquantized
        self.broken: dict[str, str] = {}
        self.status: dict[str, str] = {}
        self.subjects: list[Subject] = []


def library(name: str) -> Any:
    return importlib.import_module(name)


# Checks


def check_imports(rig: Rig) -> Outcome:
    found = {}
    for name in sorted(rig.imports, key=lambda name: {"torch": 0, "bitsandbytes": 1}.get(name, 2)):
        module, why = attempt(functools.partial(import_bitsandbytes if name == "bitsandbytes" else library, name))
        found[name] = str(getattr(module, "__version__", "no version"))
        if why:
            rig.broken[name] = why
    return Outcome(rig.broken or found, "every module imports", [f"{name}: {why}" for name, why in rig.broken.items()])


def import_bitsandbytes(name: str) -> Any:
    """Its 4-bit and optimizer fallbacks pass through torch.compile, which would load torch._inductor: 1.5 s warm, 3.4 s cold.

    Nothing on the way of an 8-bit layer is compiled, and the module after torch is early enough to be its first importer.
    """
    torch = library("torch")
    with contextlib.ExitStack() as restore:
        if hasattr(torch, "compile"):
            restore.callback(setattr, torch, "compile", torch.compile)
            torch.compile = lambda model=None, **_: (lambda function: function) if model is None else model
        return library(name)


def check_library(rig: Rig) -> Outcome:
    torch = library("torch")
    if not rig.on_cpu and not torch.version.cuda:
        return Outcome(None, "a CUDA library", [f"torch {torch.__version__} is not built for CUDA"])
    build = f"cuda{torch.version.cuda.replace('.', '')}" if torch.version.cuda else "cpu"
    expected = f"libbitsandbytes_{build}.so"
    if lacks_its_gpu(rig):
        return shipped_library(build, expected)
    mapped = mapped_libraries()
    if not mapped:
        error = getattr(getattr(library("bitsandbytes.cextension"), "lib", None), "error_msg", "no error was kept")
        return Outcome(None, expected, [f"no native library is loaded: {error}"])
    faults = [f"{name} is loaded, not {expected}" for name in mapped if not is_for(name, build)]
    return Outcome(", ".join(mapped), expected, faults)


def shipped_library(build: str, expected: str) -> Outcome:
    """Whether there is what would be loaded where the GPU is; 0.50 is the first that takes another than the exact one."""
    bitsandbytes = library("bitsandbytes")
    folder = Path(bitsandbytes.__file__).parent
    shipped = sorted(path.name for path in folder.glob("libbitsandbytes_*.so"))
    nearest = [name for name in shipped if is_for(name, build) and release(bitsandbytes) >= (0, 50)]
    found = [expected] if expected in shipped else nearest
    return Outcome(", ".join(found), expected, [] if found else [f"no {expected} in {folder}"], skipped=NO_GPU)


def release(module: Any) -> tuple[int, ...]:
    """Major and minor version; 0.0 of a module that does not tell."""
    return tuple(int(part) for part in getattr(module, "__version__", "0.0").split(".")[:2])


def mapped_libraries() -> list[str]:
    maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    return sorted(set(re.findall(r"libbitsandbytes\w*\.so", maps)))


def is_for(name: str, build: str) -> bool:
    """By its name; any library of the same CUDA major, since bitsandbytes may have taken the nearest."""
    return name.startswith(f"libbitsandbytes_{build}"[: len("libbitsandbytes_cudaNN")])


def lacks_its_gpu(rig: Rig) -> bool:
    """Whether torch is built for a GPU and the job is for a CPU, as on the machine that prepares an environment for another."""
    return rig.on_cpu and bool(getattr(getattr(sys.modules.get("torch"), "version", None), "cuda", None))


def check_quantized_load(rig: Rig) -> Outcome:
    torch, transformers = library("torch"), library("transformers")
    torch.zeros(1, device=rig.device)  # torch's own word on why it cannot, before transformers has another
    causal = next(family for family in CAUSAL if hasattr(transformers, family.model))
    measured = {} if rig.on_cpu else {"gpu": torch.cuda.get_device_name(rig.device)}
    faults = []
    for family in (causal, SEQ2SEQ):
        subject = make_subject(rig, family)
        subject.loaded = load_quantized(rig, subject)
        rig.subjects.append(subject)
        places = sorted({str(tensor.device) for _, tensor in named_tensors(subject.loaded)})
        measured[family.model] = ", ".join(places)
        if places != [rig.device]:
            fault = "ran_on_cpu" if "cpu" in places else "wrong_device"
            faults.append(f"{fault}: {family.model} is on {', '.join(places)}, not on {rig.device}")
    return Outcome(measured, rig.device, faults)


def make_subject(rig: Rig, family: Family) -> Subject:
    torch, transformers = library("torch"), library("transformers")
    torch.manual_seed(rig.seed)
    truth = getattr(transformers, family.model)(getattr(transformers, family.config)(**family.sizes)).eval()
    folder = rig.scratch / family.model
    truth.save_pretrained(str(folder))  # safetensors where that is this version's default, else .bin
    tokens, others = torch.randint(2, family.sizes["vocab_size"], (2, *BATCH))
    inputs = {"input_ids": tokens, "labels": others if family is SEQ2SEQ else tokens}
    return Subject(family, truth, inputs, folder)


def load_quantized(rig: Rig, subject: Subject) -> Any:
    torch, transformers = library("torch"), library("transformers")
    dtype = getattr(torch, rig.dtype)
    config = {**rig.way.config, **({"bnb_4bit_compute_dtype": dtype} if rig.quantization == "nf4" else {})}
    model = getattr(transformers, subject.name).from_pretrained(
        str(subject.folder),
        # there from 4.27 on, while the argument `load_in_8bit=` is gone from 5.0 on
        quantization_config=transformers.BitsAndBytesConfig(**config),
        device_map={"": "cpu" if rig.on_cpu else torch.device(rig.device).index},
        **{"dtype" if release(transformers) >= (4, 56) else "torch_dtype": dtype},
    )
    # Moving a model to where it is must change nothing: accelerate does so under transformers 4, scripts do so under any. On a CPU
    # bitsandbytes 0.46 then quantizes the quantized weights once more, and says nothing.
    for _, layer in quantized_layers(rig, model):
        layer.to(rig.device)
        # On a CPU with AVX512-BF16 bitsandbytes packs 4-bit weights anew for the first inference, and then no gradient passes through
        # them. No GPU does that, and it is GPUs that 4 bits are proven on.
        layer.support_avx512bf16_for_cpu = False
    return model


def quantized_layers(rig: Rig, model: Any) -> list[tuple[str, Any]]:
    kind = getattr(library("bitsandbytes").nn, rig.way.layer)
    return [(name, module) for name, module in model.named_modules() if isinstance(module, kind)]


def named_tensors(model: Any) -> list[tuple[str, Any]]:
    """Parameters, buffers, and the scales of 4-bit weights, which are neither."""
    parameters = list(model.named_parameters())
    states = [(name, getattr(parameter, "quant_state", None)) for name, parameter in parameters]
    scales = [(f"{name}.absmax", state.absmax) for name, state in states if state is not None]
    return [*parameters, *model.named_buffers(), *scales]


def size_of(tensors: list[Any]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def check_weights(rig: Rig) -> Outcome:
    measured, expected, faults = {}, {}, []
    for subject in rig.subjects:
        layers = [layer for _, layer in quantized_layers(rig, subject.loaded)]
        found = {name: values for name, values in nature_of(layers).items() if name in rig.way.nature}
        measured[subject.name] = {"layers": len(layers), **found}
        expected[subject.name] = {"layers": subject.family.layers, **rig.way.nature}
        if len(layers) < subject.family.layers:
            faults.append(f"{subject.name} has {len(layers)} {rig.way.layer}, not {subject.family.layers}")
        wrong = [name for name, values in found.items() if layers and values != rig.way.nature[name]]
        faults += [
            f"{subject.name} has {rig.way.title} weights of the {name} {', '.join(found[name])}" for name in wrong
        ]
    return Outcome(measured, expected, faults)


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
        expected[subject.name] = f"{ideal / copy - MEMORY_SLACK:.3f} to {ideal / copy + MEMORY_SLACK:.3f}"
        if abs(loaded - ideal) > MEMORY_SLACK * copy:
            faults.append(f"{subject.name} takes {loaded / copy:.3f} of {sample.dtype}, not {expected[subject.name]}")
    return Outcome(measured, expected, faults)


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
            copy = quantized_layers(rig, load_quantized(rig, subject))
            layers = {name: layer_error(rig, subject, name, layer) for name, layer in copy}
        name = max(layers, key=lambda name: math.inf if math.isnan(layers[name]) else layers[name], default="no layer")
        worst = layers.get(name, 0.0)
        measured[subject.name] = {"logits": digits(logits), "worst_layer": digits(worst), "layer": name}
        faults += out_of_band(f"logits of {subject.name}", logits, rig.way.logits)
        faults += out_of_band(f"{name} of {subject.name}", worst, rig.way.worst_layer)
    bands = (*rig.way.logits, *rig.way.worst_layer)
    expected = "relative error: logits {:g} to {:g}, each layer {:g} to {:g}".format(*bands)
    return Outcome(measured, expected, faults)


def layer_error(rig: Rig, subject: Subject, name: str, layer: Any) -> float:
    torch = library("torch")
    source = subject.truth.get_submodule(name)
    inputs = torch.randn(16, source.in_features, generator=torch.Generator().manual_seed(rig.seed))
    inputs[:, 3] *= 20  # beyond the threshold of 6, so this column goes around an 8-bit product
    return distance(layer(inputs.to(rig.device, getattr(torch, rig.dtype))), source(inputs))


def out_of_band(what: str, value: float, band: tuple[float, float]) -> list[str]:
    low, high = band
    lesson = "nothing was quantized" if value < low else "wrong numbers"
    return [] if low <= value <= high else [f"{lesson}: {what} {digits(value)} away, expected {low:g} to {high:g}"]


def forward(rig: Rig, model: Any, inputs: dict[str, Any]) -> Any:
    return model(**{name: tensor.to(rig.device) for name, tensor in inputs.items()})


def distance(value: Any, truth: Any) -> float:
    value, truth = value.detach().float().cpu(), truth.detach().float().cpu()
    return float((value - truth).norm() / truth.norm())


def check_lora_step(rig: Rig) -> Outcome:
    measured, faults = {}, []
    for subject in rig.subjects:
        base = prepare_for_training(subject.loaded)
        before = [(name, tensor, tensor.detach().clone()) for name, tensor in named_tensors(base)]
        subject.adapted = add_lora(subject.family, base)
        losses, untrained = train(rig, subject)
        fall = 1 - losses[-1] / losses[0]
        measured[subject.name] = {"losses": [digits(loss) for loss in losses], "fall": digits(fall)}
        if not fall >= LOSS_FALL:
            faults.append(f"{subject.name}: the loss went from {losses[0]:.4f} to {losses[-1]:.4f} in {STEPS} steps")
        if untrained:
            faults.append(
                f"{subject.name}: {len(untrained)} LoRA gradients missing, zero or not finite: {untrained[0]}"
            )
        changed = [name for name, tensor, copy in before if not tensor.equal(copy)]
        if changed:
            faults.append(f"{subject.name}: training changed {len(changed)} tensors of the base: {changed[0]}")
    expected = f"the loss falls by {LOSS_FALL:.0%}, each LoRA gradient is finite and not zero, the base stays as it was"
    return Outcome(measured, expected, faults)


def prepare_for_training(model: Any) -> Any:
    peft = library("peft")  # below 0.4 it has only the second, from 0.10 on only the first
    prepare = getattr(peft, "prepare_model_for_kbit_training", None) or peft.prepare_model_for_int8_training
    return prepare(model)


def add_lora(family: Family, base: Any) -> Any:
    peft = library("peft")
    scale = {"r": RANK, "lora_alpha": 2 * RANK, "lora_dropout": 0.0, "bias": "none"}
    return peft.get_peft_model(base, peft.LoraConfig(target_modules=family.lora, task_type=family.task, **scale))


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
            faults.append(f"{subject.name}: reloaded LoRA tensors are missing, empty or zero, as before training")
        if not tensors <= size <= tensors + ADAPTER_OVERHEAD:
            faults.append(f"{subject.name}: the adapter file has {size} bytes, its tensors {tensors}")
        if not error <= ROUNDTRIP_ERROR < effect:
            faults.append(
                f"{subject.name}: reloaded {digits(error)} from the trained, {digits(effect)} without adapter"
            )
    expected = (
        f"reloaded within {ROUNDTRIP_ERROR:g} of the trained, further without adapter; the file as large as its tensors"
    )
    return Outcome(measured, expected, faults)


def reloaded_error(rig: Rig, subject: Subject, reloaded: Any) -> tuple[float, float]:
    """How far the reloaded outputs are from the trained ones, with the adapter and without."""
    with library("torch").no_grad():
        trained = forward(rig, subject.adapted, subject.inputs).logits
        again = forward(rig, reloaded, subject.inputs).logits
        with reloaded.disable_adapter():
            plain = forward(rig, reloaded, subject.inputs).logits
    return distance(again, trained), distance(plain, trained)


class Check(NamedTuple):
    run: Callable[[Rig], Outcome]
    modules: tuple[str, ...] = ()
    after: str = ""
    level: str = "full"


NO_GPU = "needs the GPU that this build is for"
LOADING = ("torch", "transformers", "accelerate", "bitsandbytes")


def checks_of(quantization: str) -> dict[str, Check]:
    return {
        "imports": Check(check_imports, level="imports"),
        "library": Check(check_library, modules=("torch", "bitsandbytes"), level="imports"),
        "quantized_load": Check(check_quantized_load, modules=LOADING),
        f"{quantization}_weights": Check(check_weights, after="quantized_load"),
        "memory_ratio": Check(check_memory_ratio, after="quantized_load"),
        "numeric_error": Check(check_numeric_error, after="quantized_load"),
        "lora_step": Check(check_lora_step, modules=("peft",), after="quantized_load"),
        "adapter_roundtrip": Check(check_adapter_roundtrip, after="lora_step"),
    }


# Running and reporting


def digits(value: float) -> Any:
    """Four significant digits; JSON has no NaN and no infinity."""
    return float(f"{value:.4g}") if math.isfinite(value) else str(value)


def attempt(action: Callable[[], Any]) -> tuple[Any, str]:
    """The action's value, or the reason why there is none."""
    try:
        return action(), ""
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, and the panics of extensions in Rust, are no Exception
        traceback.print_exc()
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
        places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[:-4:-1])
        return None, f"{type(error).__name__}: {' '.join(str(error).split())[:600]} ({places})"


def reason_to_skip(rig: Rig, check: Check) -> str:
    if check.level not in ("imports", rig.level):
        return NO_GPU if lacks_its_gpu(rig) else "level imports"
    broken = [module for module in check.modules if module in rig.broken]
    if broken:
        return f"imports failed: {', '.join(broken)}"
    return f"{check.after} {rig.status[check.after]}" if check.after and rig.status[check.after] != "passed" else ""


def result_of(rig: Rig, check: Check, refused: list[str]) -> dict[str, Any]:
    reason = reason_to_skip(rig, check)
    if reason:
        return {"status": "skipped", "measured": None, "expected": None, "why": reason}
    refused.clear()
    outcome, why = attempt(lambda: check.run(rig))
    measured, expected, faults, skipped = outcome or Outcome(None, None, [why])
    faults = faults + [f"network: tried to reach {host}" for host in sorted(set(refused))]
    why = "; ".join(faults) or skipped
    status = "failed" if faults else "skipped" if skipped else "passed"
    return {"status": status, "measured": measured, "expected": expected, "why": why}


def run(rig: Rig, speak: Callable[..., None]) -> None:
    refused = refuse_network()
    speak(event="versions", versions=versions(rig))
    checks = checks_of(rig.quantization)
    for name, check in checks.items():
        speak(event="check_started", id=name)
        started = time.perf_counter()
        result = result_of(rig, check, refused)
        rig.status[name] = result["status"]
        speak(event="check", id=name, seconds=round(time.perf_counter() - started, 3), **result)
    fair = ("passed",) if rig.level == "full" else ("passed", "skipped")
    speak(event="done", device=rig.device, passed=all(status in fair for status in rig.status.values()))


def versions(rig: Rig) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in rig.imports:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def refuse_network() -> list[str]:
    """Makes every way out of this machine raise, and notes where it led, since libraries swallow such errors."""
    refused: list[str] = []
    lookups = ("socket.getaddrinfo", "socket.gethostbyname")
    sends = ("socket.connect", "socket.sendto", "socket.sendmsg")

    def guard(event: str, arguments: tuple[Any, ...]) -> None:
        if event in lookups:
            host = arguments[0]
        elif event in sends and isinstance(arguments[1], tuple):  # a Unix socket's address is text
            host = arguments[1][0]
        else:
            return
        host = host.decode(errors="replace") if isinstance(host, bytes) else str(host or "")
        if host not in ("", "localhost", "::1") and not host.startswith("127."):
            refused.append(host)
            raise ConnectionRefusedError(f"there is no network while an environment is proved: {host}")

    sys.addaudithook(guard)
    return refused


OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
SILENT = {"HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
QUIET = {"TRANSFORMERS_VERBOSITY": "error", "TOKENIZERS_PARALLELISM": "false", "BITSANDBYTES_NOWELCOME": "1"}
LEAN = {
    "USE_TF": "0",
    "USE_FLAX": "0",
    "OMP_NUM_THREADS": "1",
}  # the models are small: a second thread waits more than it works


def settle(rig: Rig) -> None:
    """Comes before the first import, since the libraries read these once."""
    cache = str(rig.scratch / "cache")
    os.environ.update({**OFFLINE, **SILENT, **QUIET, **LEAN, "HF_HOME": cache, "XDG_CACHE_HOME": cache})
    if rig.on_cpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # or bitsandbytes takes its CUDA library where there is a GPU
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it tells of a cast at each forward of each layer
    gc.disable()  # a short life; imports make many objects and little garbage


def main() -> None:
    faulthandler.enable()
    voice = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def speak(**line: Any) -> None:
        voice.write(json.dumps(line, allow_nan=False) + "\n")
        voice.flush()

    rig = Rig(json.load(sys.stdin))
    settle(rig)
    run(rig, speak)
    sys.stderr.flush()
    os._exit(0)  # a library that crashes or dawdles as it is torn down has no more to say


if __name__ == "__main__":
    main()
