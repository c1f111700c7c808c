"""An error text as people have it: out of terminals, notebooks and logs, with or without the versions that tell its cause."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from tests.unit.test_doctor_python import MACHINES, Bench

from rigfit.core.finding import Diagnosis
from rigfit.core.installed import Installed
from rigfit.core.rule import Cause, Condition, Rule
from rigfit.core.version import Version
from rigfit.core.words import say
from rigfit.doctor.errors.classify import Pasted, findings, hear
from rigfit.doctor.errors.commands import for_python
from rigfit.doctor.errors.known import Known, Seen, against, another_python
from rigfit.doctor.errors.saying import Remedy, finding
from rigfit.doctor.errors.text import cleaned
from rigfit.doctor.errors.versions import folders_in, versions_in
from rigfit.engine.diagnosing import explain
from rigfit.engine.settings import Settings
from rigfit.store.paths import find_home

MESSAGE = "ImportError: cannot import name 'Cache' from 'transformers' (/env/lib/python3.11/site-packages/transformers/__init__.py)"
TRACE = f"""\
Traceback (most recent call last):
  File "train.py", line 1, in <module>
    import peft
  File "/env/lib/python3.11/site-packages/peft/peft_model.py", line 37, in <module>
    from transformers import Cache, DynamicCache, EncoderDecoderCache, PreTrainedModel
{MESSAGE}
"""


def condition(text: str) -> Condition:
    name, rest = text.split(" ", 1)
    if rest in ("absent", "present", "cpu", "cuda"):
        return Condition(package=name, state=rest)  # type: ignore[arg-type]
    return Condition(package=name, versions=SpecifierSet(rest))


def cause(what: str, *when: str, tells: str = "", only_known: bool = False) -> Cause:
    return Cause(
        when=tuple(map(condition, when)),
        what=what,
        because=f"since {what}",
        fix=(f"python -m pip install {what}", say("or wait")),
        tells=tells,
        only_known=only_known,
        source="measured with care",
        read="2026-11-22",
    )


def rule(code: str, pattern: str, *causes: Cause, unless: str = "", hides: tuple[str, ...] = ()) -> Rule:
    return Rule(
        code=code, pattern=pattern, unless=unless, hides=hides, what=code, causes=causes or (cause(f"{code}'s"),)
    )


CACHE = rule("no_cache", r"cannot import name 'Cache' from 'transformers'")


def codes(text: str, *rules: Rule) -> list[str]:
    return [finding.code for finding in findings(text, rules)]


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


LATER = rule("later", "OSError: that file is gone")


@pytest.mark.parametrize(
    ("between", "first"),
    [
        ("", "later"),
        ("\nDuring handling of the above exception, another exception occurred:\n\n", "no_cache"),
        ("\nThe above exception was the direct cause of the following exception:\n\n", "no_cache"),
    ],
)
def test_the_error_told_last_is_meant_and_in_a_chain_the_first(between: str, first: str) -> None:
    text = f'{TRACE}{between}Traceback (most recent call last):\n  File "x.py", line 1\nOSError: that file is gone\n'
    assert codes(text, LATER, CACHE)[0] == first
    assert len(codes(text, LATER, CACHE)) == (1 if between else 2), "of one failure one cause is told"


def test_of_two_families_for_one_line_the_more_specific_speaks() -> None:
    vague = rule("vague", "cannot import name")
    assert codes(TRACE, CACHE, vague) == ["no_cache"]
    assert codes(TRACE, vague, CACHE) == ["vague"]


def test_a_family_is_not_told_beside_the_one_that_explains_it() -> None:
    warning = rule("warned", "built without GPU", hides=("no_cache",))
    assert codes(f"built without GPU\n{TRACE}", CACHE, warning) == ["warned"]


def test_a_vague_family_is_silent_where_another_speaks_of_the_same_failure_and_only_there() -> None:
    vague = replace(rule("vague", "something could not be imported"), vague=True)
    assert codes(f"something could not be imported\n{MESSAGE}", vague, CACHE) == ["no_cache"]
    assert codes("something could not be imported", vague, CACHE) == ["vague"]
    assert codes(f"something could not be imported\n{TRACE}", vague, CACHE) == ["no_cache", "vague"]


def test_a_family_is_not_taken_where_a_word_says_otherwise() -> None:
    assert codes(f"{TRACE}# of vllm\n", replace(CACHE, unless="of vllm")) == []


def test_where_the_last_error_is_known_to_no_rule_that_is_said() -> None:
    unknown = hear(Pasted(f"that file is odd\n{TRACE}"), [rule("odd", "that file is odd")]).unknown
    assert [each.what for each in unknown] == [f'the error told last, "{MESSAGE}"']
    assert hear(Pasted(TRACE), [CACHE]).unknown == ()
    wrapped = f'{TRACE}\nTraceback (most recent call last):\n  File "x.py"\ntorch.elastic.ChildFailedError: \n'
    assert hear(Pasted(wrapped), [CACHE]).unknown == (), "which only says that a child failed"


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


TOO_OLD = cause("transformers too old", "transformers <4.43", tells="python -c 1")
TOO_NEW = cause("transformers too new", "transformers >=5")
BUSY = rule("pair", "cannot import name", TOO_OLD, TOO_NEW)


def test_several_possible_causes_are_all_told_after_what_tells_them_apart() -> None:
    finding = findings(TRACE, [BUSY])[0]
    assert finding.what == "pair"
    assert finding.because[1:] == (
        "if transformers <4.43: transformers too old",
        "if transformers >=5: transformers too new",
    )
    assert finding.fix[0] == "python -c 1"
    assert "--python PATH" in finding.fix[1]
    assert finding.fix[2] == "if transformers <4.43: `python -m pip install transformers too old`"


def test_a_version_in_the_text_leaves_one_cause_and_is_its_evidence() -> None:
    finding = findings(f"transformers==5.2.0\n{TRACE}", [BUSY])[0]
    assert finding.what == "transformers too new"
    assert finding.because[1:] == ("transformers 5.2.0, from the text", "since transformers too new")
    assert finding.fix == TOO_NEW.fix


def test_versions_that_no_cause_goes_with_are_told_and_no_cause_is_made_up() -> None:
    finding = findings(f"transformers==4.50.0\n{TRACE}", [BUSY])[0]
    assert finding.what == "pair"
    assert finding.because[-1].startswith("no cause that is known for it goes with these versions")
    assert not any("pip install" in line for line in finding.fix)


def test_the_more_special_cause_is_told_where_it_is_known_to_hold_and_only_there() -> None:
    general, special = (
        cause("general", "transformers <4.43"),
        cause("special", "transformers <4.43", "accelerate absent"),
    )
    both = rule("both", "cannot import name", general, special)
    assert findings(TRACE, [both])[0].what == "general"
    assert findings(TRACE, [both], Installed(versions={"transformers": "4.2", "accelerate": None}))[0].what == "special"
    assert (
        findings(TRACE, [both], Installed(versions={"transformers": "4.2", "accelerate": "1.0"}))[0].what == "general"
    )


def test_a_cause_that_must_be_known_is_no_possibility() -> None:
    stale = cause("stale", "transformers >=4.43", only_known=True)
    both = rule("both", "cannot import name", TOO_OLD, stale)
    assert findings(TRACE, [both])[0].what == "transformers too old"
    assert findings(f"transformers==4.50.0\n{TRACE}", [both])[0].what == "stale"


def test_commands_are_for_the_python_that_was_named() -> None:
    known = findings(TRACE, [BUSY], Installed(versions={"transformers": "4.2"}), "/env/bin/python")[0]
    assert known.fix[0] == "/env/bin/python -m pip install transformers too old"
    assert known.because[1] == "transformers 4.2, in /env/bin/python"


@pytest.mark.parametrize(
    ("told", "there", "evidence"),
    [
        ("transformers==4.27.2", "4.57.0", "transformers is 4.27.2 in the text, and 4.57.0 in /env/bin/python"),
        ("transformers==4.27.2", None, "transformers is 4.27.2 in the text, and not there in /env/bin/python"),
        ("Python 3.9.2", "4.27.2", "Python is 3.9.2 in the text, and 3.11.7 in /env/bin/python"),
    ],
)
def test_a_text_of_another_python_is_told_and_judged_by_itself(told: str, there: str | None, evidence: str) -> None:
    seen = Seen(installed=Installed(versions={"transformers": there}, python="3.11.7"), place="/env/bin/python")
    known = Known(told=versions_in(told), seen=seen)
    stranger = another_python(known)
    assert stranger is not None
    assert (stranger.code, stranger.severity, stranger.because) == ("another_python", "warning", (evidence,))
    assert known.installed == known.told


@pytest.mark.parametrize(
    "told", ["transformers==4.27.2", "torch==2.1.0+cu121", "/x/lib/python3.11/site-packages/a.py", ""]
)
def test_a_text_that_agrees_with_the_python_is_from_there(told: str) -> None:
    versions = {"transformers": "4.27.2", "torch": "2.1.0"}
    seen = Seen(installed=Installed(versions=versions, python="3.11.7"), place="/env/bin/python")
    assert another_python(Known(told=versions_in(told), seen=seen)) is None


def test_folders_of_libraries_are_those_of_the_stack() -> None:
    assert folders_in(f"{TRACE}\n/usr/lib/python3/dist-packages/pip/x.py") == ("/env/lib/python3.11/site-packages",)


def test_a_frame_of_a_notebook_reads_as_one_of_a_program() -> None:
    text = cleaned("File /env/peft_model.py:37\n---> 37 from transformers import Cache")
    assert text == '  File "/env/peft_model.py", line 37\n     37 from transformers import Cache'


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


@pytest.mark.parametrize(
    ("line", "own", "uv"),
    [
        (
            "python -m pip install 'a<2'",
            "'/e v/python' -m pip install 'a<2'",
            "uv pip install --python '/e v/python' 'a<2'",
        ),
        ("pip list | grep a", "'/e v/python' -m pip list | grep a", "uv pip list --python '/e v/python' | grep a"),
        (
            "python -m pip uninstall -y a",
            "'/e v/python' -m pip uninstall -y a",
            "uv pip uninstall --python '/e v/python' a",
        ),
        ("python -m pip cache purge", "'/e v/python' -m pip cache purge", "uv cache clean"),
        ("python -m pip install --upgrade pip", "'/e v/python' -m pip install --upgrade pip", ""),
        (
            "python -c 'import a; b'; pip --version",
            "'/e v/python' -c 'import a; b'; '/e v/python' -m pip --version",
            "",
        ),
        (
            "python -c \"import a; f('b')\"",
            "'/e v/python' -c \"import a; f('b')\"",
            "'/e v/python' -c \"import a; f('b')\"",
        ),
        ("nvidia-smi", "nvidia-smi", "nvidia-smi"),
    ],
)
def test_a_command_is_said_for_the_python_that_was_named_with_its_pip_or_with_uv(line: str, own: str, uv: str) -> None:
    assert for_python(line, "/e v/python") == own
    assert for_python(line, "/e v/python", "uv") == uv


def test_what_was_computed_for_that_python_is_said_in_place_of_the_rules_own_lines() -> None:
    known = Known(told=versions_in(TRACE))
    assert finding(CACHE, MESSAGE, known, Remedy(instead=("do this",))).fix == ("do this",)
    assert finding(CACHE, MESSAGE, known, Remedy(first="do this")).fix[0] == "do this"


def test_the_library_that_a_text_names_is_in_the_command() -> None:
    step = replace(cause("gone"), fix=("python -m pip install NAME",))
    gone = rule("gone", "No module named '(flash_attn|peft)'", step)
    assert findings("No module named 'flash_attn'", [gone])[0].fix == ("python -m pip install flash-attn",)


MISSING = "No module named 'peft'"
CPU_ONLY = Installed(versions={"torch": "2.13.0", "peft": "0.14.0"}, build="cpu")


@pytest.mark.parametrize(
    ("text", "told", "library", "why"),
    [
        (MISSING, rule("gone", "No module"), "peft", "peft is missing in the text, and 0.14.0 in /env/bin/python"),
        (
            "too old a driver",
            replace(rule("driver", "too old"), needs=(condition("torch cuda"),)),
            "",
            'the text has "too old a driver", which torch 2.13.0+cpu in /env/bin/python does not say',
        ),
        (
            "CUDA capability sm_120 is not compatible",
            rule("kernel", "not compatible", cause("old", "torch <2.8", "gpu >=10")),
            "",
            'the text has "CUDA capability sm_120 is not compatible", which torch 2.13.0+cpu in /env/bin/python does not say',
        ),
    ],
)
def test_what_that_python_cannot_have_said_is_of_another(text: str, told: Rule, library: str, why: str) -> None:
    known = Known(told=versions_in(text), seen=Seen(installed=CPU_ONLY, place="/env/bin/python"))
    assert against(told, text, library, known) == why


def test_a_build_of_torch_that_the_rules_do_not_know_may_have_said_anything() -> None:
    text = "CUDA capability sm_120 is not compatible"
    seen = Seen(installed=CPU_ONLY, place="/env/bin/python", usual=False)
    kernel = rule("kernel", "not compatible", cause("old", "torch <2.8", "gpu >=10"))
    assert against(kernel, text, "", Known(told=versions_in(text), seen=seen)) == ""


NOT_COMPILED = "AssertionError: Torch not compiled with CUDA enabled"
TOO_OLD_DRIVER = "RuntimeError: The NVIDIA driver on your system is too old (found version 11040)."


def explained(bench: Bench, text: str, machine: str) -> Diagnosis:
    environ = {**bench.environ, "HOME": str(bench.folder / "home")}
    home = find_home(str(bench.folder / "rigfit"), environ)
    return explain(Settings(home=home, environ=environ, machine=MACHINES / f"{machine}.json"), text, bench.env)


def test_the_line_that_is_computed_for_the_machine_stands_in_place_of_a_newest_torch_it_cannot_run(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    bench.put_torch("2.13.0+cpu", None)
    found = explained(bench, NOT_COMPILED, "h100-525").findings
    assert [each.code for each in found] == ["torch_without_cuda"]
    alone = bench.examined("h100-525").findings
    assert [each.code for each in alone] == ["cpu_only_torch"]
    assert found[0].fix == alone[0].fix
    assert f"--python {bench.env}" in found[0].fix[0]
    assert "cu12" in found[0].fix[0]


def test_a_python_whose_torch_has_no_cuda_cannot_have_met_a_driver_that_is_too_old(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.put_torch("2.13.0+cpu", None)
    driver, stranger = explained(bench, TOO_OLD_DRIVER, "h100-525").findings
    assert (driver.code, stranger.code) == ("driver_too_old_for_torch", "another_python")
    assert "torch 2.13.0+cpu" in stranger.because[0]
    assert not any("torch==2.10" in step for step in driver.fix), "which CUDA 11.4 does not run"


def test_a_library_that_is_there_is_not_to_be_installed_again_and_one_that_is_not_is_by_its_name(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    _, stranger = explained(bench, "ModuleNotFoundError: No module named 'peft'", "cpu-only").findings
    assert stranger.code == "another_python"
    assert "peft is missing in the text, and 0.18.1 in" in stranger.because[0]
    (found,) = explained(bench, "ModuleNotFoundError: No module named 'datasets'", "cpu-only").findings
    assert found.fix[0].endswith(f"pip install --python {bench.env}/bin/python datasets")


def test_the_version_of_the_python_that_was_named_decides_between_causes(tmp_path: Path) -> None:
    (found,) = explained(Bench(tmp_path), "Failed to build tokenizers", "cpu-only").findings
    assert found.fix, "one of the two causes is left"
    assert "no cause" not in " ".join(found.because)


def test_an_index_that_was_not_reached_is_told_as_that_and_not_as_a_missing_version(tmp_path: Path) -> None:
    broken = (
        "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('no name')': /simple/torch/"
    )
    none = "ERROR: Could not find a version that satisfies the requirement torch (from versions: none)"
    missing = "ERROR: No matching distribution found for torch"
    bench = Bench(tmp_path)
    told = explained(bench, f"{broken}\n{none}\n{missing}", "cpu-only").findings
    assert [each.code for each in told] == ["index_not_reached"]
    told = explained(bench, f"{none}\n{missing}", "cpu-only").findings
    assert [each.code for each in told] == ["no_torch_for_this_python"]
