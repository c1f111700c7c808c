"""The payload in interpreters of their own: what it says, what it keeps quiet, and that real wheels which lie do not get past it."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rigfit.verify.payloads.quantized import out_of_band
from rigfit.verify.payloads.ways import WAYS

PAYLOAD = Path(__file__).parents[2] / "src/rigfit/verify/payloads/quantized.py"
PARTS = sorted(PAYLOAD.parent.glob("*.py"))
IDS = [
    "imports",
    "library",
    "quantized_load",
    "int8_weights",
    "memory_ratio",
    "numeric_error",
    "lora_step",
    "adapter_roundtrip",
]
NF4_IDS = [*IDS[:3], "nf4_weights", *IDS[4:]]
STACK = ["torch", "transformers", "peft", "accelerate", "bitsandbytes"]


@dataclass(frozen=True, kw_only=True)
class Report:
    code: int
    lines: list[dict[str, Any]]
    stderr: str

    @property
    def checks(self) -> dict[str, dict[str, Any]]:
        return {line["id"]: line for line in self.lines if line["event"] == "check"}

    @property
    def statuses(self) -> dict[str, str]:
        return {name: check["status"] for name, check in self.checks.items()}


def prove(python: Path | str, scratch: Path, imports: list[str], **asked: str) -> Report:
    """`asked` is the level, the device or the quantization, where it is not full, the CPU or 8 bits."""
    job = {"level": "full", "device": "cpu", "quantization": "int8", "imports": imports, **asked}
    return told(PAYLOAD, python, scratch, job)


def told(payload: Path, python: Path | str, scratch: Path, job: dict[str, Any]) -> Report:
    """What it says of the job."""
    home = scratch / "home"
    home.mkdir()
    job = {**job, "scratch": str(scratch)}
    child = subprocess.run(
        [str(python), "-I", "-u", str(payload)],
        input=json.dumps(job),
        env={**os.environ, "HOME": str(home), "OMP_NUM_THREADS": "1"},  # two for so small a model wait for each other
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert not list(home.iterdir()), "it wrote to the home folder"
    lines = [json.loads(line) for line in child.stdout.splitlines()]
    return Report(code=child.returncode, lines=lines, stderr=child.stderr)


@dataclass(frozen=True, kw_only=True)
class Bare:
    """An environment without any library, and the folder where a test may put its own."""

    python: Path
    site_packages: Path

    def add(self, name: str, text: str) -> str:
        (self.site_packages / f"{name}.py").write_text(text, encoding="utf-8")
        return name


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    (site_packages,) = (tmp_path / "bare/lib").glob("python3*/site-packages")
    return Bare(python=tmp_path / "bare/bin/python", site_packages=site_packages)


def test_each_check_is_started_and_reported_once_in_order_even_where_nothing_can_run(
    bare: Bare, tmp_path: Path
) -> None:
    report = prove(bare.python, tmp_path, STACK)
    assert [line["event"] for line in report.lines] == ["versions", *["check_started", "check"] * 8, "done"]
    assert [line["id"] for line in report.lines if line["event"] == "check_started"] == IDS
    assert list(report.checks) == IDS
    assert report.statuses == {"imports": "failed", **dict.fromkeys(IDS[1:], "skipped")}
    assert report.checks["lora_step"]["why"] == "imports failed: peft"
    assert report.checks["int8_weights"]["why"] == "quantized_load skipped"
    assert report.lines[-1] == {"event": "done", "device": "cpu", "peak_memory": None}
    assert report.code == 0


def test_what_a_library_prints_never_reaches_the_protocol(bare: Bare, tmp_path: Path) -> None:
    noise = "import os, sys\nprint('one')\nos.write(1, b'two')\nos.system('echo three')\nsys.__stdout__.write('four')"
    report = prove(bare.python, tmp_path, [bare.add("noisy", noise)], level="imports")
    assert report.statuses["imports"] == "passed"
    assert all(word in report.stderr for word in ("one", "two", "three", "four"))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("raise ImportError(\"cannot import name 'Cache'\")", "ImportError: cannot import name 'Cache'"),
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
        ("class Panic(BaseException): pass\nraise Panic('in Rust')", "Panic: in Rust"),
    ],
)
def test_a_module_that_does_not_import_is_named_with_its_error_and_place(
    bare: Bare, tmp_path: Path, text: str, error: str
) -> None:
    report = prove(bare.python, tmp_path, ["json", bare.add("broken", text)], level="imports")
    imports = report.checks["imports"]
    assert imports["status"] == "failed"
    assert imports["why"].startswith(
        f"broken: {error} (broken.py:2" if "\n" in text else f"broken: {error} (broken.py:1"
    )
    assert list(imports["measured"]) == ["broken"]
    assert "Traceback" in report.stderr


def test_the_level_imports_runs_two_checks_and_calls_no_other_passed(bare: Bare, tmp_path: Path) -> None:
    report = prove(bare.python, tmp_path, ["json"], level="imports")
    assert {
        name: check["why"] for name, check in report.checks.items() if check["status"] == "skipped"
    } == dict.fromkeys(IDS[2:], "level imports")
    assert report.checks["imports"]["measured"] == {"json": json.__version__}  # type: ignore[attr-defined]


# What a module can see of torch's build is `torch.version.cuda`.
TORCH_FOR_A_GPU = "import types\n__version__ = '2.0.1+cu117'\nversion = types.SimpleNamespace(cuda='11.7')\n"


@pytest.mark.parametrize(
    ("version", "shipped", "status", "why"),
    [
        ("0.41.2", ["cpu", "cuda117", "cuda118"], "skipped", "needs the GPU that this build is for"),
        ("0.41.2", ["cpu", "cuda118"], "failed", "no libbitsandbytes_cuda117.so in "),
        ("0.50.2", ["cpu", "cuda118"], "skipped", "needs the GPU that this build is for"),
        ("0.50.2", ["cpu", "cuda121"], "failed", "no libbitsandbytes_cuda117.so in "),
    ],
)
def test_a_build_for_a_gpu_imports_without_one_and_says_what_that_leaves_out(
    bare: Bare, tmp_path: Path, version: str, shipped: list[str], status: str, why: str
) -> None:
    bare.add("torch", TORCH_FOR_A_GPU)
    package = bare.site_packages / "bitsandbytes"
    package.mkdir()
    (package / "__init__.py").write_text(f"__version__ = '{version}'\nprint('WARNING: no GPU found')")
    for build in shipped:
        (package / f"libbitsandbytes_{build}.so").touch()
    report = prove(bare.python, tmp_path, ["torch", "bitsandbytes"], level="imports")
    assert report.statuses == {"imports": "passed", "library": status, **dict.fromkeys(IDS[2:], "skipped")}
    assert report.checks["library"]["why"].startswith(why)
    assert {report.checks[name]["why"] for name in IDS[2:]} == {"needs the GPU that this build is for"}


def test_a_library_that_calls_out_fails_its_check_although_it_swallows_the_refusal(bare: Bare, tmp_path: Path) -> None:
    text = "import socket\ntry:\n    socket.getaddrinfo('hub.invalid', 443)\nexcept OSError:\n    pass"
    report = prove(bare.python, tmp_path, [bare.add("caller", text)], level="imports")
    assert report.statuses["imports"] == "failed"
    assert report.checks["imports"]["why"] == "network: tried to reach hub.invalid"


def test_sockets_within_the_machine_stay_open(bare: Bare, tmp_path: Path) -> None:
    text = (
        "import socket\n"
        "with socket.create_server(('127.0.0.1', 0)) as server:\n"
        "    socket.create_connection(('localhost', server.getsockname()[1])).close()\n"
        "one, other = socket.socketpair()\n"
        "one.close(), other.close()\n"
    )
    report = prove(bare.python, tmp_path, [bare.add("local", text)], level="imports")
    assert report.checks["imports"]["why"] == ""


def test_a_job_of_an_unknown_level_is_a_bug_of_the_caller(bare: Bare, tmp_path: Path) -> None:
    report = prove(bare.python, tmp_path, [], level="half")
    assert report.code == 1
    assert report.lines == []
    assert "no such level: half" in report.stderr


def test_a_job_of_an_unknown_quantization_is_a_bug_of_the_caller(bare: Bare, tmp_path: Path) -> None:
    report = prove(bare.python, tmp_path, [], quantization="gptq")
    assert (report.code, report.lines) == (1, [])
    assert "gptq" in report.stderr


@pytest.mark.parametrize("path", PARTS, ids=lambda path: path.stem)
def test_it_keeps_to_the_syntax_of_python_3_8_and_imports_nothing_but_that_python_and_its_own_parts(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {name.name.partition(".")[0] for name in node.names} <= sys.stdlib_module_names
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            assert str(node.module).partition(".")[0] in sys.stdlib_module_names
        if isinstance(node, ast.ImportFrom) and node.level > 0:
            parts = [node.module] if node.module else [name.name for name in node.names]
            assert (node.level, {*parts} <= {part.stem for part in PARTS}) == (1, True)


@pytest.mark.parametrize(("name", "checks"), [("quantized.py", 8), ("stress.py", 5)])
def test_a_copy_of_its_folder_is_all_that_it_needs_and_stays_as_it_was(
    bare: Bare, tmp_path: Path, name: str, checks: int
) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    for part in PARTS:
        shutil.copy(part, folder)
    job = {"level": "full", "steps": 1, "device": "cpu", "quantization": "int8", "imports": STACK}
    report = told(folder / name, bare.python, tmp_path, job)
    assert (report.code, len(report.checks)) == (0, checks)
    assert sorted(folder.iterdir()) == [folder / part.name for part in PARTS]


@pytest.mark.parametrize(
    ("way", "value", "faults"),
    [
        ("int8", 0.02, 0),
        ("int8", 0.0, 1),
        ("int8", 2000.0, 1),
        ("int8", float("nan"), 1),
        ("nf4", 0.18, 0),
        ("nf4", 0.02, 1),  # that is 8 bits
        ("nf4", 0.5, 1),
    ],
)
def test_an_error_of_nothing_at_all_is_as_wrong_as_a_large_one(way: str, value: float, faults: int) -> None:
    assert len(out_of_band("OPTForCausalLM", "logits", value, WAYS[way].logits)) == faults


# With real wheels


NEW = ("transformers==5.23.0", "peft==0.21.2", "accelerate==1.15.0")
LAST_OF_4 = ("transformers==4.57.6", "peft==0.18.1", "accelerate==1.15.0")


@pytest.mark.slow
@pytest.mark.parametrize("pins", [(*NEW, "bitsandbytes==0.50.2"), (*LAST_OF_4, "bitsandbytes==0.49.2")], ids=["5", "4"])
def test_a_sound_stack_proves_itself_on_a_cpu(
    stack: Callable[..., Path], tmp_path: Path, pins: tuple[str, ...]
) -> None:
    report = prove(stack(*pins), tmp_path, STACK)
    assert report.statuses == dict.fromkeys(IDS, "passed"), report.checks
    assert report.lines[-1] == {"event": "done", "device": "cpu", "peak_memory": None}
    assert report.lines[0]["versions"]["torch"] == "2.13.0+cpu"
    assert report.checks["library"]["measured"] == "libbitsandbytes_cpu.so"
    assert report.checks["int8_weights"]["measured"]["LlamaForCausalLM"] == {"layers": 14, "dtypes": ["torch.int8"]}


@pytest.mark.slow
@pytest.mark.parametrize("pins", [(*NEW, "bitsandbytes==0.50.2"), (*LAST_OF_4, "bitsandbytes==0.49.2")], ids=["5", "4"])
def test_a_sound_stack_proves_itself_in_4_bits(
    stack: Callable[..., Path], tmp_path: Path, pins: tuple[str, ...]
) -> None:
    report = prove(stack(*pins), tmp_path, STACK, quantization="nf4")
    assert report.statuses == dict.fromkeys(NF4_IDS, "passed"), report.checks
    found = report.checks["nf4_weights"]["measured"]["LlamaForCausalLM"]
    assert found == {"layers": 14, "dtypes": ["torch.uint8"], "classes": ["Params4bit"], "kinds": ["nf4"]}


UNQUANTIZED = """
import transformers
for family in (transformers.LlamaForCausalLM, transformers.T5ForConditionalGeneration):
    def load(path, quantization_config=None, family=family, load=family.from_pretrained, **others):
        return load(path, **others)
    family.from_pretrained = load
