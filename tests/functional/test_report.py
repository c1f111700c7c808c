"""`rigfit report` carries what a failure hangs on, and nothing that is nobody's business."""

from __future__ import annotations

import argparse
import io
import json
import os
import pty
import re
import resource
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.stand_ins.command import RIGFIT, Ran, rigfit
from tests.stand_ins.disks import small_disk
from tests.stand_ins.plans import bare_environ
from tests.stand_ins.receipts import keep_proven, keep_unproven, make_making, make_receipt

from rigfit.cli.show import Face
from rigfit.core.event import Event, Log, RunFailed, RunStarted, event_from_json, event_to_json
from rigfit.core.problem import Problem
from rigfit.core.redaction.private import Private
from rigfit.core.redaction.redactor import Redactor
from rigfit.engine import diagnosing, reporting
from rigfit.engine.settings import Settings
from rigfit.store.paths import Home
from rigfit.store.receipts import Receipts

UUID = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"
LOCK = "02e45387d52350d84fb62fb13110e73d5da3372ea65ca7a26608028db50ade97"
PLANTED = (
    "quentin",
    "rosalind",
    "sybil",
    "forge77",
    "wheels.acme.test",
    "acme",
    "prx.hidden.test",
    "hidden",
    "8932f937",
    "sesame1",
    "opn",
    "hf_abcdefghijklmnopqrstuvwxyz",
    "s3same",
    "10.20.30.40",
    "mail.acme.test",
    "q1w2e3r4t5",
    "plainsecretvalue",
)
ALWAYS = {"machine.json", "doctor.json", "rigfit.json", "environments.json"}


