"""`rigfit setup` against everything that goes wrong: a clear problem, the contract's exit code, nothing lost.

The libraries are stand-ins of a few bytes, so a setup that provisions well ends with a failed verification (6): the
stand-in `torch` is no torch. That is how "the next run works" looks here; tests/functional/test_setup.py has the real one.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.stand_ins.catalogs import make_catalog
from tests.stand_ins.command import RIGFIT, Ran, rigfit
from tests.stand_ins.disks import make_read_only, small_disk
from tests.stand_ins.plans import bare_environ
from tests.stand_ins.web import Site, serve
from tests.stand_ins.wheels import file_on_index, make_wheel, put_on_index

TORCH, BNB = make_wheel("torch", "2.13.0"), make_wheel("bitsandbytes", "0.50.2")
PROVISIONED = 6
Setup = Callable[..., Ran]


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as site:
        yield site


@pytest.fixture
def index(site: Site) -> str:
    return put_on_index(site, TORCH, BNB)


@pytest.fixture
def setup(tmp_path: Path, index: str) -> Setup:
    """Runs `rigfit setup --yes --json` on a catalog, here one with the two stand-in wheels."""
    good = make_catalog(tmp_path / "catalog", TORCH, BNB)

    def begun(catalog: Path = good, home: Path = tmp_path / "home", address: str = index, **variables: str) -> Ran:
        environ = bare_environ(tmp_path, UV_DEFAULT_INDEX=address, **variables)
        words = ("setup", "sample", "--variant", "cpu", "--yes", "--base", "local", "--json")
        return rigfit(*words, "--catalog", catalog, "--home", home, environ=environ)

    return begun


def usable(home: Path) -> list[str]:
    return [
        each["environment"]
        for each in rigfit("list", "--json", "--home", home).result["environments"]
        if each["usable"]
    ]


def test_what_cannot_be_proven_is_provisioned_but_never_listed_as_usable(setup: Setup, tmp_path: Path) -> None:
    ran = setup()
    assert (ran.code, ran.problem["code"]) == (PROVISIONED, "verification_failed")
    assert "not proven" in ran.problem["what"]
    assert usable(tmp_path / "home") == []
    refused = rigfit("run", "sample", "--home", tmp_path / "home", "--", "python")
    assert refused.code == 5
    assert "unfinished" in refused.err


def test_a_flipped_byte_in_a_wheel_is_a_hash_mismatch_and_the_next_run_works(setup: Setup, site: Site) -> None:
    reply = file_on_index(site, TORCH)
    reply.body = TORCH.flipped()
    ran = setup()
    assert (ran.code, ran.problem["code"]) == (5, "hash_mismatch")
    assert TORCH.sha256 in ran.problem["what"] + ran.problem["detail"]
    reply.body = TORCH.content
    assert setup().code == PROVISIONED


def test_a_wrong_hash_in_the_lock_is_a_hash_mismatch(setup: Setup, tmp_path: Path) -> None:
    ran = setup(catalog=make_catalog(tmp_path / "wrong", TORCH, BNB, sha256="ab" * 32))
    assert (ran.code, ran.problem["code"]) == (5, "hash_mismatch")
    assert setup().code == PROVISIONED


def test_a_truncated_download_is_told_and_the_next_run_works(setup: Setup, site: Site) -> None:
    reply = file_on_index(site, TORCH)
    reply.cut = 100
    ran = setup()
    assert (ran.code, ran.problem["code"]) == (5, "network_unreachable")
    reply.cut = 0
    assert setup().code == PROVISIONED


def test_an_index_that_cannot_be_reached_is_told_before_anything_is_changed(setup: Setup, tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}/simple"
        ran = setup(address=address)
    assert (ran.code, ran.problem["code"]) == (5, "network_unreachable")
    assert "127.0.0.1" in ran.problem["what"]
    assert not (tmp_path / "home" / "envs").exists()
    assert setup().code == PROVISIONED


def test_a_wheel_whose_host_does_not_have_it_is_told_before_anything_is_changed(
    setup: Setup, site: Site, tmp_path: Path
) -> None:
    catalog = make_catalog(tmp_path / "elsewhere", TORCH, BNB, urls={"torch": f"{site.url}/gone/{TORCH.filename}"})
    ran = setup(catalog=catalog)
    assert (ran.code, ran.problem["code"]) == (5, "artifact_unavailable")
    assert TORCH.filename in ran.problem["what"]
    assert any("PIP_FIND_LINKS" in step for step in ran.problem["fix"])
    assert not (tmp_path / "home" / "envs").exists()


def test_a_wheel_whose_host_does_not_have_it_comes_from_a_folder(setup: Setup, site: Site, tmp_path: Path) -> None:
    catalog = make_catalog(tmp_path / "elsewhere", TORCH, BNB, urls={"torch": f"{site.url}/gone/{TORCH.filename}"})
    TORCH.put_in(tmp_path / "folder")
    assert setup(catalog=catalog, PIP_FIND_LINKS=str(tmp_path / "folder")).code == PROVISIONED


def test_a_full_disk_is_told_with_numbers_before_anything_is_changed(setup: Setup, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as small:
        ran = setup(home=small / "home")
        assert (ran.code, ran.problem["code"]) == (5, "disk_full")
        assert "MiB" in ran.problem["what"] + " ".join(ran.problem["fix"])
        assert not (small / "home").exists()


def test_a_home_that_cannot_be_written_is_told(setup: Setup, tmp_path: Path) -> None:
    with small_disk(tmp_path / "locked", size="2g") as place:
        make_read_only(place)
        ran = setup(home=place / "home")
    assert (ran.code, ran.problem["code"]) == (5, "home_not_writable")
    assert str(place) in ran.problem["what"]
    assert any("--home" in step for step in ran.problem["fix"])


def test_of_two_setups_at_once_the_second_is_told_that_the_first_is_at_work(
    setup: Setup, site: Site, tmp_path: Path
) -> None:
    reply = file_on_index(site, TORCH)
    reply.hangs = True
    environ = bare_environ(tmp_path, UV_DEFAULT_INDEX=f"{site.url}/simple")
    words = ["setup", "sample", "--variant", "cpu", "--yes", "--base", "local", "--catalog", str(tmp_path / "catalog")]
    first = subprocess.Popen(
        [RIGFIT, *words, "--home", str(tmp_path / "home")],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert site.hanging.wait(30)
        second = setup()
        assert (second.code, second.problem["code"]) == (5, "busy")
        assert str(first.pid) in second.problem["what"]
    finally:
        first.send_signal(signal.SIGINT)
    assert first.wait(30) == 130
    reply.hangs = False
    assert setup().code == PROVISIONED


def test_an_interrupt_during_a_download_ends_with_130_and_the_next_run_works(setup: Setup, site: Site) -> None:
    reply = file_on_index(site, BNB)
    reply.hangs = True
    interrupted: list[Ran] = []
    waiting = threading.Thread(target=lambda: interrupted.append(setup()))
    waiting.start()
    assert site.hanging.wait(30)
    for pid in _rigfits():
        os.kill(pid, signal.SIGTERM)
    waiting.join(30)
    assert (interrupted[0].code, interrupted[0].problem["code"]) == (130, "stopped")
    reply.hangs = False
    assert setup().code == PROVISIONED


def _rigfits() -> list[int]:
    """The `rigfit setup` that this process started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == os.getpid() and RIGFIT.encode() in words:
            found.append(int(folder.name))
    return found


