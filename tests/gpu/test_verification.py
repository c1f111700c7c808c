"""`rigfit verify --python` on a real GPU: that it proves, and that each way in which it cannot has its own failure."""

from __future__ import annotations

import getpass
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.stand_ins.command import RIGFIT, Ran, rigfit

from rigfit.engine.proving import NEEDED

GIB = 1 << 30
MACHINES_NAMESPACE = Path("pid:[4026531836]")  # PROC_PID_INIT_INO in Linux' include/linux/proc_ns.h
Hold = Callable[[int], "subprocess.Popen[str]"]


def verify(python: Path, home: Path, *words: str, environ: dict[str, str] | None = None) -> Ran:
    asked: tuple[str | Path, ...] = ("verify", "--python", python, "--home", home, "--json", *words)
    return rigfit(*asked, environ={**os.environ, **(environ or {})})


def checks(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["id"]: each for each in result["checks"]}


def test_the_newest_stack_is_proven_on_the_gpu(python: Path, tmp_path: Path, gpus: list[dict[str, str]]) -> None:
    ran = verify(python, tmp_path)
    assert ran.code == 0, ran.out + ran.err
    result = ran.result
    assert (result["level"], result["device"], result["passed"]) == ("full", "cuda:0", True)
    assert result["gpu_used"]["uuid"] == gpus[0]["uuid"]
    assert {each["status"] for each in result["checks"]} == {"passed"}
    assert "nf4_load" in checks(result)
    assert checks(result)["library"]["measured"].startswith("libbitsandbytes_cuda")
    assert 0 < result["peak_memory"] < 16 * GIB


def test_every_gpu_is_proven_in_a_process_of_its_own(python: Path, tmp_path: Path, gpus: list[dict[str, str]]) -> None:
    result = verify(python, tmp_path, "--gpu", "all").result
    assert [each["gpu_used"]["uuid"] for each in result["gpus"]] == [gpu["uuid"] for gpu in gpus]
    assert all(each["device"] == "cuda:0" and each["passed"] for each in result["gpus"])


def can_be_named(holder: subprocess.Popen[str]) -> bool:
    """In a container the driver may tell the machine's pids, or none: then nobody is named, as probe/nvml_use.py says."""
    if Path("/proc/self/ns/pid").readlink() == MACHINES_NAMESPACE:
        return True
    asked = ["nvidia-smi", "--query-compute-apps=pid", "--format=csv,noheader"]
    return str(holder.pid) in subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()


