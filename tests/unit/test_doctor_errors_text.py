"""An error text as people have it, out of terminals, notebooks and logs: what is read from it."""

from __future__ import annotations

import json
import time

import pytest
from tests.stand_ins.rules import CACHE, MESSAGE, TRACE, codes

from rigfit.core.version import Version
from rigfit.doctor.errors.classify import findings
from rigfit.doctor.errors.text import cleaned
from rigfit.doctor.errors.versions import folders_in, versions_in

NOTEBOOK = json.dumps(
    {
        "cells": [
            {
                "outputs": [
                    {
                        "ename": "ImportError",
                        "traceback": [
                            "\x1b[0;31m-----------------\x1b[0m",
                            "\x1b[0;31mImportError\x1b[0m     Traceback (most recent call last)",
                            "File \x1b[0;32m/env/peft_model.py:37\x1b[0m\n\x1b[0;32m---> 37\x1b[0m from transformers",
                            "\x1b[0;31mImportError\x1b[0m: cannot import name 'Cache' \x1b[1mfrom\x1b[0m 'transformers'",
                        ],
                    }
                ]
            }
        ]
    }
)


@pytest.mark.parametrize(
    "text",
    [
        MESSAGE,
        TRACE,
        TRACE.replace("\n", "\r\n"),
        TRACE.replace("'", "\u2019"),
        TRACE.replace("'Cache'", "\u2018Cache\u2019"),
        MESSAGE.replace("cannot import", "\x1b[1;31mcannot\x1b[0m import"),
        MESSAGE.replace("cannot", "[0;31mcannot[0m"),
        "\n".join(f"trainer-1  | {line}" for line in TRACE.splitlines()),
        "\n".join(f"2026-11-22T10:00:00.123456789Z {line}" for line in TRACE.splitlines()),
        "\n".join(f"[pod/train-0/main] {line}" for line in TRACE.splitlines()),
        "\n".join(f"[rank0]: {line}" for line in TRACE.splitlines()),
        "\n".join(f"> {line}" for line in TRACE.splitlines()),
        "\n".join(json.dumps({"log": f"{line}\n", "stream": "stderr"}) for line in TRACE.splitlines()),
        json.dumps({"error": TRACE}),
        f"failed: {json.dumps(TRACE)}",
        NOTEBOOK,
        f"  0%|          | 0/9\r 11%|#         | 1/9\r{MESSAGE}",
        TRACE.encode("utf-16").decode("utf-8", "replace"),
        "<pre>" + MESSAGE.replace("'", "&#39;") + "</pre>",
        "Loading the base model and the adapter: ImportError: cannot import name\n'Cache' from 'transformers' (/env)",
    ],
)
def test_a_message_is_known_however_it_was_copied(text: str) -> None:
    assert codes(text, CACHE) == ["no_cache"]


def test_lines_that_nothing_has_broken_are_not_joined() -> None:
    assert codes("cannot import name 'Cache'\nfrom 'transformers'", CACHE) == []


@pytest.mark.parametrize(
    "text", ["", "\n\n", "\x00\x01\xff" * 1000, "a" * (1 << 20), "Traceback (most recent call last):"]
)
def test_what_is_no_error_text_is_no_finding_and_no_crash(text: str) -> None:
    assert codes(text, CACHE) == []


def test_a_long_log_is_read_in_a_moment() -> None:
    log = "INFO step 1 of 9: loss 1.25, learning rate 0.0002, gradient norm 0.71, tokens 4096, seconds 1.02\n" * 11_000
    start = time.process_time()
    assert codes(log + TRACE, CACHE) == ["no_cache"]
    assert time.process_time() - start < 5


def test_the_line_that_matched_is_quoted_and_cut() -> None:
    long = findings(f"{'x' * 500} {MESSAGE} {'y' * 500}", [CACHE])[0].because[0]
    assert "cannot import name 'Cache'" in long
    assert len(long) < 240
    assert findings(TRACE, [CACHE])[0].because[0] == f'the text has "{MESSAGE}"'


