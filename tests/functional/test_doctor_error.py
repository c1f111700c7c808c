"""`rigfit doctor --error`: what real libraries of many versions say when they are really imported and really asked for 8 bits."""

from __future__ import annotations

import json
import re
import resource
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.stand_ins.command import RIGFIT
from uv import find_uv_bin

Made = Callable[..., Path]

IMPORT = "import peft"
LOAD = """
import sys, tempfile
from transformers import BitsAndBytesConfig, OPTConfig, OPTForCausalLM
sizes = dict(vocab_size=64, hidden_size=32, num_hidden_layers=1, ffn_dim=64, num_attention_heads=2)
config = OPTConfig(max_position_embeddings=32, word_embed_proj_dim=32, **sizes)
wanted = dict(quantization_config=BitsAndBytesConfig(load_in_8bit=True)) if sys.argv[1:] else dict(load_in_8bit=True)
with tempfile.TemporaryDirectory() as folder:
    OPTForCausalLM(config).save_pretrained(folder)
    OPTForCausalLM.from_pretrained(folder, **wanted)
"""


@dataclass(frozen=True)
class Bench:
    """One environment, in which libraries are changed: torch, which takes the longest, is compiled once."""

    python: Path

    def hold(self, *pins: str, without: str = "") -> None:
        self.uv("install", *pins)
        if without:
            self.uv("uninstall", *without.split())

    def uv(self, verb: str, *words: str) -> None:
        subprocess.run(
            [find_uv_bin(), "--quiet", "--no-python-downloads", "pip", verb, f"--python={self.python}", *words],
            check=True,
        )

    def says(self, script: str, *words: str) -> str:
        """What it writes to standard error; empty where it comes to its end."""
        ran = subprocess.run(
            [self.python, "-I", "-c", script, *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.python.parent,
        )
        return ran.stderr if ran.returncode else ""

    def mend(self, line: str) -> None:
        """Run a line of a fix: of one for pip, what uv takes of it, for there is no pip in this environment."""
        if f"--python {self.python}" in line:
            subprocess.run(shlex.split(line), check=True, capture_output=True)
            return
        pip = re.search(r"pip install (-U )?(.*)", line)
        assert pip, line
        pins = shlex.split(pip[2])
        names = [re.split("[=<>]", pin)[0] for pin in pins]
        self.uv("install", *(f"--upgrade-package={name}" for name in names if pip[1]), *pins)


@pytest.fixture(scope="module")
def bench(stack: Made) -> Bench:
    return Bench(stack("peft==0.14.0", "transformers==4.42.4", "bitsandbytes==0.50.2"))


def asked(text: bytes, *words: str | Path, home: Path) -> tuple[int, dict[str, Any]]:
    """How it ended, and its answer."""
    command = [RIGFIT, "doctor", "--error", "-", "--json", "--home", str(home), *map(str, words)]
    ran = subprocess.run(command, input=text, capture_output=True, check=False)
    answer: dict[str, Any] = json.loads(ran.stdout)
    return ran.returncode, answer


def doctor(text: str, *words: str | Path, home: Path) -> dict[str, Any]:
    """The one finding, and what was known."""
    code, answer = asked(text.encode(), *words, home=home)
    assert code == 7, answer
    result = answer["result"]
    assert len(result["findings"]) == 1, result
    return {**result["findings"][0], "versions": result["versions"]}


MESSAGE = (
    "ImportError: cannot import name 'Cache' from 'transformers' (/env/lib/python3.11/site-packages/transformers)\n"
)


@pytest.mark.parametrize("text", [b"", b" \n\t\n"])
def test_no_text_at_all_is_a_fault_of_whoever_asks(tmp_path: Path, text: bytes) -> None:
    code, answer = asked(text, home=tmp_path)
    assert (code, answer["problem"]["code"]) == (2, "usage")
    assert "empty" in answer["problem"]["what"]


@pytest.mark.parametrize(
    "text", [bytes(range(256)) * 4096, b"make: *** [all] Error 2\n", MESSAGE.encode("utf-16")[:40]]
)
def test_an_unknown_text_is_no_finding_and_no_crash(tmp_path: Path, text: bytes) -> None:
    code, answer = asked(text, home=tmp_path)
    assert (code, answer["result"]["findings"]) == (0, [])


@pytest.mark.parametrize(
    "text",
    [b"INFO one more step\n" * 3_000_000 + MESSAGE.encode(), MESSAGE.encode("utf-16"), b"\xff\xfe" + MESSAGE.encode()],
    ids=["at the end of 50 MB", "UTF-16", "no UTF-8"],
)
def test_a_message_is_found_in_a_file_of_any_kind(tmp_path: Path, text: bytes) -> None:
    code, answer = asked(text, home=tmp_path)
    assert (code, [finding["code"] for finding in answer["result"]["findings"]]) == (7, ["transformers_lacks_cache"])


def test_the_answer_takes_less_than_a_third_of_a_second(tmp_path: Path) -> None:
    took = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert asked(MESSAGE.encode(), home=tmp_path)[0] == 7
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(took) < 0.3, "processor time: others may be at work on this machine"


_ENCODER, _HYBRID = "transformers_lacks_encoder_decoder_cache", "transformers_lacks_hybrid_cache"
PAIRS = {  # with how many of the lines are run: each takes seconds
    "EncoderDecoderCache": ("peft==0.14.0", "transformers==4.42.4", _ENCODER, "too old", 9),
    "HybridCache, new": ("peft==0.17.1", "transformers==5.5.4", _HYBRID, "too new", 1),
    "HybridCache, old": ("peft==0.17.1", "transformers==4.43.4", _HYBRID, "too old", 1),
    "Cache": ("peft==0.14.0", "transformers==4.33.3", "transformers_lacks_cache", "too old", 1),
}


@pytest.mark.slow
@pytest.mark.parametrize(("peft", "transformers", "code", "direction", "run"), PAIRS.values(), ids=PAIRS)
def test_a_pair_that_cannot_be_imported_is_told_which_way_and_mended_by_the_lines_that_are_said(
    bench: Bench, tmp_path: Path, peft: str, transformers: str, code: str, direction: str, run: int
) -> None:
    bench.hold(peft, transformers)
    said = bench.says(IMPORT)
    assert "ImportError: cannot import name" in said
    alone = doctor(said, home=tmp_path)
    assert alone["code"] == code
    assert direction in " ".join((alone["what"], *alone["because"]))
    assert "pin" in alone["because"][-1].lower(), "the folk remedy is told, and when it is wrong"
    listed = doctor(f"{peft}\n{transformers}\n\n{said}", home=tmp_path)
    assert (listed["code"], direction in listed["what"]) == (code, True)
    assert listed["fix"][0].startswith("pip install '")
    there = doctor(said, "--python", bench.python, home=tmp_path)
    assert (there["code"], direction in there["what"]) == (code, True)
    assert f"transformers {transformers.split('==')[1]}, in {bench.python}" in there["because"]
    lines = [line for line in there["fix"] if "pip install" in line]
    assert len(lines) > 2, "the smallest change, and a line for either library"
    for line in lines[:run]:
        bench.hold(peft, transformers)
        bench.mend(line.split("`")[1] if "`" in line else line)
        assert bench.says(IMPORT) == "", line


@dataclass(frozen=True)
class Refused:
    """Libraries with which a load in 8 bits is refused on this machine, and why."""

    transformers: str
    code: str
    accelerate: str  # empty: none
    bitsandbytes: str
    alone: str  # is said where nothing but the version of transformers is known
    there: str  # and with the Python at hand
    mends: bool = False  # whether a line of pip gets it past this refusal, on a machine without a GPU


_OLD, _SPLIT, _NEW = "load_in_8bit_refused", "bitsandbytes_or_accelerate_refused", "accelerate_too_old_for_8bit"
_NO_GPU = "no_gpu_for_quantization"
_CPU = "torch is a build for the CPU"
REFUSED = {
    "4.27 without accelerate": Refused(
        "4.27.4", _OLD, "", "0.50.2", "does not look at the GPU", "accelerate is not installed", mends=True
    ),
    "4.31 without bitsandbytes": Refused(
        "4.31.0", _OLD, "0.34.2", "", "does not look at the GPU", "bitsandbytes is not installed", mends=True
    ),
    "4.33 with torch for the CPU": Refused("4.33.3", _OLD, "0.34.2", "0.50.2", "torch sees no GPU", _CPU),
    "4.37 says it plainly": Refused("4.37.2", _NO_GPU, "0.34.2", "0.50.2", "torch sees no GPU", _CPU),
    "4.40 does not": Refused("4.40.2", _SPLIT, "0.34.2", "0.50.2", "torch sees no GPU", _CPU),
    "4.40 with an old accelerate": Refused(
        "4.40.2", _SPLIT, "0.20.3", "0.50.2", "torch sees no GPU", "this accelerate is too old"
    ),
    "4.57 with an old accelerate": Refused(
        "4.57.6", _NEW, "0.25.0", "0.50.2", "older than 0.26.0", "this accelerate is too old", mends=True
    ),
    "4.57 without bitsandbytes": Refused(
        "4.57.6", "bitsandbytes_refused", "1.10.1", "", "bitsandbytes is not installed", "bitsandbytes is not installed"
    ),
    "5 with an old bitsandbytes": Refused(
        "5.5.4",
        "bitsandbytes_too_old_for_transformers_5",
        "1.10.1",
        "0.46.0",
        "missing or older than 0.46.1",
        "this bitsandbytes is too old",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_a_load_in_8_bits_that_is_refused_is_told_why_for_that_transformers(
    bench: Bench, tmp_path: Path, refused: Refused
) -> None:
    pinned = {"accelerate": refused.accelerate, "bitsandbytes": refused.bitsandbytes}
    pins = [f"{name}=={version}" for name, version in pinned.items() if version]
    absent = ["peft", *(name for name, version in pinned.items() if not version)]
    bench.hold(f"transformers=={refused.transformers}", "numpy<2", "setuptools<80", *pins, without=" ".join(absent))
    by_config = ["config"] if refused.transformers.startswith("5") else []
    said = bench.says(LOAD, *by_config)
    assert re.search("requires|No GPU found", said), said
    known = doctor(f"- `transformers` version: {refused.transformers}\n\n{said}", home=tmp_path)
    assert known["code"] == refused.code
    assert refused.alone in known["what"]
    assert any("print(" in line for line in known["fix"]) or known["fix"][0].startswith("python -m pip"), known["fix"]
    there = doctor(said, "--python", bench.python, home=tmp_path)
    assert (there["code"], refused.there in there["what"]) == (refused.code, True), there
    if refused.mends:
        bench.mend(there["fix"][0])
        after = bench.says(LOAD, *by_config)
        assert said.splitlines()[-1] not in after
        assert not re.search("8-bit quantization requires|load_in_8bit=True. requires", after), after
