"""Which Python install.sh takes, and what it does with a poor one, a managed one, or none."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from tests.installer.bare_machine import BareMachine, Index, base_python, make_machine

DEBIAN_PYTHON = Path("/usr/bin/python3")


def test_a_shim_that_fails_is_passed_over_for_a_python_that_runs(machine: BareMachine, index: Index) -> None:
    machine.tools.joinpath("python3").rename(machine.tools / "python3.12")
    machine.add_program("python3", "echo 'shim: command not found' >&2; exit 127")

    assert machine.install("--no-setup").returncode == 0


def change_outer_python(machine: BareMachine, folder: Path, statement: str) -> None:
    """The Python on the PATH starts with this statement; the environments that are made from it do not."""
    folder.mkdir()
    folder.joinpath("sitecustomize.py").write_text(f"import sys\n{statement}\n")
    machine.add_program("python3", f'PYTHONPATH="{folder}" exec {base_python()} "$@"')


def test_without_a_new_enough_python_it_says_what_is_needed_and_what_was_found(
    machine: BareMachine, tmp_path: Path
) -> None:
    change_outer_python(machine, tmp_path / "old", "sys.version_info = (3, 9, 18)")

    done = machine.install("--yes")

    assert done.returncode == 5
    assert "needed  CPython >= 3.10" in done.stderr
    assert "found   3.9.18 (too old) at /" in done.stderr
    assert not machine.data.exists()


def test_a_python_without_venv_or_pip_is_answered_with_the_package_to_install(
    machine: BareMachine, tmp_path: Path
) -> None:
    change_outer_python(machine, tmp_path / "poor", "sys.modules.update(pip=None, ensurepip=None)")

    done = machine.install("--yes")

    assert done.returncode == 5
    assert "(without venv or pip)" in done.stderr
    assert "apt-get install python3 python3-venv" in done.stderr


def test_without_pip_the_one_that_python_brings_is_used(machine: BareMachine, tmp_path: Path) -> None:
    change_outer_python(machine, tmp_path / "poor", "sys.modules.update(pip=None)")

    done = machine.install("--no-setup")

    assert done.returncode == 0, done.stderr
    assert "-m ensurepip" in machine.data.joinpath("install.log").read_text()


def managed_packages() -> list[Path]:
    """Where Debian keeps what its Python imports."""
    folders = [*Path("/usr/lib/python3").glob("dist-packages"), *Path("/usr/local/lib").glob("python3*/dist-packages")]
    return sorted(path for folder in folders for path in folder.iterdir())


@pytest.mark.skipif(
    not list(Path("/usr/lib").glob("python3*/EXTERNALLY-MANAGED")) or not DEBIAN_PYTHON.exists(),
    reason="no externally managed Python on this machine",
)
def test_an_externally_managed_python_is_used_and_never_written_to(machine: BareMachine) -> None:
    machine.add_program("python3", f'exec {DEBIAN_PYTHON} "$@"')
    before = managed_packages()

    done = machine.install("--no-setup")

    assert done.returncode == 0, done.stderr
    assert str(DEBIAN_PYTHON) in done.stderr
    assert machine.rigfit("--version") == "rigfit 0.1.0"
    assert managed_packages() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="not root: every other test here already runs as a user")
@pytest.mark.skipif(
    not DEBIAN_PYTHON.exists() or not shutil.which("setpriv"), reason="needs /usr/bin/python3 and setpriv"
)
def test_a_user_without_rights_installs_into_the_home_that_is_theirs(index: Index) -> None:
    with tempfile.TemporaryDirectory() as folder:
        machine = make_machine(Path(folder) / "a machine", index.url)
        machine.add_program("python3", f'exec {DEBIAN_PYTHON} "$@"')
        Path(folder).chmod(0o755)
        for path in (machine.home, machine.folder):
            shutil.chown(path, "nobody", "nogroup")
        machine.prefix = (shutil.which("setpriv") or "", "--reuid=nobody", "--regid=nogroup", "--clear-groups")

        done = machine.install("--no-setup")

        assert done.returncode == 0, done.stderr
        assert machine.rigfit("--version") == "rigfit 0.1.0"
        assert machine.data.joinpath("app").stat().st_uid != 0
