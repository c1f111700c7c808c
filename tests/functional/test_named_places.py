"""Files and folders that a person names: shut ones, ones that are no folder, and a working folder that is gone."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.stand_ins.command import RIGFIT, Ran, rigfit

# root may read everything, unless it gives that power away
_POWERS = "-dac_override,-dac_read_search"
_AS_ANYBODY = (
    (shutil.which("setpriv") or "setpriv", f"--bounding-set={_POWERS}", f"--inh-caps={_POWERS}")
    if os.geteuid() == 0
    else ()
)
H100 = Path(__file__).parents[1] / "machines" / "h100-580.json"


@pytest.fixture
def shut(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "shut"
    folder.mkdir(mode=0)
    yield folder
    folder.chmod(0o700)


def as_anybody(*words: str | Path, home: Path | None = None) -> Ran:
    """What somebody is told who may not read everything."""
    env = {**os.environ, **({"HOME": str(home)} if home else {})}
    argv = [*_AS_ANYBODY, RIGFIT, *map(str, words)]
    ran = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return Ran(ran.returncode, ran.stdout, ran.stderr)


@pytest.mark.parametrize(
    "words",
    [
        ("doctor", "--python", "{shut}"),
        ("doctor", "--python", "{shut}/bin/python"),
        ("verify", "--level", "imports", "--python", "{shut}"),
        ("verify", "--level", "imports", "--python", "{shut}/bin/python"),
        ("doctor", "--offline", "--root", "{shut}"),
        ("doctor", "--offline", "--root", "{shut}/etc"),
        ("select", "--catalog", "{shut}"),
        ("select", "--catalog", "{shut}/environments"),
        ("fits", "{shut}/config"),
    ],
)
def test_what_may_not_be_opened_is_told_so(shut: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    ran = as_anybody(*(word.format(shut=shut) for word in words), home=tmp_path)
    assert ran.code == 2, ran.err
    assert "may not be opened: Permission denied" in ran.err
    assert f"{shut}" in ran.err
    assert "a bug in rigfit" not in ran.err
    assert "writable" not in ran.err


def test_a_report_is_not_written_where_one_may_not_look(shut: Path, tmp_path: Path) -> None:
    ran = as_anybody("report", "-y", "--offline", "--home", tmp_path / "home", "--output", shut / "a.tar.gz")
    assert ran.code == 2
    assert f"cannot write {shut / 'a.tar.gz'}: Permission denied" in ran.err


def test_the_settings_of_pip_in_a_home_that_is_shut_are_as_if_not_there(shut: Path, tmp_path: Path) -> None:
    words = ("plan", "--machine", H100, "--offline", "--json", "--home", tmp_path / "home")
    ran = as_anybody(*words, home=shut)
    assert ran.answer.get("problem", {}).get("code") != "bug", ran.out


@pytest.mark.parametrize("there", [False, True])
def test_a_root_that_is_no_folder_is_refused(tmp_path: Path, *, there: bool) -> None:
    root = tmp_path / "root"
    if there:
        root.write_text("")
    ran = rigfit("doctor", "--offline", "--json", "--root", root)
    assert ran.code == 2
    assert ran.problem["code"] == "usage"
    assert f"{root} is no folder" in ran.problem["what"]


@pytest.mark.parametrize(
    "words",
    [
        ("doctor", "--python", "env"),
        ("doctor", "--python", "/usr/bin/env"),
        ("doctor", "--offline", "--error", "/etc/hostname", "--python", "/usr/bin/python3"),
        ("verify", "--level", "imports", "--python", "env"),
        ("report", "-y", "--offline"),
    ],
)
def test_a_working_folder_that_is_gone_is_told_so(tmp_path: Path, words: tuple[str, ...]) -> None:
    ran = in_a_folder_that_is_gone(tmp_path, *words)
    assert ran.code == 2, ran.err
    assert "the folder that you are in is gone" in ran.err


def test_what_a_report_would_contain_needs_no_working_folder(tmp_path: Path) -> None:
    ran = in_a_folder_that_is_gone(tmp_path, "report", "--dry-run", "--offline")
    assert ran.code == 0, ran.err
    assert "machine.json" in ran.out


def in_a_folder_that_is_gone(tmp_path: Path, *words: str) -> Ran:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
    argv = ["sh", "-c", script, "sh", str(gone), RIGFIT, *words, "--home", str(tmp_path / "home")]
    ran = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return Ran(ran.returncode, ran.stdout, ran.stderr)


@pytest.mark.parametrize("named", ["-", "b.zip", "sub/"])
def test_a_report_gets_no_name_that_says_something_else(tmp_path: Path, named: str) -> None:
    ran = rigfit("report", "-y", "--offline", "--json", "--home", tmp_path / "home", "--output", named, folder=tmp_path)
    assert ran.code == 2, ran.out
    assert ran.problem["code"] == "usage"
    assert ".tar.gz" in ran.problem["what"]
    assert [*tmp_path.iterdir()] == []


def test_the_certificates_of_this_machine_are_not_looked_for_in_another_root(tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    own.write_text("")
    (tmp_path / "root").mkdir()
    told = rigfit(
        *("doctor", "--offline", "--json", "--root", tmp_path / "root", "--home", tmp_path / "home"),
        environ={**os.environ, "SSL_CERT_FILE": str(own)},
    )
    assert str(own) not in told.out


def test_a_program_that_repeats_what_it_was_asked_is_no_python_and_the_question_is_not_shown() -> None:
    ran = rigfit("doctor", "--python", "/bin/ls")
    assert (ran.code, ran.out) == (2, "")
    assert "a program that is no Python 3" in ran.err
    assert "sys" not in ran.err
