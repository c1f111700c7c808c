"""Before anything is changed it is known what can be had, from where, and what cannot."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.stand_ins.channel import MINOR, make_python
from tests.stand_ins.disks import make_read_only, small_disk
from tests.stand_ins.plans import bare_environ, make_plan, make_target
from tests.stand_ins.web import Reply, Site, serve
from tests.stand_ins.wheels import Wheel, make_wheel, put_on_index

from rigfit.core.cancel import Cancel
from rigfit.core.plan import Base, Survey, Target
from rigfit.core.problem import Problem
from rigfit.provision.conda import CondaBase
from rigfit.provision.local import LocalBase
from rigfit.provision.prefix import Prefix
from rigfit.provision.reach import silence_of
from rigfit.provision.survey import survey
from rigfit.provision.wheels import Wheels

ALPHA, BETA, PYTHON = make_wheel("alpha"), make_wheel("beta"), make_python()
NO_CHANNEL = PYTHON.locked("https://channel.invalid/forge")
NO_WHEEL = f"https://wheels.invalid/{ALPHA.filename}"


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as site:
        yield site


def _survey(target: Target, environ: dict[str, str], **more: object) -> Survey:
    wishes = {"base": None, "offline": False} | more
    return survey(target, home=Path(target.prefix).parents[1], environ=environ, **wishes)  # type: ignore[arg-type]


def _base(found: Survey) -> Base:
    assert isinstance(found.base, Base), found.base
    return found.base


def _no_base(found: Survey) -> Problem:
    assert isinstance(found.base, Problem)
    return found.base


def _fill_uv_cache(tmp_path: Path, environ: dict[str, str], *wheels: Wheel) -> None:
    plan = make_plan(tmp_path / "filler", pip=[wheel.locked() for wheel in wheels])
    list(LocalBase(environ).install(plan, Cancel()))
    list(Wheels(environ).install(plan, Cancel()))


def test_the_channel_is_the_base_where_it_answers(tmp_path: Path, site: Site) -> None:
    target = make_target(tmp_path, conda=[PYTHON.locked(PYTHON.put_on(site))])
    base = _base(_survey(target, bare_environ(tmp_path)))
    assert (base.kind, base.version) == ("conda", PYTHON.version)


def test_an_interpreter_here_is_the_base_where_the_channel_does_not_answer_and_why_is_said(tmp_path: Path) -> None:
    base = _base(_survey(make_target(tmp_path, conda=[NO_CHANNEL]), bare_environ(tmp_path)))
    assert base.kind == "local"
    assert base.version.startswith(MINOR)
    assert "the conda channel at channel.invalid cannot be reached" in base.why


def test_a_channel_that_lost_the_interpreter_does_not_count(tmp_path: Path, site: Site) -> None:
    base = _base(_survey(make_target(tmp_path, conda=[PYTHON.locked(f"{site.url}/forge")]), bare_environ(tmp_path)))
    assert base.kind == "local"
    assert "404" in base.why


def test_a_cached_channel_is_not_asked(tmp_path: Path, site: Site) -> None:
    locked = PYTHON.locked(PYTHON.put_on(site))
    environ = bare_environ(tmp_path)
    list(CondaBase(environ).install(make_plan(tmp_path / "filler", conda=[locked]), Cancel()))
    site.asked.clear()
    found = _survey(make_target(tmp_path, conda=[locked]), environ, offline=True)
    assert _base(found).kind == "conda"
    assert found.base_cached
    assert site.asked == []


def test_conda_alone_is_refused_where_only_a_local_interpreter_is_to_be_had(tmp_path: Path) -> None:
    problem = _no_base(_survey(make_target(tmp_path, conda=[NO_CHANNEL]), bare_environ(tmp_path), base="conda"))
    assert problem.code == "base_unavailable"
    assert f"Python {MINOR} from conda-forge" in problem.what
    assert "channel.invalid" in problem.what
    assert any("would serve" in fix for fix in problem.fix)


def test_local_alone_asks_no_channel(tmp_path: Path, site: Site) -> None:
    target = make_target(tmp_path, conda=[PYTHON.locked(PYTHON.put_on(site))])
    assert _base(_survey(target, bare_environ(tmp_path), base="local")).kind == "local"
    assert site.asked == []


@pytest.mark.parametrize("wanted", [None, "conda", "local"])
def test_no_base_at_all_says_what_to_install(wanted: str | None, tmp_path: Path) -> None:
    environ = bare_environ(tmp_path, PATH=str(tmp_path))
    problem = _no_base(_survey(make_target(tmp_path, conda=[NO_CHANNEL]), environ, base=wanted))
    assert problem.code == "base_unavailable"
    assert wanted == "conda" or f"install CPython {MINOR}" in problem.fix[0]


def test_wheels_in_uvs_cache_need_no_network(tmp_path: Path, site: Site) -> None:
    environ = bare_environ(tmp_path, UV_DEFAULT_INDEX=put_on_index(site, ALPHA, BETA))
    _fill_uv_cache(tmp_path, environ, ALPHA, BETA)
    site.asked.clear()
    found = _survey(make_target(tmp_path, pip=[ALPHA.locked(), BETA.locked()]), environ)
    assert (found.offline, found.missing, site.asked) == (True, (), [])


def test_one_wheel_that_is_not_in_the_cache_needs_the_index(tmp_path: Path, site: Site) -> None:
    environ = bare_environ(tmp_path, UV_DEFAULT_INDEX=put_on_index(site, ALPHA, BETA))
    _fill_uv_cache(tmp_path, environ, ALPHA)
    site.asked.clear()
    found = _survey(make_target(tmp_path, pip=[ALPHA.locked(), BETA.locked()]), environ)
    assert (found.offline, found.missing) == (False, ())
    assert site.asked == ["GET /simple/alpha/"]


def test_a_cached_wheel_with_another_hash_does_not_count(tmp_path: Path, site: Site) -> None:
    environ = bare_environ(tmp_path, UV_DEFAULT_INDEX=put_on_index(site, ALPHA))
    _fill_uv_cache(tmp_path, environ, ALPHA)
    found = _survey(make_target(tmp_path, pip=[ALPHA.locked(sha256="0" * 64)]), environ, offline=True)
    assert not found.offline
    assert [problem.code for problem in found.missing] == ["artifact_unavailable"]


def test_an_index_out_of_reach_is_a_problem_that_names_it_without_its_login(tmp_path: Path) -> None:
    environ = bare_environ(tmp_path, UV_DEFAULT_INDEX="https://someone:secret@index.invalid/simple")
    (problem,) = _survey(make_target(tmp_path, pip=[ALPHA.locked()]), environ).missing
    assert problem.code == "network_unreachable"
    assert "index.invalid" in problem.what
    assert "secret" not in str(problem.to_json())


@pytest.mark.parametrize("way", ["argument", "variable"])
def test_offline_names_what_caches_and_folders_lack_and_asks_nobody(way: str, tmp_path: Path, site: Site) -> None:
    more = {"UV_OFFLINE": "1"} if way == "variable" else {}
    environ = bare_environ(tmp_path, UV_DEFAULT_INDEX=put_on_index(site, ALPHA, BETA), **more)
    BETA.put_in(tmp_path / "folder")
    environ["PIP_FIND_LINKS"] = str(tmp_path / "folder")
    target = make_target(tmp_path, pip=[ALPHA.locked(), BETA.locked()])
    (problem,) = _survey(target, environ, offline=way == "argument").missing
    assert problem.code == "artifact_unavailable"
    assert problem.what.startswith("1 of 2 wheels")
    assert ALPHA.filename in problem.what
    assert site.asked == []


def test_a_wheel_in_a_folder_of_pips_is_found_by_name_and_hash(tmp_path: Path) -> None:
    path = ALPHA.put_in(tmp_path / "folder")
    environ = bare_environ(tmp_path, PIP_FIND_LINKS=str(tmp_path / "folder"), PIP_NO_INDEX="1")
    found = _survey(make_target(tmp_path, pip=[ALPHA.locked(url=NO_WHEEL)]), environ)
    assert found.local_files == {ALPHA.sha256: str(path)}
    assert found.missing == ()


def test_a_file_of_that_name_with_other_content_is_not_taken_for_it(tmp_path: Path) -> None:
    ALPHA.put_in(tmp_path / "folder", ALPHA.flipped())
    environ = bare_environ(tmp_path, PIP_FIND_LINKS=str(tmp_path / "folder"), PIP_NO_INDEX="1")
    found = _survey(make_target(tmp_path, pip=[ALPHA.locked(url=NO_WHEEL)]), environ)
    assert found.local_files == {}
    (problem,) = found.missing
    assert problem.code == "artifact_unavailable"
    assert ALPHA.filename in problem.what
    assert "wheels.invalid" in problem.what
    assert "PIP_FIND_LINKS" in problem.fix[0]


def test_a_wheel_with_an_address_that_answers_is_not_missing(tmp_path: Path, site: Site) -> None:
    site.replies["/a.whl"] = Reply(ALPHA.content)
    target = make_target(tmp_path, pip=[ALPHA.locked(url=f"{site.url}/a.whl")])
    assert _survey(target, bare_environ(tmp_path, PIP_NO_INDEX="1")).missing == ()
    assert site.asked == ["HEAD /a.whl"]


def test_a_wheel_that_its_host_lost_is_missing(tmp_path: Path, site: Site) -> None:
    target = make_target(tmp_path, pip=[ALPHA.locked(url=f"{site.url}/files/{ALPHA.filename}")])
    (problem,) = _survey(target, bare_environ(tmp_path, PIP_NO_INDEX="1")).missing
    assert problem.code == "artifact_unavailable"
    assert "404" in problem.what


def test_a_cached_wheel_is_not_missing_though_its_host_is_gone(tmp_path: Path, site: Site) -> None:
    url = f"{site.url}/files/{ALPHA.filename}"
    site.replies[f"/files/{ALPHA.filename}"] = Reply(ALPHA.content)
    environ = bare_environ(tmp_path, UV_DEFAULT_INDEX=put_on_index(site, BETA))
    plan = make_plan(tmp_path / "filler", pip=[ALPHA.locked(url=url)])
    list(LocalBase(environ).install(plan, Cancel()))
    list(Wheels(environ).install(plan, Cancel()))
    del site.replies[f"/files/{ALPHA.filename}"]
    assert _survey(make_target(tmp_path, pip=[ALPHA.locked(url=url), BETA.locked()]), environ).missing == ()


def test_no_index_and_no_folder_leaves_an_indexed_wheel_missing(tmp_path: Path) -> None:
    (problem,) = _survey(make_target(tmp_path, pip=[ALPHA.locked()]), bare_environ(tmp_path, PIP_NO_INDEX="1")).missing
    assert problem.code == "artifact_unavailable"
    assert ALPHA.filename in problem.what


def test_the_state_is_read_from_the_disk(tmp_path: Path) -> None:
    target = make_target(tmp_path)
    assert _survey(target, bare_environ(tmp_path)).state == "absent"
    Prefix(home=tmp_path, name=target.variant.environment).begin()
    assert _survey(target, bare_environ(tmp_path)).state == "unfinished"


def test_free_space_is_that_of_the_disks_that_will_hold_it(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as small:
        found = _survey(make_target(small / "not" / "yet"), bare_environ(tmp_path))
        assert found.environment_free == 1024 * 1024
        assert found.cache_free is not None
        assert found.cache_free > 1024 * 1024
        assert not found.same_disk
    assert _survey(make_target(tmp_path), bare_environ(tmp_path)).same_disk


def test_a_home_that_cannot_be_written_is_told_before_anything_is_fetched(tmp_path: Path) -> None:
    with small_disk(tmp_path / "still") as still:
        make_read_only(still)
        problem = _survey(make_target(still / "home"), bare_environ(tmp_path)).missing[0]
    assert problem.code == "home_not_writable"
    assert str(tmp_path / "still") in problem.what


@pytest.mark.parametrize("status", [200, 401, 403, 405])
def test_an_address_that_answers_is_usable_whatever_it_wants_first(status: int, site: Site) -> None:
    site.replies["/x"] = Reply(status=status)
    assert silence_of(f"{site.url}/x", {}, limit=30) is None


@pytest.mark.parametrize("status", [404, 407, 410, 500, 503])
def test_an_address_whose_host_says_that_it_is_gone_or_ill_is_not_usable(status: int, site: Site) -> None:
    site.replies["/x"] = Reply(status=status)
    silence = silence_of(f"{site.url}/x", {}, limit=30)
    assert silence is not None
    assert str(status) in silence.why
    assert silence.gone == (status in {404, 410})


def test_a_host_that_accepts_and_never_answers_is_given_up(tmp_path: Path) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        started = time.monotonic()
        silence = silence_of(f"http://127.0.0.1:{deaf.getsockname()[1]}/", {}, limit=0.3)
    assert silence is not None
    assert time.monotonic() - started < 10


def test_a_file_address_is_looked_up_on_disk(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    assert silence_of((tmp_path / "a file").as_uri(), {}, limit=1) is None
    assert silence_of((tmp_path / "another").as_uri(), {}, limit=1) is not None


def test_a_proxy_is_asked_instead_of_the_host(site: Site) -> None:
    site.replies["http://far.invalid/x"] = Reply()
    assert silence_of("http://far.invalid/x", {"http_proxy": site.url}, limit=30) is None
    assert site.asked == ["HEAD http://far.invalid/x"]
    refused = silence_of("http://far.invalid/x", {"ALL_PROXY": site.url, "NO_PROXY": "far.invalid"}, limit=30)
    assert refused is not None


def test_a_login_in_an_address_is_not_sent_to_find_out_whether_it_answers(site: Site) -> None:
    site.replies["/x"] = Reply()
    assert silence_of(f"{site.url}/x".replace("://", "://someone:secret@"), {}, limit=30) is None


def test_a_variable_python_of_two_parts_is_as_good_as_one_of_three(tmp_path: Path) -> None:
    target = make_target(tmp_path)
    stacks = tuple(replace(stack, python=MINOR) for stack in target.variant.stacks)
    shorter = replace(target, variant=replace(target.variant, stacks=stacks))
    assert _base(_survey(shorter, bare_environ(tmp_path))).kind == "local"


def test_an_index_page_that_is_lost_is_left_to_the_installer(tmp_path: Path, site: Site) -> None:
    index = put_on_index(site, BETA)
    assert (
        _survey(make_target(tmp_path, pip=[ALPHA.locked()]), bare_environ(tmp_path, UV_DEFAULT_INDEX=index)).missing
        == ()
    )


def test_what_answers_but_is_no_web_server_is_not_usable() -> None:
    with socket.socket() as strange:
        strange.bind(("127.0.0.1", 0))
        strange.listen()
        url = f"http://127.0.0.1:{strange.getsockname()[1]}/"

        def answer() -> None:
            while True:
                try:
                    caller, _ = strange.accept()
                except OSError:
                    return
                with caller:
                    caller.sendall(b"220 mail is here\r\n")

        threading.Thread(target=answer, daemon=True).start()
        silence = silence_of(url, {}, limit=5)
    assert silence is not None
    assert "no web server" in silence.why


def test_an_address_that_is_none_is_not_usable() -> None:
    silence = silence_of("http://host:bad/simple", {}, limit=5)
    assert silence is not None
    assert "address is wrong" in silence.why