@dataclass(frozen=True)
class Place:
    """A user's home, with environments and runs that speak of them, and variables that hold secrets."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home" / "quentin" / "rigfit"

    @property
    def environ(self) -> dict[str, str]:
        return bare_environ(
            self.folder,
            HOME=str(self.folder / "home" / "quentin"),
            USER="quentin",
            HOSTNAME="forge77",
            TMPDIR=str(self.folder / "tmp"),
            HF_TOKEN="hf_abcdefghijklmnopqrstuvwxyz",
            RIGFIT_API_KEY="plainsecretvalue",
            UV_DEFAULT_INDEX="https://sybil:s3same@wheels.acme.test/simple",
            HTTPS_PROXY="sybil:opn@prx.hidden.test:3128",
            CUDA_VISIBLE_DEVICES=UUID,
            LD_LIBRARY_PATH="/home/quentin/cuda/lib64:/usr/local/cuda-12.8/lib64",
        )

    def report(self, *words: str | Path, **variables: str) -> Ran:
        return rigfit("report", "--offline", "--home", self.home, *words, environ={**self.environ, **variables})

    def log(self, *events: Event, name: str = "20260101T000000.000000Z") -> Path:
        file = self.home / "runs" / f"{name}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{json.dumps(event_to_json(event))}\n" for event in events))
        return file


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.home.mkdir(parents=True)
    (tmp_path / "tmp").mkdir()
    (tmp_path / "out").mkdir()
    return made


@pytest.fixture
def lived_in(place: Place) -> Place:
    making = make_making("current-cu128-00000001", home=place.home, gpu=UUID)
    keep_proven(place.home, replace(making, lock_sha256=LOCK))
    receipt = make_receipt(making)
    noted = replace(receipt.verification, notes=("GPU 0: process 71 of rosalind (python) holds 3.0 GiB",))
    Receipts(Home(place.home)).keep(replace(receipt, verification=noted))
    keep_unproven(place.home, make_making("current-cpu-00000002", home=place.home))
    place.log(
        RunStarted(environment="current-cu128-00000001", steps=("base", "libraries")),
        Log(text="Using index https://rosalind:sesame1@wheels.acme.test/simple?key=q1w2e3r4t5"),
        Log(text="found nvidia-curand-cu12==10.3.9.90 in /home/quentin/.cache/uv, asked rosalind@mail.acme.test"),
        Log(text=f"sha256 {LOCK} by torch 2.13.0+cu128, driver 580.159.04, password was sesame1"),
        RunFailed(
            problem=Problem(
                code="network_unreachable",
                what="forge77 cannot reach wheels.acme.test (10.20.30.40:443)",
                fix=("or ask rosalind when that will be",),
            )
        ),
    )
    (place.folder / "tmp" / "rigfit-bug-1.txt").write_text("OSError: /home/quentin/x on forge77\n")
    return place


def opened(file: Path) -> dict[str, str]:
    with tarfile.open(file) as archive:
        members = archive.getmembers()
        assert {(member.uid, member.gid, member.uname, member.gname) for member in members} == {(0, 0, "", "")}
        return {member.name: archive.extractfile(member).read().decode() for member in members}  # type: ignore[union-attr]


def written(place: Place, *words: str | Path) -> dict[str, str]:
    file = place.folder / "out" / "report.tar.gz"
    ran = place.report("--yes", "--json", "--output", file, *words)
    assert ran.code == 0, ran.out + ran.err
    assert ran.result["file"] == str(file)
    return opened(file)


def test_no_planted_secret_is_anywhere_in_it(lived_in: Place) -> None:
    members = written(lived_in)
    everything = "\n".join([*members, *members.values()]).lower()
    assert [secret for secret in PLANTED if secret in everything] == []
    packed = (lived_in.folder / "out" / "report.tar.gz").read_bytes()
    assert [secret for secret in PLANTED if secret.encode() in packed] == []


def test_what_a_failure_hangs_on_is_in_it(lived_in: Place) -> None:
    members = written(lived_in)
    receipts = {"receipts/current-cu128-00000001.json", "receipts/current-cpu-00000002.unproven.json"}
    assert set(members) == ALWAYS | receipts | {"runs/20260101T000000.000000Z.jsonl", "bugs/rigfit-bug-1.txt"}
    everything = "\n".join(members.values())
    for kept in (
        "nvidia-curand-cu12==10.3.9.90",
        LOCK,
        "torch 2.13.0+cu128, driver 580.159.04",
        "/usr/local/cuda-12.8/lib64",
    ):
        assert kept in everything
    told = json.loads(members["rigfit.json"])
    assert told["variables"]["HF_TOKEN"].startswith("<token")
    assert told["variables"]["LD_LIBRARY_PATH"].startswith("/home/<user>/cuda/lib64:")
    assert told["templates"]["current"]["cpu"]
    states = {each["environment"]: each["standing"] for each in json.loads(members["environments.json"])}
    assert states == {"current-cu128-00000001": "proven", "current-cpu-00000002": "unproven"}
    assert json.loads(members["doctor.json"]).keys() == {"machine"}
    assert re.fullmatch(r"OSError: /home/<user>/x on <host-\d>\n", members["bugs/rigfit-bug-1.txt"])


def test_its_files_are_still_what_they_were(lived_in: Place) -> None:
    """Events, receipts and a machine that other commands read."""
    members = written(lived_in)
    events = [event_from_json(json.loads(line)) for line in members["runs/20260101T000000.000000Z.jsonl"].splitlines()]
    assert [event.kind for event in events] == ["run_started", "log", "log", "log", "run_failed"]
    receipt = json.loads(members["receipts/current-cu128-00000001.json"])
    assert receipt["gpu"] == "GPU-<1>"
    assert receipt["notes"] == ["GPU 0: process 71 of <user-2> (python) holds 3.0 GiB"]
    (lived_in.folder / "machine.json").write_text(members["machine.json"])
    judged = rigfit("select", "--json", "--machine", lived_in.folder / "machine.json", environ=lived_in.environ)
    assert judged.code in (0, 3), judged.out


def test_it_tells_what_it_holds_and_what_was_removed(lived_in: Place) -> None:
    dry = lived_in.report("--dry-run", "--json").result
    assert dry["file"] is None
    assert {"machine.json", "runs/20260101T000000.000000Z.jsonl"} < {each["name"] for each in dry["contents"]}
    assert all(each["size"] > 0 and each["what"] for each in dry["contents"])
    assert dry["removed"]["user"] >= 3
    assert dry["removed"]["gpu"] == 1
    assert {"token", "password", "host", "email", "address", "parameter"} < set(dry["removed"])
    shown = lived_in.report("--dry-run")
    assert "receipts/current-cu128-00000001.json" in shown.out
    assert "UUIDs of GPUs: 1" in shown.out
    assert list((lived_in.folder / "out").iterdir()) == []


def test_verbose_shows_the_very_content_and_no_secret(lived_in: Place) -> None:
    shown = lived_in.report("--dry-run", "-v").out
    assert "OSError: /home/<user>/x on <host" in shown
    assert [secret for secret in PLANTED if secret in shown.lower()] == []


def test_without_a_terminal_it_is_not_written_unasked(lived_in: Place) -> None:
    file = lived_in.folder / "out" / "report.tar.gz"
    ran = lived_in.report("--output", file)
    assert ran.code == 2
    assert "add `--yes`" in ran.err
    assert ran.err.index("machine.json") < ran.err.index("nobody can be asked")
    assert not file.exists()


@pytest.mark.parametrize(("key", "code", "files"), [(b"n\n", 130, 0), (b"y\n", 0, 1)])
def test_it_shows_what_it_holds_and_then_asks(lived_in: Place, key: bytes, code: int, files: int) -> None:
    words = [RIGFIT, "report", "--offline", "--home", str(lived_in.home), "--output", str(lived_in.folder / "out")]
    ours, theirs = pty.openpty()
    environ = {**lived_in.environ, "TERM": "xterm", "RIGFIT_LANG": "en"}
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=environ) as run:
        os.close(theirs)
        shown = b""
        while b"[Y/n] " not in shown:
            shown += os.read(ours, 4096)
        assert b"machine.json" in shown
        assert list((lived_in.folder / "out").iterdir()) == []
        os.write(ours, key)
        assert run.wait() == code
    os.close(ours)
    names = [path.name for path in (lived_in.folder / "out").iterdir()]
    assert [name.startswith("rigfit-report-") and name.endswith("Z.tar.gz") for name in names] == [True] * files


def test_nobody_else_may_read_it(place: Place) -> None:
    written(place)
    assert (place.folder / "out" / "report.tar.gz").stat().st_mode & 0o777 == 0o600


def test_it_is_written_over_nothing(place: Place) -> None:
    file = place.folder / "out" / "report.tar.gz"
    file.write_text("something of mine")
    ran = place.report("--yes", "--json", "--output", file)
    assert (ran.code, ran.problem["code"]) == (2, "file_exists")
    assert str(file) in ran.problem["what"]
    assert file.read_text() == "something of mine"


@pytest.mark.parametrize("folder", ["no-such-folder", "/proc"])
def test_a_folder_that_cannot_be_written_is_told(place: Place, folder: str) -> None:
    file = place.folder / folder / "report.tar.gz"
    ran = place.report("--yes", "--json", "--output", file)
    assert (ran.code, ran.problem["code"]) == (2, "file_not_writable")
    assert str(file) in ran.problem["what"]
    assert "--output" in ran.problem["fix"][0]


def test_a_disk_that_gets_full_leaves_nothing(place: Place) -> None:
    noise = (os.urandom(300).hex() for _ in range(1200))  # what does not pack well
    place.log(*(Log(text=each) for each in noise))
    with small_disk(place.folder / "small", "64k") as small:
        ran = place.report("--yes", "--json", "--output", small / "report.tar.gz")
        assert (ran.code, ran.problem["code"]) == (5, "disk_full")
        assert list(small.iterdir()) == []


def test_a_writing_that_fails_in_the_middle_leaves_nothing(place: Place) -> None:
    """As with a disk quota, where no file system may be mounted: no file may be longer than 512 bytes."""
    words = [RIGFIT, "report", "--offline", "--yes", "--json", "--home", str(place.home)]
    ran = subprocess.run(
        [*words, "--output", str(place.folder / "out" / "report.tar.gz")],
        env=place.environ,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512)),
    )
    assert json.loads(ran.stdout)["problem"]["code"] == "file_not_writable"
    assert list((place.folder / "out").iterdir()) == []


@pytest.mark.parametrize("signal", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_killed_in_the_middle_of_the_writing_it_leaves_no_half_report(tmp_path: Path, signal: str) -> None:
    script = f"""