"""
IN_FP4 = """
import transformers
asked = transformers.BitsAndBytesConfig
transformers.BitsAndBytesConfig = lambda **options: asked(**{**options, "bnb_4bit_quant_type": "fp4"})
"""
CALLED_NF4 = """
import bitsandbytes.functional
honest = bitsandbytes.functional.quantize_4bit
def quantize_4bit(*tensors, quant_type, **options):
    packed, state = honest(*tensors, quant_type="fp4", **options)
    state.quant_type = quant_type
    return packed, state
bitsandbytes.functional.quantize_4bit = quantize_4bit
"""
SCALES_TOO_LARGE = """
import bitsandbytes.functional
honest = bitsandbytes.functional.quantize_4bit
def quantize_4bit(*tensors, **options):
    packed, state = honest(*tensors, **options)
    state.absmax = state.absmax * 1.1
    return packed, state
bitsandbytes.functional.quantize_4bit = quantize_4bit
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sabotage", "found"),
    [
        (
            UNQUANTIZED,
            {
                "nf4_weights": "LlamaForCausalLM has 0 Linear4bit, not 14",
                "memory_ratio": "LlamaForCausalLM takes 1.000 of torch.float32",
                "numeric_error": "nothing was quantized: logits of LlamaForCausalLM",
            },
        ),
        (
            IN_FP4,
            {"nf4_weights": "LlamaForCausalLM has 4-bit weights of the kinds fp4", "numeric_error": "wrong numbers"},
        ),
        (CALLED_NF4, {"numeric_error": "wrong numbers: logits of LlamaForCausalLM"}),
        (SCALES_TOO_LARGE, {"numeric_error": "wrong numbers"}),
    ],
    ids=["unquantized", "fp4", "fp4 read as nf4", "scales a tenth too large"],
)
def test_what_is_not_nf4_is_not_taken_for_it(
    stack: Callable[..., Path], tmp_path: Path, sabotage: str, found: dict[str, str]
) -> None:
    python = stack(*NEW, "bitsandbytes==0.50.2")
    (site_packages,) = python.parents[1].glob("lib/python3*/site-packages")
    (site_packages / "sabotage.py").write_text(sabotage)
    report = prove(python, tmp_path, [*STACK, "sabotage"], quantization="nf4")
    assert {name for name, status in report.statuses.items() if status == "failed"} >= set(found)
    assert all(why in report.checks[name]["why"] for name, why in found.items()), report.checks


