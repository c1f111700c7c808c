"""The real uv against a throw-away index: what is locked gets installed, and nothing else ever."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.stand_ins.disks import make_read_only, small_disk
from tests.stand_ins.plans import bare_environ, make_plan
from tests.stand_ins.web import Site, cancelled_when_hanging, serve
from tests.stand_ins.wheels import file_on_index, make_wheel, put_on_index

from rigfit.core.cancel import Cancel
from rigfit.core.event import Log, Progress, event_to_json
from rigfit.core.plan import Plan
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.template import Artifact
from rigfit.provision.local import LocalBase
from rigfit.provision.wheels import Wheels, installed

ALPHA, BETA = make_wheel("alpha"), make_wheel("beta", "2.0")
OTHER_ALPHA = make_wheel("alpha", text="z")
PLENTY = 3_000_000
Begin = Callable[..., "Rig"]


class Rig:
    """A virtual environment and the surroundings that wheels are installed in."""

    def __init__(self, folder: Path, plan: Plan, environ: dict[str, str]) -> None:
        self.folder, self.plan, self.environ = folder, plan, environ

    def install(self, cancel: Cancel | None = None) -> list[Progress | Log]:
        return list(Wheels(self.environ).install(self.plan, cancel or Cancel()))

    def refusal(self) -> Problem:
        """How the installation fails; nothing that is locked may be there afterwards."""
        with pytest.raises(ProblemError) as caught:
            self.install()
        assert installed(self.plan) == {}
        return caught.value.problem

    def text_of(self, module: str) -> str:
        python = Path(self.plan.target.prefix, "bin", "python")
        command = [str(python), "-I", "-c", f"import {module}; print({module}.__doc__)"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as site:
        yield site


@pytest.fixture
def begin(tmp_path: Path) -> Begin:
    """Makes the virtual environment for a plan."""

    def begun(*locked: Artifact, home: Path = tmp_path / "home", **more: object) -> Rig:
        variables = {name: str(value) for name, value in more.items() if name.isupper()}
        settings = {name: value for name, value in more.items() if not name.isupper()}
        environ = bare_environ(tmp_path, **variables)
        plan = make_plan(home, pip=locked, **settings)  # type: ignore[arg-type]
        list(LocalBase(bare_environ(tmp_path)).install(plan, Cancel()))
        return Rig(tmp_path, plan, environ)

    return begun


def test_locked_wheels_are_installed_and_only_they_are_asked_for(begin: Begin, site: Site) -> None:
    gamma = make_wheel("gamma")
    rig = begin(ALPHA.locked(), BETA.locked(), UV_DEFAULT_INDEX=put_on_index(site, ALPHA, BETA, gamma))
    events = rig.install()
    assert installed(rig.plan) == {"alpha": "1.0", "beta": "2.0"}
    assert {path.split("/")[-2] if path.endswith("/") else path.split("/")[-1] for path in site.asked} == {
        "alpha",
        "beta",
        ALPHA.filename,
        BETA.filename,
    }
    last = events[-1]
    assert isinstance(last, Progress)
    assert last.done <= (last.total or 0) == sum(artifact.unpacked for artifact in rig.plan.target.lock.pip)


def test_bytes_are_counted_while_a_large_wheel_arrives(begin: Begin, site: Site) -> None:
    large = make_wheel("large", size=40_000_000)
    rig = begin(large.locked(), UV_DEFAULT_INDEX=put_on_index(site, large))
    file_on_index(site, large).hangs = True
    arriving = Wheels(rig.environ).install(rig.plan, Cancel())
    heard = next(event for event in arriving if isinstance(event, Progress) and event.done > 1_000_000)
    assert heard.item == "large"
    assert heard.total == rig.plan.target.lock.pip[0].unpacked
    arriving.close()  # type: ignore[attr-defined]


def test_a_flipped_byte_is_refused_and_the_whole_file_installs_the_next_time(begin: Begin, site: Site) -> None:
    rig = begin(ALPHA.locked(), UV_DEFAULT_INDEX=put_on_index(site, ALPHA))
    file_on_index(site, ALPHA).body = ALPHA.flipped()
    problem = rig.refusal()
    assert problem.code == "hash_mismatch"
    assert ALPHA.filename in problem.what
    assert ALPHA.sha256 in problem.what
    file_on_index(site, ALPHA).body = ALPHA.content
    rig.install()
    assert installed(rig.plan) == {"alpha": "1.0"}


def test_another_file_under_the_locked_name_is_refused_with_both_hashes(begin: Begin, site: Site) -> None:
    rig = begin(ALPHA.locked(), UV_DEFAULT_INDEX=put_on_index(site, OTHER_ALPHA))
    problem = rig.refusal()
    assert problem.code == "hash_mismatch"
    assert f"needs sha256 {ALPHA.sha256}, found {OTHER_ALPHA.sha256}" in problem.what
    assert "127.0.0.1" in problem.what


def test_a_wrong_hash_in_the_lock_is_refused(begin: Begin, site: Site) -> None:
    rig = begin(ALPHA.locked(sha256="0" * 64), UV_DEFAULT_INDEX=put_on_index(site, ALPHA))
    problem = rig.refusal()
    assert problem.code == "hash_mismatch"
    assert f"needs sha256 {'0' * 64}, found {ALPHA.sha256}" in problem.what


def test_a_file_in_uvs_cache_with_another_hash_is_not_used(begin: Begin, site: Site) -> None:
    index = put_on_index(site, OTHER_ALPHA)
    earlier = begin(OTHER_ALPHA.locked(), UV_DEFAULT_INDEX=index)
    earlier.install()
    wanted = begin(ALPHA.locked(), home=earlier.folder / "another", UV_DEFAULT_INDEX=index)
    assert wanted.refusal().code == "hash_mismatch"
    file_on_index(site, OTHER_ALPHA).body = ALPHA.content
    wanted.install()
    assert wanted.text_of("alpha") == "a" * 200


def test_a_download_that_breaks_off_is_told_from_a_wrong_file(begin: Begin, site: Site) -> None:
    rig = begin(ALPHA.locked(), UV_DEFAULT_INDEX=put_on_index(site, ALPHA))
    file_on_index(site, ALPHA).cut = 100
    problem = rig.refusal()
    assert problem.code == "network_unreachable"
    assert "broke off" in problem.what
    assert "127.0.0.1" in problem.what


def test_a_file_that_is_short_on_the_server_is_refused(begin: Begin, site: Site) -> None:
    rig = begin(ALPHA.locked(), UV_DEFAULT_INDEX=put_on_index(site, ALPHA))
    file_on_index(site, ALPHA).body = ALPHA.content[:-100]
    problem = rig.refusal()
    assert problem.code == "hash_mismatch"
    assert "damaged" in problem.what


@pytest.mark.parametrize("lack", ["file", "version", "name"])
def test_what_the_index_does_not_have_is_named(lack: str, begin: Begin, site: Site) -> None:
    index = put_on_index(site, *{"file": (ALPHA,), "version": (make_wheel("alpha", "3.0"),), "name": (BETA,)}[lack])
    if lack == "file":
        file_on_index(site, ALPHA).status = 404
    problem = begin(ALPHA.locked(), UV_DEFAULT_INDEX=index).refusal()
    assert problem.code == "artifact_unavailable"
    assert ALPHA.filename in problem.what
    assert "PIP_FIND_LINKS" in problem.fix[0]


def test_an_index_that_refuses_connections_is_named(begin: Begin) -> None:
    with socket.socket() as taken:  # bound and not listening
        taken.bind(("127.0.0.1", 0))
        index = f"http://someone:secret@127.0.0.1:{taken.getsockname()[1]}/simple"
        problem = begin(ALPHA.locked(), UV_DEFAULT_INDEX=index).refusal()
    assert problem.code == "network_unreachable"
    assert "127.0.0.1 cannot be reached: Connection refused" in problem.what
    assert "secret" not in str(problem.to_json())


def test_an_index_without_a_name_in_dns_is_named(begin: Begin) -> None:
    problem = begin(ALPHA.locked(), UV_DEFAULT_INDEX="https://index.invalid/simple").refusal()
    assert problem.code == "network_unreachable"
    assert "index.invalid" in problem.what


@pytest.mark.parametrize("status", [401, 403])
def test_an_index_that_wants_a_login_is_told_from_a_lost_file(status: int, begin: Begin, site: Site) -> None:
    index = put_on_index(site, ALPHA).replace("://", "://someone:secret@")
    file_on_index(site, ALPHA).status = status
    problem = begin(ALPHA.locked(), UV_DEFAULT_INDEX=index).refusal()
    assert problem.code == "network_unreachable"
    assert "login" in problem.what
    assert "secret" not in str(problem.to_json())


def test_a_password_in_an_address_is_neither_logged_nor_on_a_command_line(begin: Begin, site: Site) -> None:
    index = put_on_index(site, ALPHA).replace("://", "://someone:secret@")
    rig = begin(ALPHA.locked(), PIP_INDEX_URL=index)
    file_on_index(site, ALPHA).hangs = True
    seen: list[str] = []

    def look() -> None:
        site.hanging.wait(60)
        seen.extend(_command_lines())
        site.release.set()

    looking = threading.Thread(target=look)
    looking.start()
    events: list[str] = []
    with pytest.raises(ProblemError) as caught:
        events.extend(str(event_to_json(event)) for event in Wheels(rig.environ).install(rig.plan, Cancel()))
    looking.join()
    assert not any("secret" in event for event in events)
    assert any("--require-hashes" in line for line in seen)
    assert not any("secret" in line for line in seen)
    assert "secret" not in str(caught.value.problem.to_json())


def _command_lines() -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(process.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


@pytest.mark.parametrize("full", ["cache", "environment"])
def test_a_full_disk_is_told_with_numbers_and_the_next_run_works(
    full: str, begin: Begin, tmp_path: Path, site: Site
) -> None:
    large = make_wheel("large", size=PLENTY)
    index = put_on_index(site, large)
    with small_disk(tmp_path / "small") as small:
        if full == "cache":
            rig = begin(large.locked(), UV_DEFAULT_INDEX=index, UV_CACHE_DIR=small / "uv")
        else:
            rig = begin(large.locked(), UV_DEFAULT_INDEX=index, home=small)
        with pytest.raises(ProblemError) as caught:
            rig.install()
    problem = caught.value.problem
    assert problem.code == "disk_full"
    assert "2.9 MiB" in problem.what
    assert f"{tmp_path}/small" in problem.what
    again = begin(large.locked(), UV_DEFAULT_INDEX=index, home=tmp_path / "large")
    again.install()
    assert installed(again.plan) == {"large": "1.0"}


@pytest.mark.parametrize("what", ["cache", "environment"])
def test_a_read_only_place_is_named(what: str, begin: Begin, tmp_path: Path, site: Site) -> None:
    index = put_on_index(site, ALPHA)
    with small_disk(tmp_path / "still") as still:
        if what == "cache":
            rig = begin(ALPHA.locked(), UV_DEFAULT_INDEX=index, UV_CACHE_DIR=still / "uv")
        else:
            rig = begin(ALPHA.locked(), UV_DEFAULT_INDEX=index, home=still)
        make_read_only(still)
        problem = rig.refusal()
    assert problem.code == "home_not_writable", problem.detail
    assert f"{tmp_path}/still" in problem.what


@pytest.mark.parametrize("offline", [False, True])
def test_a_file_in_a_folder_replaces_an_address_out_of_reach(offline: bool, begin: Begin, tmp_path: Path) -> None:  # noqa: FBT001
    path = ALPHA.put_in(tmp_path / "a folder, with a comma")
    locked = ALPHA.locked(url=f"https://wheels.invalid/{ALPHA.filename}")
    rig = begin(locked, local_files={ALPHA.sha256: str(path)}, offline=offline, PIP_NO_INDEX="1")
    rig.install()
    assert installed(rig.plan) == {"alpha": "1.0"}


def test_a_file_in_a_folder_that_has_changed_since_the_plan_is_refused(begin: Begin, tmp_path: Path) -> None:
    path = ALPHA.put_in(tmp_path / "folder", ALPHA.flipped())
    locked = ALPHA.locked(url=f"https://wheels.invalid/{ALPHA.filename}")
    rig = begin(locked, local_files={ALPHA.sha256: str(path)}, PIP_NO_INDEX="1")
    assert rig.refusal().code == "hash_mismatch"


def test_a_stray_file_in_a_folder_of_pips_does_not_get_in_the_way(begin: Begin, tmp_path: Path, site: Site) -> None:
    OTHER_ALPHA.put_in(tmp_path / "folder")
    index = put_on_index(site, ALPHA)
    rig = begin(ALPHA.locked(), UV_DEFAULT_INDEX=index, PIP_FIND_LINKS=tmp_path / "folder")
    rig.install()
    assert rig.text_of("alpha") == "a" * 200


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_a_wheel_with_an_address_of_its_own_is_checked_like_any_other(
    scheme: str, begin: Begin, site: Site, tmp_path: Path
) -> None:
    put_on_index(site, ALPHA)
    path = ALPHA.put_in(tmp_path / "folder")
    url = path.as_uri() if scheme == "file" else f"{site.url}/files/simple/{ALPHA.filename}"
    good = begin(ALPHA.locked(url=url), home=tmp_path / "good", PIP_NO_INDEX="1")
    good.install()
    assert installed(good.plan) == {"alpha": "1.0"}
    bad = begin(ALPHA.locked(url=url, sha256="0" * 64), home=tmp_path / "bad", PIP_NO_INDEX="1")
    problem = bad.refusal()
    assert problem.code == "hash_mismatch"
    assert ALPHA.sha256 in problem.what


@pytest.mark.parametrize("stray", [OTHER_ALPHA, make_wheel("alpha", "1.0+cpu")], ids=["same name", "local version"])
@pytest.mark.parametrize("teller", ["UV", "PIP"])
def test_an_extra_index_with_another_build_does_not_get_in_the_way(
    teller: str, stray: Artifact, begin: Begin, site: Site
) -> None:
    extra = put_on_index(site, stray, under="/extra")  # type: ignore[arg-type]
    main = put_on_index(site, ALPHA)
    rig = begin(ALPHA.locked(), **{f"{teller}_INDEX_URL": main, f"{teller}_EXTRA_INDEX_URL": extra})
    rig.install()
    assert rig.text_of("alpha") == "a" * 200


def test_an_extra_index_gives_what_the_main_one_has_in_another_version_only(begin: Begin, site: Site) -> None:
    main = put_on_index(site, make_wheel("alpha", "3.0"))
    extra = put_on_index(site, ALPHA, under="/extra")
    rig = begin(ALPHA.locked(), PIP_INDEX_URL=main, PIP_EXTRA_INDEX_URL=extra)
    rig.install()
    assert installed(rig.plan) == {"alpha": "1.0"}


def test_settings_that_would_bend_the_lock_are_left_out(begin: Begin, site: Site, tmp_path: Path) -> None:
    (tmp_path / "constraints.txt").write_text("alpha==9.0\n")
    rig = begin(
        ALPHA.locked(),
        UV_DEFAULT_INDEX=put_on_index(site, ALPHA),
        UV_CONSTRAINT=tmp_path / "constraints.txt",
        UV_EXCLUDE_NEWER="2001-01-01",
        UV_NO_VERIFY_HASHES="1",
        UV_NO_BINARY="1",
        UV_COMPILE_BYTECODE="1",
        UV_TORCH_BACKEND="cpu",
        UV_SYSTEM_PYTHON="1",
        FORCE_COLOR="1",
    )
    events = rig.install()
    assert installed(rig.plan) == {"alpha": "1.0"}
    assert not list(Path(rig.plan.target.prefix).rglob("alpha/**/*.pyc"))
    assert not any("\x1b" in event.text for event in events if isinstance(event, Log))


def test_hashes_are_required_whatever_uv_is_told(begin: Begin, site: Site) -> None:
    rig = begin(ALPHA.locked(sha256="0" * 64), UV_DEFAULT_INDEX=put_on_index(site, ALPHA), UV_NO_VERIFY_HASHES="1")
    assert rig.refusal().code == "hash_mismatch"


def test_settings_of_a_project_around_the_home_are_not_read(begin: Begin, site: Site, tmp_path: Path) -> None:
    (tmp_path / "uv.toml").write_text('exclude-newer = "2001-01-01"\n')
    rig = begin(ALPHA.locked(), PIP_INDEX_URL=put_on_index(site, ALPHA))
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        rig.install()
    finally:
        os.chdir(here)
    assert installed(rig.plan) == {"alpha": "1.0"}


def test_a_plan_without_network_is_carried_out_of_the_cache(begin: Begin, site: Site, tmp_path: Path) -> None:
    index = put_on_index(site, ALPHA)
    begin(ALPHA.locked(), UV_DEFAULT_INDEX=index).install()
    site.asked.clear()
    rig = begin(ALPHA.locked(), home=tmp_path / "another", UV_DEFAULT_INDEX=index, offline=True)
    rig.install()
    assert installed(rig.plan) == {"alpha": "1.0"}
    assert site.asked == []


def test_a_cancel_ends_a_silent_download(begin: Begin, site: Site) -> None:
    rig = begin(ALPHA.locked(), UV_DEFAULT_INDEX=put_on_index(site, ALPHA))
    file_on_index(site, ALPHA).hangs = True
    started = time.monotonic()
    with cancelled_when_hanging(site) as cancel, pytest.raises(ProblemError) as caught:
        rig.install(cancel)
    assert caught.value.problem.code == "stopped"
    assert time.monotonic() - started < 30
    assert not any(rig.plan.target.prefix in line for line in _command_lines())


def test_what_is_installed_without_being_locked_is_noticed(begin: Begin, site: Site) -> None:
    rig = begin(ALPHA.locked(), UV_DEFAULT_INDEX=put_on_index(site, ALPHA))
    site_packages = next(Path(rig.plan.target.prefix).glob("lib/python3*/site-packages"))
    installing = Wheels(rig.environ).install(rig.plan, Cancel())
    next(event for event in installing if isinstance(event, Progress))
    (site_packages / "intruder-6.6.dist-info").mkdir()
    with pytest.raises(ProblemError) as caught:
        list(installing)
    assert caught.value.problem.code == "install_failed"
    assert "intruder 6.6" in caught.value.problem.what
