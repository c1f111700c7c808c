"""`rigfit verify --python`: any interpreter, proven where it stands, with nothing kept of it."""

from __future__ import annotations

import json
import os
import shlex
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.stand_ins.command import Ran, rigfit
from tests.stand_ins.nvml import StandIn
from tests.stand_ins.prepared import having

STACK = ("transformers==5.23.0", "peft==0.21.2", "accelerate==1.15.0", "bitsandbytes==0.50.2")


def verify(python: Path | str, home: Path, *words: str, on: dict[str, str] | None = None) -> Ran:
    asked = ("verify", "--python", python, "--home", home, "--json", *words)
    return rigfit(*asked, environ={**os.environ, **(on or {})})


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "no such file"),
        ("", "nothing that can be run"),
        ("#!/bin/sh\necho hello\n", "a program that is no Python 3"),
        ("#!/bin/sh\necho sorry >&2; exit 3\n", "sorry"),
        ("#!/bin/sh\necho 3.6\n", "Python 3.6"),
    ],
)
def test_what_is_no_python_is_refused_with_what_it_is(tmp_path: Path, content: str | None, found: str) -> None:
    path = tmp_path / "python"
    if content is not None:
        path.write_text(content)
        path.chmod(0o755 if content else 0o644)
    ran = verify(path, tmp_path / "home")
    assert (ran.code, ran.problem["code"]) == (2, "python_invalid")
    assert "needed: a Python 3.8 or later" in ran.problem["detail"]
    assert found in ran.problem["detail"]
    assert str(path) in ran.problem["what"]


def test_a_python_without_the_libraries_is_told_which_are_missing_and_how_to_get_them(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    venv.create(bare, with_pip=False, symlinks=True)
    ran = verify(bare, tmp_path / "home")
    assert (ran.code, ran.problem["code"]) == (6, "verification_failed")
    assert "torch: ModuleNotFoundError" in ran.problem["detail"]
    assert "rigfit templates" in ran.problem["fix"][0]
    assert f"rigfit doctor --python {bare / 'bin/python'}" in ran.problem["fix"]
    checks = {each["id"]: each for each in ran.answer["result"]["checks"]}
    assert (checks["imports"]["code"], checks["lora_step"]["status"]) == ("not_installed", "skipped")


def test_no_name_at_all_is_not_the_folder_that_one_is_in(tmp_path: Path) -> None:
    ran = verify("", tmp_path)
    assert ran.code == 2
    assert "name a file or a folder" in ran.err


def test_a_home_that_cannot_be_written_keeps_nobody_from_trying_a_python(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    venv.create(bare, with_pip=False, symlinks=True)
    (tmp_path / "home").mkdir()
    (tmp_path / "home/runs").write_text("a file where the folder of logs would be")
    ran = verify(bare, tmp_path / "home", "--level", "imports")
    assert (ran.code, ran.problem["code"]) == (6, "verification_failed")
    assert "torch: ModuleNotFoundError" in ran.problem["detail"]


def test_a_gpu_that_is_not_there_is_no_reason_to_try_the_cpu(tmp_path: Path) -> None:
    ran = verify(sys.executable, tmp_path, "--gpu", "0")
    assert ran.code == 3, "there is a GPU here"
    assert ran.problem["code"] == "driver_fault"


def test_where_there_is_no_gpu_the_line_that_proves_it_on_the_cpu_works_as_it_is(tmp_path: Path) -> None:
    bare = tmp_path / "a bare one"
    venv.create(bare, with_pip=False, symlinks=True)
    level = ("--level", "imports")
    first, look = verify(bare, tmp_path / "home", "--gpu", "0", *level).problem["fix"]
    program, *words = shlex.split(first.split("`")[1])
    assert program == "rigfit"
    assert rigfit(*words, "--home", tmp_path / "home", "--json").answer["result"]["device"] == "cpu"
    assert "`rigfit doctor`" in look


@pytest.mark.slow
def test_a_sound_stack_is_proven_and_nothing_is_kept_of_it(stack: Callable[..., Path], tmp_path: Path) -> None:
    python = stack(*STACK)
    ran = verify(python, tmp_path, "--gpu", "none")
    assert ran.code == 0, ran.out
    assert (ran.result["device"], ran.result["level"], ran.result["passed"]) == ("cpu", "full", True)
    assert (ran.result["gpu_used"], ran.result["peak_memory"]) == (None, None)
    assert rigfit("list", "--home", tmp_path, "--json").result["environments"] == []
    (log,) = (tmp_path / "runs").iterdir()
    assert json.loads(log.read_text().splitlines()[-1])["event"] == "run_finished"


@pytest.mark.slow
def test_a_cpu_build_of_torch_does_not_pass_for_a_gpu(
    stack: Callable[..., Path], tmp_path: Path, standin: StandIn
) -> None:
    ran = verify(stack(*STACK), tmp_path / "home", on=having(standin, "h100-580"))
    assert (ran.code, ran.problem["code"]) == (6, "verification_failed")
    result = ran.answer["result"]
    checks = {each["id"]: each for each in result["checks"]}
    assert (checks["library"]["status"], checks["library"]["code"]) == ("failed", "cpu_only_torch")
    assert (result["device"], result["gpu_used"]["name"]) == ("cuda:0", "NVIDIA H100 80GB HBM3")
    assert "passed" not in {checks[name]["status"] for name in ("quantized_load", "numeric_error", "lora_step")}
    assert "rigfit select" in ran.problem["fix"][0]
