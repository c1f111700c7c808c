"""Whether a machine is fit for a setup, to `rigfit doctor`: room, a template; as it is, and as it was recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.stand_ins.command import rigfit
from tests.stand_ins.disks import small_disk
from tests.stand_ins.nvml import StandIn
from tests.stand_ins.ward import FOUND, Ward, well

from rigfit.core.selection import Wish
from rigfit.engine.diagnosing import examine_machine
from rigfit.engine.fitting import Fitting
from rigfit.engine.settings import Settings
from rigfit.store.paths import Home

MACHINES = sorted((Path(__file__).parents[1] / "machines").glob("*.json"))


@pytest.fixture
def ward(standin: StandIn) -> Ward:
    return well(standin)


def test_a_healthy_machine_has_no_finding_and_ends_with_0(ward: Ward) -> None:
    ran = ward.doctor()
    assert (ran.result["findings"], ran.code, ran.err) == ([], 0, "")


def test_a_machine_without_gpu_has_one_note_and_ends_with_0(ward: Ward, tmp_path: Path) -> None:
    bare = replace(ward.standin, root=tmp_path / "bare", library=tmp_path / "nowhere")
    bare.root.mkdir()
    ran = Ward(bare).doctor()
    assert [(each["code"], each["severity"]) for each in ran.result["findings"]] == [("no_gpu", "note")]
    assert ran.code == 0


# Room and network


def test_a_full_disk_is_named_with_what_lies_on_it(ward: Ward, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as small:
        ward.environ = {"TMPDIR": str(small)}
        found = ward.findings()[0]
    assert (found["code"], found["severity"]) == ("disk_full", "error")
    assert str(small) in found["because"][0]


def test_a_file_system_that_tells_no_size_is_not_full(ward: Ward) -> None:
    ward.environ = {"UV_CACHE_DIR": "/proc"}
    assert ward.findings() == []


def test_the_commands_for_a_full_disk_name_a_folder_that_is_there(ward: Ward, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as small:
        (small / "a b").mkdir()
        ward.environ = {"TMPDIR": str(small / "a b/not there")}
        first = ward.findings()[0]["fix"][0]
    assert f"df -h '{small}/a b'`" in first


def test_of_a_record_no_command_names_a_folder() -> None:
    record = Path(__file__).parents[1] / "machines/rtx4090-full-disk-580.json"
    found = rigfit("doctor", "--json", "--machine", record).result["findings"][0]
    assert found["because"] == ["the home of rigfit: 600.0 MiB free", "the cache of uv: 600.0 MiB free"]
    assert not any("df -h" in each or "du -" in each for each in found["fix"])


def test_a_disk_without_inodes_is_told_from_a_full_one(ward: Ward, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "512m,nr_inodes=20") as small:
        ward.environ = {"TMPDIR": str(small)}
        found = ward.findings()[0]
    assert found["code"] == "inodes_used_up"
    assert "inodes free" in found["because"][0]


def test_certificates_that_are_not_there(ward: Ward) -> None:
    ward.environ = {"REQUESTS_CA_BUNDLE": "/etc/ssl/gone.pem"}
    assert ward.first("certificates_missing")["evidence"] == "REQUESTS_CA_BUNDLE=/etc/ssl/gone.pem"
    ward.environ["PIP_CERT"] = "/etc/ssl/gone.pem"
    (found,) = ward.findings()
    assert found["because"] == ["REQUESTS_CA_BUNDLE=/etc/ssl/gone.pem", "PIP_CERT=/etc/ssl/gone.pem"]
    assert found["fix"][0] == "unset REQUESTS_CA_BUNDLE PIP_CERT"
    ward.trace("etc/ssl/gone.pem")
    assert ward.findings() == []


# Recorded machines

ILL = {
    "a100-mig-empty-545": "mig_without_instances",
    "a6000-all-prohibited-570": "gpu_prohibited",
    "lost-gpu": "gpu_lost",
    "p4-busy-550": "gpu_full",
    "rtx2080ti-prohibited-535": "gpu_prohibited",
    "rtx4090-full-disk-580": "disk_low",
    "vgpu-t4-2b-535": "gpu_prohibited",
    **dict.fromkeys(
        (
            *("titanxp-450", "gtx780-450", "k80-470", "k40-470-centos7", "mx450-470", "a6000-unread-memory-570"),
            *("windows-rtx2080super-610", "orin-540", "orin-540-unread", "t4g-aarch64-550"),
            *("alpine", "graviton-cpu", "mac-m3"),  # without an NVIDIA GPU, and without a template, too
        ),
        "nothing_fits",
    ),
}


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)
def test_every_recorded_machine_is_judged_by_what_its_record_holds(path: Path, tmp_path: Path) -> None:
    driver: Mapping[str, Any] = json.loads(path.read_text())["driver"]
    found = examine_machine(Settings(home=Home(tmp_path), environ={}, machine=path))
    severities = {each.severity for each in found.findings}
    assert [each.why for each in found.unknown] == ["a recorded machine does not hold them"]
    assert [each.code for each in found.findings if each.severity == "error" and not each.fix] == [], "what to do?"
    if driver.get("fault") not in (None, "no_device"):
        code = driver.get("cause", f"driver_{driver['fault']}")
        assert (found.findings[0].code, found.findings[0].what, found.is_ill) == (code, driver["what"], True)
    elif path.stem in ILL:
        assert (found.findings[0].code, found.is_ill) == (ILL[path.stem], True)
    else:
        assert (severities <= {"note"}, found.is_ill) == (True, False), found.findings


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)
def test_the_doctor_calls_no_machine_well_on_which_nothing_can_be_set_up(path: Path, tmp_path: Path) -> None:
    settings = Settings(home=Home(tmp_path), environ={}, machine=path)
    selection, found = Fitting(settings).select(Wish()), examine_machine(settings)
    errors = {each.code for each in found.findings if each.severity == "error"}
    if selection.chosen is None:
        assert found.is_ill
        assert "nothing_fits" not in errors or len(errors) == 1, "what was told as the cause is not told again"
    else:
        assert "nothing_fits" not in errors


def test_where_nothing_fits_the_doctor_says_why_and_what_would_work() -> None:
    ran = rigfit("doctor", "--machine", Path(__file__).parents[1] / "machines/titanxp-450.json")
    text = " ".join(ran.out.split())
    assert ran.code == FOUND
    assert "error no template fits this machine" in text
    assert "needs glibc >= 2.28. Here is glibc 2.27" in text
    assert "do install a newer NVIDIA driver: 450.80.02 or later, instead of 450.57" in text


def test_a_machine_for_which_nothing_is_made_is_told_so_and_asked_for_another() -> None:
    ran = rigfit("doctor", "--json", "--machine", Path(__file__).parents[1] / "machines/mac-m3.json")
    assert [each["code"] for each in ran.result["findings"]] == ["nothing_fits", "no_gpu"]
    assert "take another machine" in ran.result["findings"][0]["fix"][0]


def test_a_gpu_that_no_template_covers_beside_one_that_it_does_is_a_note() -> None:
    ran = rigfit("doctor", "--json", "--machine", Path(__file__).parents[1] / "machines/t4-k80-470.json")
    found = {each["code"]: each for each in ran.result["findings"]}["gpu_left_out"]
    assert (found["severity"], ran.code) == ("note", 0)
    assert "GPU 1 (Tesla K80), GPU 2 (Tesla K80)" in found["what"]
    assert "the last with code for it is bitsandbytes 0.39.0" in found["because"][0]


def test_a_healthy_machine_on_which_nothing_fits_is_ill(ward: Ward) -> None:
    """As it is and not as it was recorded: glibc is that of the root folder."""
    ward.environ = {"CONDA_OVERRIDE_CUDA": "9.0"}
    ran = ward.doctor()
    found = {each["code"]: each for each in ran.result["findings"]}["nothing_fits"]
    assert (found["severity"], ran.code) == ("error", FOUND)
    assert "CONDA_OVERRIDE_CUDA" in " ".join(found["fix"])


def test_a_record_is_judged_by_the_command_too() -> None:
    machines = Path(__file__).parents[1] / "machines"
    ran = rigfit("doctor", "--json", "--machine", machines / "secure-boot.json")
    assert (ran.result["findings"][0]["code"], ran.code) == ("secure_boot", FOUND)
    assert rigfit("doctor", "--machine", machines / "h100-580.json").code == 0
