"""How the command behaves towards the person in front of it: questions, short names, closed pipes, slips."""

from __future__ import annotations

import json
import os
import pty
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.stand_ins.catalogs import make_catalog
from tests.stand_ins.command import RIGFIT, rigfit
from tests.stand_ins.plans import bare_environ
from tests.stand_ins.receipts import keep_proven, make_making
from tests.stand_ins.web import Site, serve
from tests.stand_ins.wheels import make_wheel, put_on_index

from rigfit.catalog.locate import catalog_dir
from rigfit.core.event import RunFailed, event_from_json

TORCH, BNB = make_wheel("torch", "2.13.0"), make_wheel("bitsandbytes", "0.50.2")
MACHINES = Path(__file__).resolve().parents[1] / "machines"

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as site:
        yield site


def answered(tmp_path: Path, site: Site, keys: bytes, language: str = "en") -> tuple[int, str]:
    """`rigfit setup` on a terminal, answered with `keys`: its exit code and what the terminal showed."""
    catalog = make_catalog(tmp_path / "catalog", TORCH, BNB)
    words = [RIGFIT, "setup", "sample", "--variant", "cpu", "--base", "local", "--no-progress"]
    words += ["--catalog", str(catalog), "--home", str(tmp_path / "home")]
    index = put_on_index(site, TORCH, BNB)
    environ = bare_environ(tmp_path, UV_DEFAULT_INDEX=index, TERM="xterm", RIGFIT_LANG=language)
    ours, theirs = pty.openpty()
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=environ) as run:
        os.close(theirs)
        shown = _until(ours, b"[Y/n] ")
        os.write(ours, keys)
        shown += _until(ours, None)
    os.close(ours)
    return run.returncode, shown.decode()


def _until(terminal: int, text: bytes | None) -> bytes:
    """What is shown up to `text`, or to the end."""
    shown = b""
    while text is None or text not in shown:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        shown += part
    return shown


def test_a_no_changes_nothing(tmp_path: Path, site: Site) -> None:
    code, shown = answered(tmp_path, site, b"n\n")
    assert (code, "nothing was changed" in shown) == (130, True)
    assert not (tmp_path / "home" / "envs").exists()


def test_y_and_n_are_answers_in_every_language(tmp_path: Path, site: Site) -> None:
    code, _ = answered(tmp_path, site, b"n\n", "zh_CN")
    assert code == 130
    assert not (tmp_path / "home" / "envs").exists()


def test_the_end_of_input_is_a_no(tmp_path: Path, site: Site) -> None:
    code, shown = answered(tmp_path, site, b"\x04")
    assert (code, "nothing was changed" in shown) == (130, True)


def test_what_is_neither_yes_nor_no_is_asked_again(tmp_path: Path, site: Site) -> None:
    code, shown = answered(tmp_path, site, b"maybe\ny\n")
    assert shown.count("[Y/n]") == 2
    assert code == 6  # it went on, and the stand-ins could not be proven
    assert "2 libraries from wheels:" in shown


def keep(home: Path, name: str, made: str) -> None:
    """An environment with a receipt, and nothing in it."""
    keep_proven(home, make_making(name, home=home, made=made))


def test_a_templates_name_is_enough_to_use_the_one_that_was_set_up_last(tmp_path: Path) -> None:
    keep(tmp_path, "current-cpu-00000001", "2026-01-01T00:00:00+00:00")
    keep(tmp_path, "current-cpu-00000002", "2026-02-01T00:00:00+00:00")
    keep(tmp_path, "current2-cpu-00000003", "2026-03-01T00:00:00+00:00")
    ran = rigfit("run", "current", "--home", tmp_path, "--", "sh", "-c", "echo $RIGFIT_ENVIRONMENT")
    assert ran.out.strip() == "current-cpu-00000002"
    without_home_packages = rigfit("run", "current", "--home", tmp_path, "--", "sh", "-c", "echo $PYTHONNOUSERSITE")
    assert without_home_packages.out.strip() == "1"
    refused = rigfit("remove", "current-cpu", "--yes", "--home", tmp_path)
    assert refused.code == 2
    assert "the names of 2 environments begin with `current-cpu`" in refused.err


def test_a_removed_environment_leaves_list_and_disk(tmp_path: Path) -> None:
    keep(tmp_path, "current-cpu-00000001", "2026-01-01T00:00:00+00:00")
    assert rigfit("remove", "current-cpu-00000001", "--yes", "--home", tmp_path).code == 0
    assert rigfit("list", "--json", "--home", tmp_path).result == {"environments": []}
    assert not list((tmp_path / "envs").iterdir())


def test_activating_twice_does_not_lengthen_the_path(tmp_path: Path) -> None:
    keep(tmp_path, "current-cpu-00000001", "2026-01-01T00:00:00+00:00")
    command = shlex.join([RIGFIT, "shell-hook", "--home", str(tmp_path), "--shell", "sh"])
    script = f'eval "$({command})"; echo "$PATH"'
    once = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    twice = subprocess.run(["sh", "-c", f"{script}; {script}"], capture_output=True, text=True, check=True).stdout
    assert once.startswith(f"{tmp_path}/envs/current-cpu-00000001/bin:")
    assert twice == once * 2


def test_a_command_without_its_dashes_is_told_where_they_go(tmp_path: Path) -> None:
    keep(tmp_path, "current-cpu-00000001", "2026-01-01T00:00:00+00:00")
    ran = rigfit("run", "current", "python", "train.py", "--home", tmp_path)
    assert ran.code == 2
    assert f"rigfit run --home {tmp_path} current -- python train.py" in ran.err