def test_without_yes_and_terminal_nobody_is_asked_and_nothing_is_changed(
    setup: Setup, index: str, tmp_path: Path
) -> None:
    del setup
    words = ("setup", "sample", "--variant", "cpu", "--catalog", tmp_path / "catalog", "--home", tmp_path / "home")
    environ = bare_environ(tmp_path, UV_DEFAULT_INDEX=index)
    ran = rigfit(*words, "--json", "--base", "local", environ=environ)
    assert (ran.code, ran.problem["code"]) == (2, "not_confirmed")
    assert not (tmp_path / "home" / "envs").exists()


def test_a_recorded_machine_is_judged_but_not_set_up(setup: Setup, tmp_path: Path) -> None:
    del setup
    machine = Path(__file__).resolve().parents[1] / "machines" / "h100-580.json"
    ran = rigfit("setup", "--machine", machine, "--yes", "--json", "--home", tmp_path / "home")
    assert (ran.code, ran.problem["code"]) == (2, "machine_is_recorded")
    assert any("--no-verify" in step for step in ran.problem["fix"])
    dry = rigfit("setup", "--machine", machine, "--dry-run", "--json", "--home", tmp_path / "home")
    assert (dry.code, dry.result["variant"], dry.result["device"]) == (0, "cu132", "cuda:0")


def test_an_unknown_template_names_those_that_exist() -> None:
    ran = rigfit("setup", "no-such-template", "--yes", "--json")
    assert (ran.code, ran.problem["code"]) == (2, "unknown_template")
    assert "`no-such-template`" in ran.problem["what"]
    assert "current" in ran.problem["fix"][0]
    assert "no-such-template/template.toml" in ran.problem["detail"]


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        (("rank = 1", 'rank = 1\ncolour = "red"'), ("colour", "unknown")),
        (("rank = 1", 'rank = "first"'), ("rank", "whole number", "first")),
        (('name = "cpu"', 'name = "cu999"'), ("cu999.conda-lock.yml",)),
    ],
    ids=["unknown key", "wrong type", "missing lock"],
)
def test_a_broken_template_names_file_key_needed_and_found(
    setup: Setup, tmp_path: Path, broken: tuple[str, str], named: tuple[str, ...]
) -> None:
    file = tmp_path / "catalog" / "sample" / "template.toml"
    file.write_text(file.read_text().replace(*broken))
    ran = setup()
    assert (ran.code, ran.problem["code"]) == (4, "catalog_invalid")
    said = f"{ran.problem['what']} {ran.problem['detail']}"
    assert "template.toml" in said
    assert all(word in said for word in named), said