import os, signal
from pathlib import Path
from rigfit.store.archive import write_archive
signal.signal(signal.SIGTERM, signal.default_int_handler)
def members():
    yield "one", os.urandom(1 << 20)
    os.kill(os.getpid(), signal.{signal})
    yield "two", b""
write_archive(Path({str(tmp_path)!r}) / "report.tar.gz", members(), made=0)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert ran.returncode != 0
    left = [path.name for path in tmp_path.iterdir()]
    assert "report.tar.gz" not in left
    assert signal == "SIGKILL" or left == []


def test_variables_that_are_no_text_do_not_stop_it(place: Place) -> None:
    ran = place.report("--dry-run", "--verbose", HF_TOKEN="a\udcffbbbbbbbbb", LD_LIBRARY_PATH="/lib/\udcff")
    assert ran.code == 0, ran.err
    assert "/lib/?" in ran.out
    assert "bbbbbbbbb" not in ran.out


def test_without_any_home_there_is_still_the_machine(tmp_path: Path) -> None:
    place = Place(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "tmp").mkdir()
    assert set(written(place)) == ALWAYS
    assert not place.home.exists()


def test_a_receipt_that_cannot_be_read_is_told_and_left_out(lived_in: Place) -> None:
    (lived_in.home / "receipts" / "current-cpu-00000009.json").write_text('{"of": "quentin')
    dry = lived_in.report("--dry-run", "--json").result
    assert dry["left_out"] == [{"what": "receipts/current-cpu-00000009.json", "why": "it is no JSON"}]
    members = written(lived_in)
    assert "receipts/current-cpu-00000009.json" not in members
    assert json.loads(members["rigfit.json"])["left_out"] == dry["left_out"]


