"""An environment is whole or marked, has one owner, and is gone in one step."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
from tests.stand_ins.disks import make_read_only, small_disk

from rigfit.core.problem import ProblemError
from rigfit.provision.prefix import MARK, Prefix, environments_in

HOLD = """
import sys
from pathlib import Path
from rigfit.provision.prefix import Prefix
with Prefix(home=Path(sys.argv[1]), name="e").locked():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def prefix(tmp_path: Path) -> Prefix:
    return Prefix(home=tmp_path / "home", name="e")


def test_a_begun_environment_is_empty_but_for_the_mark(prefix: Prefix) -> None:
    prefix.begin()
    assert [file.name for file in prefix.path.iterdir()] == [MARK]
    assert not prefix.is_whole()


def test_an_environment_is_whole_once_finished(prefix: Prefix) -> None:
    assert not prefix.is_whole()
    prefix.begin()
    prefix.finish()
    assert prefix.is_whole()


def test_beginning_again_empties_what_was_there(prefix: Prefix) -> None:
    prefix.begin()
    (prefix.path / "lib").mkdir()
    (prefix.path / "lib" / "half").write_text("x")
    prefix.begin()
    assert [file.name for file in prefix.path.iterdir()] == [MARK]
    assert [file.name for file in prefix.path.parent.iterdir()] == ["e"]


def test_a_link_in_place_of_an_environment_is_replaced_and_not_followed(prefix: Prefix, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    prefix.path.parent.mkdir(parents=True)
    prefix.path.symlink_to(precious)
    assert not prefix.is_whole()
    prefix.begin()
    assert not prefix.path.is_symlink()
    prefix.path.joinpath("link").symlink_to(precious)
    prefix.remove()
    assert (precious / "file").read_text() == "x"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a", ".trash-x", "../e"])
def test_a_name_that_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not the name of an environment"):
        Prefix(home=tmp_path, name=name)


def test_removal_leaves_nothing_and_sweeps_what_killed_ones_left(prefix: Prefix) -> None:
    prefix.begin()
    left = prefix.path.parent / ".trash-abc" / "other"
    left.mkdir(parents=True)
    (prefix.path.parent / ".new-e").mkdir()
    prefix.remove()
    assert list(prefix.path.parent.iterdir()) == []


def test_removing_what_is_not_there_is_no_error(prefix: Prefix) -> None:
    prefix.path.parent.mkdir(parents=True)
    prefix.remove()


def test_environments_are_listed_without_leftovers(tmp_path: Path) -> None:
    assert environments_in(tmp_path) == ()
    for name in ("b", "a"):
        Prefix(home=tmp_path, name=name).begin()
    (tmp_path / "envs" / ".trash-1").mkdir()
    (tmp_path / "envs" / "a file").write_text("")
    assert environments_in(tmp_path) == ("a", "b")


def test_a_second_owner_is_refused_with_the_pid_of_the_first_and_let_in_after_its_death(prefix: Prefix) -> None:
    command = [sys.executable, "-c", HOLD, str(prefix.home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ProblemError) as caught, prefix.locked():
            pass
        holder.kill()
    assert caught.value.problem.code == "busy"
    assert str(holder.pid) in caught.value.problem.what
    with prefix.locked():
        prefix.begin()


def test_the_lock_is_lifted_when_its_owner_fails(prefix: Prefix) -> None:
    with pytest.raises(KeyError), prefix.locked():
        raise KeyError
    with prefix.locked():
        pass


def test_the_lock_survives_the_removal_of_the_environment(prefix: Prefix) -> None:
    with prefix.locked():
        prefix.begin()
        prefix.remove()
        with pytest.raises(ProblemError) as caught, prefix.locked():
            pass
    assert caught.value.problem.code == "busy"


def test_a_read_only_home_is_named(tmp_path: Path) -> None:
    with small_disk(tmp_path / "still") as still:
        whole = Prefix(home=still, name="e")
        whole.begin()
        make_read_only(still)
        for refused in (whole.begin, whole.finish, whole.remove, whole.locked().__enter__):
            with pytest.raises(ProblemError) as caught:
                refused()
            assert caught.value.problem.code == "home_not_writable"
            assert str(still) in caught.value.problem.what
            assert "--home" in caught.value.problem.fix[1]


def test_a_full_home_is_told_apart(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "16k") as small:
        with contextlib.suppress(OSError), (small / "filler").open("wb", buffering=0) as filler:
            while filler.write(b"x" * 4096):
                pass
        with pytest.raises(ProblemError) as caught, Prefix(home=small, name="e").locked():
            pass
    assert caught.value.problem.code == "disk_full"