@pytest.mark.slow
@pytest.mark.parametrize("pins", [NEW, LAST_OF_4], ids=["5", "4"])
def test_a_library_that_loads_and_lies_fails_on_its_numbers_and_its_training(
    stack: Callable[..., Path], tmp_path: Path, pins: tuple[str, ...]
) -> None:
    report = prove(stack(*pins, "bitsandbytes==0.46.1"), tmp_path, STACK)
    assert report.statuses == {
        **dict.fromkeys(IDS[:5], "passed"),
        "numeric_error": "failed",
        "lora_step": "failed",
        "adapter_roundtrip": "skipped",
    }
    assert "wrong numbers: logits of LlamaForCausalLM" in report.checks["numeric_error"]["why"]
    assert "wrong numbers: logits of T5ForConditionalGeneration" in report.checks["numeric_error"]["why"]
    assert "LlamaForCausalLM: the loss went from" in report.checks["lora_step"]["why"]
    assert report.checks["adapter_roundtrip"]["why"] == "lora_step failed"

    assert report.code == 0


@pytest.mark.slow
def test_a_job_for_a_gpu_is_never_proved_on_the_cpu(stack: Callable[..., Path], tmp_path: Path) -> None:
    report = prove(stack(*NEW, "bitsandbytes==0.50.2"), tmp_path, STACK, device="cuda:0")
    assert report.statuses["library"] == "failed"
    assert report.checks["library"]["why"] == "torch 2.13.0+cpu is not built for CUDA"
    assert report.statuses["quantized_load"] == "failed"
    assert {report.statuses[name] for name in IDS[3:]} == {"skipped"}
    assert report.lines[-1] == {"event": "done", "device": "cuda:0", "peak_memory": None}