def test_a_folder_that_cannot_be_read_is_told(place: Place) -> None:
    (place.home / "runs").write_text("a file where the folder should be")
    dry = place.report("--dry-run", "--json").result
    assert dry["left_out"] == [{"what": "runs/", "why": "Not a directory"}]


def test_only_whole_lines_of_the_last_five_runs_are_told(place: Place) -> None:
    for number in range(7):
        place.log(Log(text=f"run {number}"), name=f"2026010{number}T000000.000000Z")
    last = place.home / "runs" / "20260106T000000.000000Z.jsonl"
    last.write_text(last.read_text() + 'no JSON\n{"event": "log", "te')
    runs = {name: text for name, text in written(place).items() if name.startswith("runs/")}
    assert [name[5:13] for name in sorted(runs)] == [f"2026010{number}" for number in range(2, 7)]
    first, second = (json.loads(line)["text"] for line in runs["runs/20260106T000000.000000Z.jsonl"].splitlines())
    assert (first, second) == ("run 6", "a line that is no JSON is left out here")


def test_a_long_run_is_cut_to_its_start_and_end(place: Place) -> None:
    place.log(*(Log(text=f"line {number} {'x' * 80}") for number in range(20_000)))
    text = written(place)["runs/20260101T000000.000000Z.jsonl"]
    events: list[Any] = [event_from_json(json.loads(line)) for line in text.splitlines()]
    assert len(text) < 1_100_000
    assert events[0].text.startswith("line 0 ")
    assert events[-1].text.startswith("line 19999 ")
    (cut,) = (event for event in events if event.level == "warning")
    assert cut.text.endswith("of this run are left out here")


def test_a_doctor_that_crashes_does_not_stop_it(lived_in: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_settings: Settings) -> None:
        raise RuntimeError("no such thing: /home/quentin/x")

    monkeypatch.setattr(diagnosing, "examine_machine", crash)
    settings = Settings(home=Home(lived_in.home), environ=lived_in.environ, offline=True)
    report = reporting.gather(settings)
    (doctor,) = (member for member in report.members if member.name == "doctor.json")
    assert "RuntimeError: no such thing: /home/<user>/x" in json.loads(doctor.content)["machine"]["crash"]
    assert "failed" in doctor.what


def test_the_doctor_looks_at_a_python_that_is_named(place: Place) -> None:
    members = written(place, "--python", sys.executable)
    assert json.loads(members["doctor.json"]).keys() == {"machine", "python"}


def test_a_catalog_or_machine_that_fails_is_told_in_its_place(place: Place) -> None:
    (place.home / "envs").write_text("a file where the folder should be")
    members = written(place)
    assert json.loads(members["environments.json"])["problem"]["code"] == "home_not_writable"


def test_thousands_of_accounts_do_not_slow_it_down(place: Place) -> None:
    everybody = Private(users=tuple(f"member{number:05}" for number in range(20_000)))
    texts = ["asked by member00042 on a machine"] * 2000
    redactor = Redactor(everybody.present_in(texts))
    assert {redactor.text(text) for text in texts} == {"asked by <user> on a machine"}


def test_no_member_has_a_name_that_an_archiver_would_refuse(lived_in: Place) -> None:
    Receipts(Home(lived_in.home)).keep(make_receipt(make_making("quentin-cpu-00000003", home=lived_in.home)))
    Receipts(Home(lived_in.home)).keep(make_receipt(make_making("sybil-cpu-00000003", home=lived_in.home)))
    names = [name for name in written(lived_in) if name.startswith("receipts/")]
    assert len(names) == len(set(names)) == 4
    assert not any(sign in name for name in names for sign in '<>:"|?*\\')
    assert not any(secret in name for name in names for secret in PLANTED)


def test_the_traceback_of_a_bug_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    try:
        int("nobody foresaw this")
    except ValueError:
        Face(argparse.Namespace(verb="detect", json=True)).bug()
    report = reporting.gather(Settings(home=Home(tmp_path / "home"), environ={}, offline=True))
    (traceback,) = (member for member in report.members if member.name.startswith("bugs/"))
    assert b"nobody foresaw this" in traceback.content


def test_the_archive_is_the_same_for_the_same(tmp_path: Path) -> None:
    """Nothing of the place it is written at, or of who writes it, gets in."""
    from rigfit.store.archive import write_archive

    for name in ("quentin.tar.gz", "other.tar.gz"):
        write_archive(tmp_path / name, [("a", b"b")], made=7)
    one, other = ((tmp_path / name).read_bytes() for name in ("quentin.tar.gz", "other.tar.gz"))
    assert one == other
    assert io.BytesIO(one).read(4) == b"\x1f\x8b\x08\x00"  # no name of a file follows