def test_a_gpu_that_somebody_fills_is_told_with_who_it_is(python: Path, tmp_path: Path, leaving: Hold) -> None:
    other = leaving(GIB // 2)
    ran = verify(python, tmp_path)
    assert (ran.code, ran.problem["code"]) == (6, "gpu_unavailable")
    assert re.search(r"needs [\d.]+ [MG]iB, found [\d.]+ [MG]iB", ran.problem["what"]), ran.problem["what"]
    if can_be_named(other):
        holder = f"process {other.pid} of {getpass.getuser()} (python"
        assert any(line.startswith(holder) for line in ran.problem["detail"].splitlines()), ran.problem["detail"]
    assert "--gpu" in " ".join(ran.problem["fix"])
    assert other.poll() is None, "it was touched"


@pytest.mark.parametrize("free", [NEEDED + (32 << 20), 3 * GIB // 2])
def test_where_little_memory_is_free_a_smaller_model_proves_and_that_is_said(
    python: Path, tmp_path: Path, leaving: Hold, free: int
) -> None:
    leaving(free)
    ran = verify(python, tmp_path)
    assert ran.code == 0, ran.out + ran.err
    assert any("smaller" in note for note in ran.result["notes"]), ran.result["notes"]


def test_a_gpu_that_is_hidden_is_not_replaced_by_the_cpu(python: Path, tmp_path: Path) -> None:
    ran = verify(python, tmp_path, environ={"CUDA_VISIBLE_DEVICES": ""})
    assert (ran.code, ran.problem["code"]) == (6, "gpu_hidden")
    assert "unset CUDA_VISIBLE_DEVICES" in " ".join(ran.problem["fix"])


@pytest.fixture
def site(python: Path, tmp_path: Path) -> Path:
    """The site-packages of the environment `copy`, which sees the libraries of `python` where it has none of its own."""
    asked = "import json, sys; print(json.dumps([p for p in sys.path if 'site-packages' in p]))"
    folders = json.loads(subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True).stdout)
    subprocess.run([python, "-m", "venv", "--without-pip", tmp_path / "copy"], check=True)
    (own,) = (tmp_path / "copy/lib").glob("python3*/site-packages")
    (own / "theirs.pth").write_text("\n".join(folders) + "\n")
    return own


def folder_of(python: Path, name: str) -> Path:
    asked = f"import importlib.util as u; print(u.find_spec({name!r}).submodule_search_locations[0])"
    return Path(subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True).stdout.strip())


def test_a_bitsandbytes_without_its_library_is_named_with_what_mends_it(
    python: Path, site: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder_of(python, "bitsandbytes"), site / "bitsandbytes")
    for library in site.glob("bitsandbytes/libbitsandbytes_cuda*.so"):
        library.unlink()
    ran = verify(tmp_path / "copy", tmp_path / "home")
    assert (ran.code, ran.problem["code"]) == (6, "verification_failed")
    assert checks(ran.answer["result"])["library"]["code"] == "library_missing"
    assert "bitsandbytes" in " ".join(ran.problem["fix"])


def test_a_torch_that_says_it_is_built_for_the_cpu_does_not_pass_for_a_gpu(
    python: Path, site: Path, tmp_path: Path
) -> None:
    """By links this is torch as it is, but for its own word on what it was built for. tests/functional has a real CPU build."""
    (site / "torch").mkdir()
    for entry in folder_of(python, "torch").iterdir():
        (site / "torch" / entry.name).symlink_to(entry)
    version = site / "torch/version.py"
    text = version.read_text()
    version.unlink()
    version.write_text(f"{text}\n__version__ = __version__.split('+')[0] + '+cpu'\ncuda = None\n")
    ran = verify(tmp_path / "copy", tmp_path / "home")
    assert (ran.code, ran.problem["code"]) == (6, "verification_failed")
    assert checks(ran.answer["result"])["library"]["code"] == "cpu_only_torch"
    assert checks(ran.answer["result"])["quantized_load"]["status"] != "passed"
    assert "rigfit select" in ran.problem["fix"][0]


def test_a_killed_payload_is_told_as_that(python: Path, tmp_path: Path) -> None:
    words = [RIGFIT, "verify", "--python", str(python), "--home", str(tmp_path), "--events"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if json.loads(line).get("id") == "quantized_load":
                break
        for pid in _payloads(child.pid):
            os.kill(pid, signal.SIGKILL)
        last = json.loads(child.stdout.read().splitlines()[-1])
    assert child.returncode == 6
    assert last["problem"]["code"] == "verification_crashed"


def _payloads(pid: int) -> list[int]:
    """The descendants of `pid` that run a payload."""
    found = []
    for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        words = Path(f"/proc/{child}/cmdline").read_text()
        found += [child] if "payloads" in words and "guard.py" not in words else []
        found += _payloads(child)
    return found


def test_stress_fills_the_gpu_and_finds_no_wrong_number(python: Path, tmp_path: Path) -> None:
    ran = verify(python, tmp_path, "--level", "stress", "--minutes", "0.3")
    assert ran.code == 0, ran.out + ran.err
    done = checks(ran.result)
    assert {each["status"] for each in ran.result["checks"]} == {"passed"}
    assert done["stress_steps"]["measured"]["tokens_per_second"] > 0
    assert done["gpu_health"]["measured"]["celsius"][1] > 0


def test_other_software_in_the_callers_environment_changes_nothing(python: Path, tmp_path: Path) -> None:
    loud = {"PYTHONPATH": "/nowhere", "BNB_CUDA_VERSION": "118", "LD_LIBRARY_PATH": "/nowhere"}
    assert verify(python, tmp_path, environ=loud).code == 0