def test_a_frame_of_a_notebook_reads_as_one_of_a_program() -> None:
    text = cleaned("File /env/peft_model.py:37\n---> 37 from transformers import Cache")
    assert text == '  File "/env/peft_model.py", line 37\n     37 from transformers import Cache'


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("transformers==4.27.2", "transformers", "4.27.2"),
        ("torch==2.1.0+cu121", "torch", "2.1.0+cu121"),
        ("- `transformers` version: 4.36.2", "transformers", "4.36.2"),
        ("- Huggingface_hub version: 0.20.1", "huggingface-hub", "0.20.1"),
        ("- PyTorch version (GPU?): 2.1.0+cu121 (True)", "torch", "2.1.0+cu121"),
        ("Name: peft\nVersion: 0.14.0\nSummary: PEFT", "peft", "0.14.0"),
        ("transformers              4.36.2", "transformers", "4.36.2"),
        ("transformers              4.36.2        pyhd8ed1ab_0    conda-forge", "transformers", "4.36.2"),
        ("pytorch     2.1.0   py3.11_cuda12.1_cudnn8.9.2_0    pytorch", "torch", "2.1.0"),
        ("[pip3] numpy==1.26.0", "numpy", "1.26.0"),
        ("[conda] bitsandbytes   0.41.1    pypi_0    pypi", "bitsandbytes", "0.41.1"),
        ("/env/lib/python3.11/site-packages/peft-0.14.0.dist-info", "peft", "0.14.0"),
        ("/env/lib/python3.11/site-packages/huggingface_hub-0.20.1.dist-info/METADATA", "huggingface-hub", "0.20.1"),
        (
            "peft 0.14.0 requires accelerate>=0.21.0, but you have accelerate 0.17.1 which is incompatible.",
            "peft",
            "0.14.0",
        ),
        (
            "peft 0.14.0 requires accelerate>=0.21.0, but you have accelerate 0.17.1 which is bad.",
            "accelerate",
            "0.17.1",
        ),
        ("Successfully installed accelerate-0.27.2 peft-0.8.2 transformers-4.38.1", "peft", "0.8.2"),
        ("Requirement already satisfied: peft in ./lib/python3.11/site-packages (0.14.0)", "peft", "0.14.0"),
        (">>> transformers.__version__\n'4.27.2'", "transformers", "4.27.2"),
        ("I have peft 0.14.0\npeft 0.14.0, transformers 4.28.0", "transformers", "4.28.0"),
        ("is required for a normal functioning of this module, but found tokenizers==0.19.1.", "tokenizers", "0.19.1"),
    ],
)
def test_versions_are_read_from_what_people_paste(text: str, name: str, version: str) -> None:
    assert versions_in(text).versions[name] == version


@pytest.mark.parametrize(
    "text",
    [
        "pip install transformers==4.37.2",
        "Collecting transformers==4.37.2",
        "please upgrade to transformers 4.37.2 or newer",
        "ImportError: tokenizers>=0.14 is required",
        "ModuleNotFoundError: No module named 'accelerate'",
        "peft requires transformers>=4.43.0",
        "Downloading transformers-4.37.2-py3-none-any.whl",
        "transformers==4.27.2\ntransformers==4.28.0",
        "Found existing installation: transformers 4.37.2",
        "",
    ],
)
def test_what_is_asked_for_or_contradicts_itself_is_no_version(text: str) -> None:
    assert dict(versions_in(text).versions) == {}


def test_what_a_list_says_to_be_missing_is_absent() -> None:
    assert versions_in("peft 0.14.0 requires accelerate>=0.21.0, which is not installed.").is_absent("accelerate")


@pytest.mark.parametrize(
    ("text", "build", "cuda"),
    [
        ("torch==2.1.0+cu121", "cuda", "12.1"),
        ("torch==2.1.0+cpu", "cpu", None),
        ("PyTorch version: 2.1.0\nCUDA used to build PyTorch: 11.8", "cuda", "11.8"),
        ("PyTorch version: 2.1.0\nCUDA used to build PyTorch: None", "cpu", None),
        ("AssertionError: Torch not compiled with CUDA enabled", "cpu", None),
        ("pytorch 2.1.0 py3.11_cuda12.1_cudnn8.9.2_0 pytorch", "cuda", "12.1"),
        ("torch==2.1.0+cu121\nCUDA used to build PyTorch: 11.8", None, None),
        ("torch==2.1.0", None, None),
    ],
)
def test_the_build_of_torch_is_read_where_it_is_told(text: str, build: str | None, cuda: str | None) -> None:
    told = versions_in(text)
    assert (told.build, told.cuda) == (build, Version(cuda) if cuda else None)


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("Python 3.11.7 (main, Dec 4 2023)", "3.11.7"),
        ("- Python version: 3.10.12", "3.10.12"),
        ("/usr/lib/python3.10/importlib/__init__.py, Python 3.10.12", "3.10.12"),
        ("/env/lib/python3.11/site-packages/x.py and /usr/lib/python3.10/y.py", None),
        ("no word of it", None),
    ],
)
def test_the_version_of_python_is_read_where_it_is_one(text: str, python: str | None) -> None:
    assert versions_in(text).python == python


def test_folders_of_libraries_are_those_of_the_stack() -> None:
    assert folders_in(f"{TRACE}\n/usr/lib/python3/dist-packages/pip/x.py") == ("/env/lib/python3.11/site-packages",)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("RTX 5090 with CUDA capability sm_120 is not compatible", "gpu", "12.0"),
        ("Tesla K80 which is of cuda capability 3.7.", "gpu", "3.7"),
        ("Tesla V100-SXM2-16GB which is of compute capability (CC) 7.0.", "gpu", "7.0"),
        ("The NVIDIA driver on your system is too old (found version 11040)", "driver-cuda", "11.4"),
        ("The NVIDIA driver on your system is too old (found version 12020)", "driver-cuda", "12.2"),
        ("Configured CUDA binary not found at /x/bitsandbytes/libbitsandbytes_cuda130.so", "wanted-cuda", "13.0"),
        ("CUDA capability sm_61 and CUDA capability sm_120", "gpu", None),
        ("copied libbitsandbytes_cuda117.so over libbitsandbytes_cpu.so", "wanted-cuda", None),
    ],
)
def test_what_a_text_tells_of_the_machine_is_read_where_it_is_told_once(
    text: str, name: str, value: str | None
) -> None:
    assert versions_in(text).versions.get(name) == value
