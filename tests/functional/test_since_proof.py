"""What the commands say where driver, GPU or glibc are no longer those of the proof, and that a verification ends it.

The files of the kernel module are in a folder: only what the settings call the root is another than a person's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.stand_ins.command import Ran, rigfit
from tests.stand_ins.nvml import StandIn
from tests.stand_ins.plans import bare_environ
from tests.stand_ins.prepared import SPEAKER, gpu_of, having
from tests.stand_ins.receipts import keep_proven, make_making, make_receipt

from rigfit.store.paths import Home
from rigfit.store.receipts import Receipts

NAME = "current-cu128-00000000"
T4, OTHER_GPU = gpu_of("t4-535"), "GPU-11111111-2222-3333-4444-555555555555"
GLIBC = (os.confstr("CS_GNU_LIBC_VERSION") or "").removeprefix("glibc ")
CHANGED = "on driver 550.54.14; now 580.159.04"
ON = """
import sys
from dataclasses import replace
from pathlib import Path
from rigfit.cli import main, options
settings = options.settings
options.settings = lambda args: replace(settings(args), root=Path(sys.argv[1]))
sys.exit(main.main(sys.argv[2:]))
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine of one GPU, whose driver has been updated."""
    (tmp_path / "there").mkdir()
    put_driver(tmp_path / "there", "580.159.04", T4)
    return tmp_path / "there"


def put_driver(root: Path, version: str, gpu: str) -> None:
    module = root / "proc/driver/nvidia"
    (module / "gpus/0000:01:00.0").mkdir(parents=True, exist_ok=True)
    (module / "version").write_text(f"NVRM version: NVIDIA UNIX x86_64 Kernel Module  {version}  Wed Jan 22 2025\n")
    (module / "gpus/0000:01:00.0/information").write_text(f"Model: \t\t Tesla T4\nGPU UUID: \t {gpu}\n")


def keep(home: Path, *, name: str = NAME, driver: str = "550.54.14", glibc: str = GLIBC) -> None:
    """An environment with a receipt, and nothing in it."""
    making = make_making(name, home=home, gpu=None if "-cpu-" in name else T4)
    keep_proven(home, making)
    machine: dict[str, Any] = {
        "platform": {"glibc": glibc},
        "driver": {"version": driver},
        "gpus": [{"uuid": T4, "name": "Tesla T4"}],
    }
    Receipts(Home(home)).keep(replace(make_receipt(making), machine=machine))


def on(root: Path, *words: str, **environ: str) -> Ran:
    """The command on a machine whose /proc is in `root`, its home beside it."""
    said, after = (words[: words.index("--")], words[words.index("--") :]) if "--" in words else (words, ())
    ran = subprocess.run(
        [sys.executable, "-c", ON, str(root), *said, "--home", str(root.parent / "home"), *after],
        env={**bare_environ(root.parent), **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def since_proof(root: Path) -> Any:
    (environment,) = on(root, "list", "--json").result["environments"]
    assert environment["usable"]
    return environment["since_proof"]


def said_by_run(root: Path) -> str:
    ran = on(root, "run", "current", "--", "sh", "-c", "echo here; exit 5")
    assert (ran.code, ran.out) == (5, "here\n")  # the program's own
    return ran.err


def test_list_tells_the_driver_of_the_proof_and_the_one_that_is_here(root: Path) -> None:
    keep(root.parent / "home")
    listed = on(root, "list")
    row, *below = listed.out.splitlines()[1:]
    assert row.split()[:2] == [NAME, "proven"]
    assert " ".join(" ".join(below).split()) == f"! {CHANGED}"
    assert listed.err == f"to prove {NAME} again: `rigfit verify {NAME}`\n"
    assert since_proof(root) == [{"what": "driver", "then": "550.54.14", "now": "580.159.04"}]
    assert on(root, "list", "--quiet").err + on(root, "list", "--json").err == ""


def test_run_and_shell_hook_say_so_in_one_line_and_go_on(root: Path) -> None:
    keep(root.parent / "home")
    note = f"note: {NAME} was proven {CHANGED}. `rigfit verify {NAME}` proves it again\n"
    assert said_by_run(root) == note
    hook = on(root, "shell-hook", "current", "--shell", "sh")
    assert hook.err == note
    activated = subprocess.run(["sh", "-c", f"{hook.out}echo $RIGFIT_ENVIRONMENT"], capture_output=True, check=True)
    assert activated.stdout.decode().strip() == NAME


def test_on_the_machine_of_the_proof_nothing_is_said(root: Path) -> None:
    keep(root.parent / "home", driver="580.159.04")
    assert since_proof(root) == []
    assert said_by_run(root) == on(root, "list").err == ""
    assert "!" not in on(root, "list").out


def test_where_the_driver_cannot_be_read_as_on_wsl2_nothing_is_said(tmp_path: Path) -> None:
    keep(tmp_path / "home")
    (tmp_path / "wsl/dev").mkdir(parents=True)
    (tmp_path / "wsl/dev/dxg").touch()
    assert since_proof(tmp_path / "wsl") is None
    assert said_by_run(tmp_path / "wsl") == on(tmp_path / "wsl", "list").err == ""


def test_a_gpu_that_is_gone_is_named_and_setup_proves_it_on_another(root: Path) -> None:
    keep(root.parent / "home", driver="580.159.04")
    put_driver(root, "580.159.04", OTHER_GPU)
    assert since_proof(root) == [{"what": "gpu", "then": T4, "now": None}]
    said = said_by_run(root)
    assert "on Tesla T4 (GPU-00000000), which is not in this machine now. `rigfit setup current` proves it" in said


def test_an_environment_of_the_cpu_has_no_driver_to_care_for(root: Path) -> None:
    keep(root.parent / "home", name="current-cpu-00000000")
    assert since_proof(root) == []
    assert said_by_run(root) == ""


def test_another_glibc_is_told_of_the_cpu_too_and_on_the_very_machine_that_this_is(tmp_path: Path) -> None:
    keep(tmp_path, name="current-cpu-00000000", glibc="2.5")
    ran = rigfit("run", "current", "--home", tmp_path, "--", "true")
    assert (ran.code, ran.out) == (0, "")
    assert f"was proven on glibc 2.5; now {GLIBC}." in ran.err


def test_a_verification_renews_the_proof_and_nothing_is_said_any_more(root: Path, standin: StandIn) -> None:
    keep(root.parent / "home")
    put_driver(root, "535.183.01", T4)
    oblige(root.parent / "home" / "envs" / NAME / "bin")
    assert [change["then"] for change in since_proof(root)] == ["550.54.14"]
    machine = having(standin, "t4-535")
    verified = on(root, "verify", **machine)
    assert verified.code == 0, verified.out + verified.err
    assert since_proof(root) == []
    assert said_by_run(root) == on(root, "list").err == ""


def oblige(folder: Path) -> None:
    """From now on its Python says that every check passes."""
    (folder / "speaker.py").write_text(f"FAILING = ''\n{SPEAKER}")
    (folder / "python").unlink()
    (folder / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{folder}/speaker.py"\n')
    (folder / "python").chmod(0o755)