@pytest.mark.parametrize("words", ["plan --json", "select", "select --json", "templates"])
def test_a_reader_that_has_gone_is_no_error(words: str) -> None:
    machine = [] if words == "templates" else ["--machine", str(MACHINES / "v100-570.json")]
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run([RIGFIT, *words.split(), *machine], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert b"Traceback" not in ran.stderr
    assert b"BrokenPipe" not in ran.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("fits llama-2-13b --memory 4GiB", 3),
        ("fits llama-2-13b --memory 4GiB --json", 3),
        ("fits llama-2-7b --memory 24GiB", 0),
        ("fits nix --memory 24GiB", 2),
        (f"select --machine {shlex.quote(str(MACHINES / 'nouveau.json'))}", 3),
    ],
)
def test_the_exit_code_is_an_answer_also_where_nobody_reads_on(words: str, code: int) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run([RIGFIT, *shlex.split(words)], stdout=writer, stderr=writer, check=False)
    os.close(writer)
    assert ran.returncode == code


def test_a_run_whose_reader_has_gone_is_stopped(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = ["verify", "--python", sys.executable, "--level", "imports", "--events", "--home", str(tmp_path)]
    ran = subprocess.run([RIGFIT, *words], stdout=writer, stderr=writer, check=False)
    os.close(writer)
    assert ran.returncode == 130


def test_where_nothing_fits_select_ends_with_what_to_do() -> None:
    ran = rigfit("select", "--machine", MACHINES / "nouveau.json")
    assert ran.code == 3
    assert "nouveau" in ran.err
    assert "try: " in ran.err


def test_choosing_reads_no_lock(tmp_path: Path) -> None:
    catalog = Path(shutil.copytree(catalog_dir(None), tmp_path / "catalog"))
    for lock in catalog.glob("*/*.conda-lock.yml"):
        lock.write_text("no lock at all")
    ran = rigfit("select", "--json", "--catalog", catalog, "--machine", TESTS / "machines/h100-580.json")
    assert ran.result["chosen"] == {"template": "current", "variant": "cu132"}


@pytest.mark.parametrize("verb", ["remove", "repair", "verify"])
def test_an_empty_name_is_no_environment(tmp_path: Path, verb: str) -> None:
    keep(tmp_path, "current-cpu-00000001", "2026-01-01T00:00:00+00:00")
    yes = ["--yes"] if verb == "remove" else []
    assert rigfit(verb, "", *yes, "--home", tmp_path).code == 2
    assert (tmp_path / "envs" / "current-cpu-00000001").is_dir()


def test_a_receipt_that_speaks_of_another_place_proves_nothing(tmp_path: Path) -> None:
    keep(tmp_path / "here", "current-cpu-00000001", "2026-01-01T00:00:00+00:00")
    (tmp_path / "here").rename(tmp_path / "there")
    (environment,) = rigfit("list", "--json", "--home", tmp_path / "there").result["environments"]
    assert (environment["usable"], environment["standing"]) == (False, "unfinished")


def test_an_environment_whose_python_has_gone_is_not_usable(tmp_path: Path) -> None:
    keep(tmp_path, "current-cpu-00000001", "2026-01-01T00:00:00+00:00")
    (tmp_path / "envs" / "current-cpu-00000001" / "bin" / "python").unlink()
    (environment,) = rigfit("list", "--json", "--home", tmp_path).result["environments"]
    assert environment["usable"] is False
    assert rigfit("run", "current", "--home", tmp_path, "--", "true").code != 0


def test_a_python_that_crashes_fails_the_check_and_loses_the_receipt(tmp_path: Path) -> None:
    keep(tmp_path, "current-cpu-00000001", "2026-01-01T00:00:00+00:00")
    python = tmp_path / "envs" / "current-cpu-00000001" / "bin" / "python"
    python.unlink()
    python.write_text("#!/bin/sh\necho broken >&2\nkill -SEGV $$\n")
    python.chmod(0o755)
    ran = rigfit("verify", "--json", "--home", tmp_path)
    assert (ran.code, ran.problem["code"]) == (6, "verification_failed")
    assert ran.answer["result"]["passed"] is False
    assert [check["status"] for check in ran.answer["result"]["checks"]] == ["failed"] + ["skipped"] * 7
    assert "signal 11" in ran.answer["result"]["checks"][0]["why"]
    (environment,) = rigfit("list", "--json", "--home", tmp_path).result["environments"]
    assert environment["standing"] == "failed"


def test_verify_all_tells_of_each_and_ends_as_the_worst(tmp_path: Path) -> None:
    for number in (1, 2):
        keep(tmp_path, f"current-cpu-0000000{number}", f"2026-0{number}-01T00:00:00+00:00")
    ran = rigfit("verify", "--all", "--json", "--home", tmp_path)  # the interpreter of the tests has no torch
    assert (ran.code, ran.problem["code"]) == (6, "verification_failed")
    assert "2 of 2" in ran.problem["what"]
    told = ran.answer["result"]["environments"]
    assert {each["environment"] for each in told} == {"current-cpu-00000001", "current-cpu-00000002"}
    assert rigfit("verify", "current", "--all", "--home", tmp_path).code == 2


def test_every_line_of_events_is_an_event(tmp_path: Path) -> None:
    keep(tmp_path, "current-cpu-00000001", "2026-01-01T00:00:00+00:00")
    for words in (["verify", "--events"], ["verify", "no-such", "--events"]):
        ran = rigfit(*words, "--home", tmp_path)
        events = [event_from_json(json.loads(line)) for line in ran.out.splitlines()]
        assert isinstance(events[-1], RunFailed)
        assert [isinstance(event, RunFailed) for event in events].count(True) == 1
    assert rigfit("verify", "--events", "--json", "--home", tmp_path).code == 2
