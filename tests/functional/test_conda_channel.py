"""The real py-rattler against throw-away channels: over http and over file://, whose failings differ."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.stand_ins.channel import MINOR, Package, make_pip, make_python
from tests.stand_ins.disks import make_read_only, small_disk
from tests.stand_ins.plans import bare_environ, make_plan
from tests.stand_ins.web import Site, cancelled_when_hanging, serve

from rigfit.core.cancel import Cancel
from rigfit.core.event import Log, Progress
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.template import Artifact
from rigfit.provision.conda import CondaBase, is_cached

PYTHON, PIP = make_python(), make_pip()
OTHER_PYTHON = make_python("another build under the same name")
Put = Callable[[Package], str]


class Rig:
    """A home, a cache, and packages to install."""

    def __init__(self, folder: Path, *packages: Artifact, home: str = "home", **variables: str) -> None:
        self.plan = make_plan(folder / home, conda=packages)
        self.environ = bare_environ(folder, **variables)
        self.prefix = Path(self.plan.target.prefix)

    def install(self, cancel: Cancel | None = None) -> list[Progress | Log]:
        return list(CondaBase(self.environ).install(self.plan, cancel or Cancel()))

    def refusal(self) -> Problem:
        with pytest.raises(ProblemError) as caught:
            self.install()
        if caught.value.problem.code != "disk_full":  # links made before the disk was full stay, under the mark
            assert not (self.prefix / "bin" / "python").exists()
        return caught.value.problem

    def library(self) -> str:
        return (self.prefix / "lib" / f"python{MINOR}" / "big.txt").read_text()


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as site:
        yield site


@pytest.fixture(params=["http", "file"])
def put(request: pytest.FixtureRequest, site: Site, tmp_path: Path) -> Put:
    """Puts a package on a channel of either kind."""
    return lambda package: package.put_on(site) if request.param == "http" else package.put_in(tmp_path / "channel")


def test_an_interpreter_and_a_noarch_package_with_an_entry_point_work(put: Put, tmp_path: Path) -> None:
    rig = Rig(tmp_path, PYTHON.locked(put(PYTHON)), PIP.locked(put(PIP)))
    events = rig.install()
    answer = subprocess.run(
        [rig.prefix / "bin" / "pip"], capture_output=True, text=True, check=False, env=_path_of(rig)
    )
    assert answer.stdout == "pip of the stand-in\n", answer.stderr
    assert sorted(file.name for file in (rig.prefix / "conda-meta").glob("*.json")) == [
        "pip-99.0-pyhd_0.json",
        f"python-{MINOR}.0-h0_0_cpython.json",
    ]
    last = events[-1]
    assert isinstance(last, Progress)
    assert last.done == last.total == len(PYTHON.content) + len(PIP.content)


def _path_of(rig: Rig) -> dict[str, str]:
    """The shim is no real interpreter of its prefix, so it is told where its packages are."""
    return {"PYTHONPATH": str(rig.prefix / "lib" / f"python{MINOR}" / "site-packages")}


def test_another_file_than_the_locked_one_is_refused_with_both_hashes(put: Put, tmp_path: Path) -> None:
    rig = Rig(tmp_path, PYTHON.locked(put(OTHER_PYTHON)))
    problem = rig.refusal()
    assert problem.code == "hash_mismatch"
    assert f"needs sha256 {PYTHON.sha256}, found {OTHER_PYTHON.sha256}" in problem.what
    assert PYTHON.filename in problem.what


def test_a_refused_file_is_refused_again_though_the_cache_holds_another_of_its_name(put: Put, tmp_path: Path) -> None:
    Rig(tmp_path, OTHER_PYTHON.locked(put(OTHER_PYTHON))).install()
    for home in ("second", "third"):
        rig = Rig(tmp_path, OTHER_PYTHON.locked(put(OTHER_PYTHON), sha256="1" * 64), home=home)
        assert rig.refusal().code == "hash_mismatch"
    right = Rig(tmp_path, OTHER_PYTHON.locked(put(OTHER_PYTHON)), home="fourth")
    right.install()
    assert right.library().startswith("another build")


def test_a_record_without_a_hash_is_refused(put: Put, tmp_path: Path) -> None:
    problem = Rig(tmp_path, PYTHON.locked(put(PYTHON), sha256="")).refusal()
    assert problem.code == "lock_invalid"
    assert PYTHON.filename in problem.what


def test_a_cached_package_needs_no_channel(tmp_path: Path, site: Site) -> None:
    locked = PYTHON.locked(PYTHON.put_on(site))
    first = Rig(tmp_path, locked)
    assert not is_cached((locked,), first.environ)
    first.install()
    assert is_cached((locked,), first.environ)
    assert not is_cached((PYTHON.locked(site.url, sha256="1" * 64),), first.environ)
    site.replies.clear()
    second = Rig(tmp_path, locked, home="another")
    second.install()
    assert second.library() == first.library()


@pytest.mark.parametrize("damage", ["changed", "short", "gone"])
def test_a_damaged_cache_is_mended_from_the_channel(damage: str, tmp_path: Path, site: Site) -> None:
    locked = PYTHON.locked(PYTHON.put_on(site))
    first = Rig(tmp_path, locked)
    first.install()
    right = first.library()
    (cached,) = (tmp_path / "rattler-cache").rglob("big.txt")
    cached.unlink()
    if damage != "gone":
        cached.write_text(right.upper() if damage == "changed" else right[:10])
    second = Rig(tmp_path, locked, home="another")
    second.install()
    assert second.library() == right


def test_bytes_are_counted_as_they_arrive(tmp_path: Path, site: Site) -> None:
    locked = PYTHON.locked(PYTHON.put_on(site))
    site.replies[f"/forge/{PYTHON.place}"].hangs = True
    arriving = CondaBase(bare_environ(tmp_path)).install(Rig(tmp_path, locked).plan, Cancel())
    heard = next(arriving)
    assert isinstance(heard, Progress)
    assert 0 < heard.done < len(PYTHON.content)
    assert (heard.item, heard.total) == ("python", len(PYTHON.content))
    arriving.close()  # type: ignore[attr-defined]


def test_a_flipped_byte_is_refused(tmp_path: Path, site: Site) -> None:
    rig = Rig(tmp_path, PYTHON.locked(PYTHON.put_on(site)))
    middle = len(PYTHON.content) // 2
    flipped = PYTHON.content[:middle] + bytes([PYTHON.content[middle] ^ 1]) + PYTHON.content[middle + 1 :]
    site.replies[f"/forge/{PYTHON.place}"].body = flipped
    problem = rig.refusal()
    assert problem.code == "hash_mismatch", problem.detail
    assert PYTHON.filename in problem.what


def test_a_download_that_breaks_off_is_told_from_a_wrong_file(tmp_path: Path, site: Site) -> None:
    rig = Rig(tmp_path, PYTHON.locked(PYTHON.put_on(site)))
    site.replies[f"/forge/{PYTHON.place}"].cut = 20
    problem = rig.refusal()
    assert problem.code == "network_unreachable"
    assert "broke off" in problem.what


def test_a_package_that_the_channel_lost_is_named(put: Put, tmp_path: Path, site: Site) -> None:
    channel = put(PYTHON)
    site.replies.clear()
    for file in (tmp_path / "channel").rglob("*.bz2"):
        file.unlink()
    problem = Rig(tmp_path, PYTHON.locked(channel)).refusal()
    assert problem.code == "artifact_unavailable"
    assert PYTHON.filename in problem.what


def test_a_channel_that_refuses_connections_is_named_without_its_login(tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound and not listening
        taken.bind(("127.0.0.1", 0))
        channel = f"http://someone:secret@127.0.0.1:{taken.getsockname()[1]}/forge"
        problem = Rig(tmp_path, PYTHON.locked(channel)).refusal()
    assert problem.code == "network_unreachable"
    assert "127.0.0.1 cannot be reached: Connection refused" in problem.what
    assert "secret" not in str(problem.to_json())


@pytest.mark.parametrize("full", ["cache", "environment"])
def test_a_full_disk_is_told_with_numbers(full: str, put: Put, tmp_path: Path) -> None:
    incompressible = "".join(chr(33 + (i * i * 7919 + i * 104729) % 90) for i in range(900))
    large = make_python(incompressible)
    locked = large.locked(put(large))
    with small_disk(tmp_path / "small") as small:
        cache = {"RATTLER_CACHE_DIR": str(small / "cache")} if full == "cache" else {}
        problem = Rig(tmp_path, locked, home="small" if full == "environment" else "home", **cache).refusal()
    assert problem.code == "disk_full"
    assert f"{tmp_path}/small" in problem.what
    assert "free" in problem.what


@pytest.mark.parametrize("what", ["cache", "environment"])
def test_a_read_only_place_is_named(what: str, put: Put, tmp_path: Path) -> None:
    locked = PYTHON.locked(put(PYTHON))
    with small_disk(tmp_path / "still") as still:
        make_read_only(still)
        cache = {"RATTLER_CACHE_DIR": str(still / "cache")} if what == "cache" else {}
        problem = Rig(tmp_path, locked, home="still" if what == "environment" else "home", **cache).refusal()
    assert problem.code == "home_not_writable"
    assert f"{tmp_path}/still" in problem.what


def test_a_cancel_ends_a_silent_download(tmp_path: Path, site: Site) -> None:
    rig = Rig(tmp_path, PYTHON.locked(PYTHON.put_on(site)))
    site.replies[f"/forge/{PYTHON.place}"].hangs = True
    started = time.monotonic()
    with cancelled_when_hanging(site) as cancel, pytest.raises(ProblemError) as caught:
        rig.install(cancel)
    assert caught.value.problem.code == "stopped"
    assert time.monotonic() - started < 30


def test_a_child_that_dies_without_a_word_is_a_failure(tmp_path: Path) -> None:
    dies = tmp_path / "dies"
    dies.write_text("#!/bin/sh\nexit 0\n")
    dies.chmod(0o755)
    rig = Rig(tmp_path, PYTHON.locked(PYTHON.put_in(tmp_path / "channel")))
    with pytest.raises(ProblemError) as caught:
        list(CondaBase(rig.environ, python=str(dies)).install(rig.plan, Cancel()))
    assert caught.value.problem.code == "install_failed"
