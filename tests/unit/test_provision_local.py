"""An interpreter of this machine is taken only if it says itself that it will do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.stand_ins.channel import INTERPRETER, MINOR

from rigfit.provision.local import find

MAJOR, _, POINT = MINOR.partition(".")


def _program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def _real(path: Path) -> Path:
    """Says that it is the interpreter that runs the tests."""
    return _program(path, f'exec {INTERPRETER} "$@"')


def _says(path: Path, **other: object) -> Path:
    """A liar: says what the real one says, but for `other`."""
    import json
    import platform

    truth = {
        "python": str(path),
        "implementation": "cpython",
        "version": f"{MINOR}.99",
        "arch": platform.machine(),
        "bits": 64,
        "abi": "",
        "lacks": [],
    }
    return _program(path, f"echo '{json.dumps(truth | other)}'")


def _environ(tmp_path: Path, *folders: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(tmp_path / "user"), "PATH": os.pathsep.join([*map(str, folders), "/nonexistent"]), **more}


def test_nothing_at_all_is_none(tmp_path: Path) -> None:
    assert find(MINOR, _environ(tmp_path)) is None


def test_the_interpreter_on_path_is_found_with_its_whole_version(tmp_path: Path) -> None:
    _real(tmp_path / "bin" / f"python{MINOR}")
    found = find(MINOR, _environ(tmp_path, tmp_path / "bin"))
    assert found is not None
    assert (found.kind, found.version) == ("local", ".".join(map(str, sys.version_info[:3])))
    assert os.access(found.python, os.X_OK)


def test_a_plain_python3_will_do(tmp_path: Path) -> None:
    _real(tmp_path / "bin" / "python3")
    assert find(MINOR, _environ(tmp_path, tmp_path / "bin"))


def test_a_virtual_environment_on_path_leads_to_the_interpreter_behind_it(tmp_path: Path) -> None:
    subprocess.run([INTERPRETER, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    found = find(MINOR, _environ(tmp_path, tmp_path / "venv" / "bin"))
    assert found is not None
    assert str(tmp_path) not in found.python


@pytest.mark.parametrize(
    "other",
    [
        {"implementation": "pypy"},
        {"version": f"{MAJOR}.{int(POINT) + 1}.0"},
        {"version": f"{MINOR}0.1"},
        {"arch": "m68k"},
        {"bits": 32},
        {"abi": "t"},
        {"lacks": ["_lzma"]},
        {"python": "/nonexistent/python"},
    ],
    ids=str,
)
def test_an_interpreter_that_cannot_carry_the_libraries_is_passed_over(
    other: dict[str, object], tmp_path: Path
) -> None:
    _says(tmp_path / "first" / f"python{MINOR}", **other)
    good = _says(tmp_path / "second" / f"python{MINOR}")
    found = find(MINOR, _environ(tmp_path, tmp_path / "first", tmp_path / "second"))
    assert found is not None
    assert found.python == str(good)


@pytest.mark.parametrize("text", ["exit 1", "echo nonsense", "echo '[]'", "echo '{}'", "kill -9 $$"])
def test_a_program_that_answers_otherwise_is_passed_over(text: str, tmp_path: Path) -> None:
    _program(tmp_path / "first" / f"python{MINOR}", text)
    good = _says(tmp_path / "second" / f"python{MINOR}")
    found = find(MINOR, _environ(tmp_path, tmp_path / "first", tmp_path / "second"))
    assert found is not None
    assert found.python == str(good)


def test_a_program_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rigfit.provision.local.LIMIT", 0.3)
    _program(tmp_path / "first" / f"python{MINOR}", "exec sleep 600")
    _says(tmp_path / "second" / f"python{MINOR}")
    started = time.monotonic()
    assert find(MINOR, _environ(tmp_path, tmp_path / "first", tmp_path / "second"))
    assert time.monotonic() - started < 30


def test_the_newest_patch_level_of_pyenv_is_taken_and_a_refusing_shim_is_not(tmp_path: Path) -> None:
    shims, root = tmp_path / "pyenv" / "shims", tmp_path / "pyenv"
    _program(shims / f"python{MINOR}", "echo 'pyenv: command not found' >&2; exit 127")
    _says(root / "versions" / f"{MINOR}.9" / "bin" / f"python{MINOR}", version=f"{MINOR}.9")
    _says(root / "versions" / f"{MINOR}.12" / "bin" / f"python{MINOR}", version=f"{MINOR}.12")
    found = find(MINOR, _environ(tmp_path, shims, PYENV_ROOT=str(root)))
    assert found is not None
    assert found.version == f"{MINOR}.12"


def test_an_interpreter_that_uv_has_installed_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "user" / ".local" / "share" / "uv" / "python" / f"cpython-{MINOR}.7-linux-x86_64-gnu"
    good = _says(folder / "bin" / f"python{MINOR}")
    found = find(MINOR, _environ(tmp_path))
    assert found is not None
    assert found.python == str(good)


def test_one_interpreter_under_many_names_is_asked_once(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    _program(tmp_path / "bin" / "python3", f"echo once >> {asked}; exit 1")
    (tmp_path / "bin" / f"python{MINOR}").symlink_to("python3")
    (tmp_path / "sbin").symlink_to("bin")
    assert find(MINOR, _environ(tmp_path, tmp_path / "bin", tmp_path / "sbin")) is None
    assert asked.read_text() == "once\n"
