"""Environments that are made for another machine: what is said of them, what they refuse, and how that machine proves them."""

from __future__ import annotations

import hashlib
import json
import platform
from pathlib import Path

import pytest
from tests.stand_ins.catalogs import make_catalog
from tests.stand_ins.command import rigfit
from tests.stand_ins.nvml import StandIn
from tests.stand_ins.plans import bare_environ
from tests.stand_ins.prepared import BNB, MACHINES, Rig, gpu_of, having
from tests.stand_ins.wheels import make_wheel


def for_arm(catalog: Path) -> None:
    """The same lock, for another platform."""
    place = catalog / "sample"
    lock, sizes = place / "cpu.conda-lock.yml", place / "cpu.sizes.json"
    before = hashlib.sha256(lock.read_bytes()).hexdigest()
    for file in (lock, sizes, place / "template.toml"):
        file.write_text(file.read_text().replace("linux-64", "linux-aarch64"))
    sizes.write_text(sizes.read_text().replace(before, hashlib.sha256(lock.read_bytes()).hexdigest()))


def test_what_is_made_for_another_machine_has_no_receipt_and_says_so(rig: Rig) -> None:
    ran = rig.setup("--machine", MACHINES / "t4-535.json", "--no-verify")
    assert ran.code == 0, ran.err
    assert "unproven: sample-cu128-" in ran.out
    assert "rigfit verify --home " in ran.out
    assert "libraries from wheels:" in ran.err
    assert "prove it: load" not in ran.err
    environment = rig.listed()
    assert (environment["standing"], environment["usable"], environment["receipt"]) == ("unproven", False, None)
    assert (environment["made"]["device"], environment["made"]["gpu"]) == ("cuda:0", gpu_of("t4-535"))
    assert [file.suffixes for file in (rig.home / "receipts").iterdir()] == [[".unproven", ".json"]]
    assert "unproven: not usable" in rig.ask("list").out


@pytest.mark.parametrize(("verb", "after"), [("run", ("--", "true")), ("shell-hook", ())])
def test_what_is_unproven_is_not_used(rig: Rig, verb: str, after: tuple[str, ...]) -> None:
    name = rig.prepare()
    ran = rig.ask(verb, name, *after)
    assert ran.code == 6
    assert f"{name} is unproven" in ran.err
    assert f"rigfit verify --home {rig.home} {name}" in ran.err


def test_a_machine_on_which_it_cannot_work_refuses_to_prove_it_with_the_reasons(rig: Rig) -> None:
    rig.prepare()
    ran = rig.verify("--json")
    assert (ran.code, ran.problem["code"]) == (3, "nothing_fits")
    assert "cu128" in ran.problem["detail"]
    assert rig.listed()["standing"] == "unproven"


def test_its_machine_proves_it_and_gives_the_receipt(rig: Rig, standin: StandIn) -> None:
    name = rig.prepare()
    made = rig.listed()["made"]["made"]
    rig.oblige()
    ran = rig.verify(on=having(standin, "t4-535"))
    assert ran.code == 0, ran.err
    assert f"proven: {name} on GPU 0" in ran.out
    environment = rig.listed()
    assert (environment["standing"], environment["usable"]) == ("proven", True)
    receipt = environment["receipt"]
    assert (receipt["gpu"], receipt["device"], receipt["made"]) == (gpu_of("t4-535"), "cuda:0", made)
    assert receipt["machine"]["gpus"][0]["name"] == "Tesla T4"
    assert [file.name for file in (rig.home / "receipts").iterdir()] == [f"{name}.json"]


def test_a_card_without_8_bit_support_proves_it_with_nf4_and_that_is_said(rig: Rig, standin: StandIn) -> None:
    name = rig.prepare()
    assert rig.listed()["made"]["quantization"] == "int8"
    rig.oblige()
    volta = having(standin, "v100-580")
    planned = rig.setup("--dry-run", "--json", on=volta).result
    assert "4 bits (NF4)" in planned["steps"][-1]["title"]
    ran = rig.verify(on=volta)
    assert ran.code == 0, ran.err
    assert f"proven with 4-bit NF4: {name} on GPU 0" in ran.out
    receipt = rig.listed()["receipt"]
    assert (receipt["quantization"], receipt["gpu"]) == ("nf4", gpu_of("v100-580"))
    assert receipt["checks"][3]["id"] == "nf4_weights"
    assert "proven with 4-bit NF4" in rig.ask("list").out
    assert rig.verify("--json", on=volta).result["quantization"] == "nf4"


def test_a_failed_proof_on_its_machine_is_remembered(rig: Rig, standin: StandIn) -> None:
    rig.prepare()
    rig.oblige(failing="numeric_error")
    ran = rig.verify("--json", on=having(standin, "t4-535"))
    assert (ran.code, ran.problem["code"]) == (6, "verification_failed")
    assert rig.listed()["standing"] == "failed"


def test_a_setup_on_its_machine_proves_it_where_it_stands(rig: Rig, standin: StandIn) -> None:
    rig.prepare()
    made = rig.listed()["made"]["made"]
    rig.oblige()
    ran = rig.setup("--events", on=having(standin, "t4-535"))
    assert ran.code == 0, ran.out
    events = [json.loads(line) for line in ran.out.splitlines()]
    assert [event["step"] for event in events if event["event"] == "step_started"] == ["verify"]
    assert (rig.listed()["standing"], rig.listed()["receipt"]["made"]) == ("proven", made)


def test_a_second_setup_without_proof_does_nothing(rig: Rig) -> None:
    rig.prepare()
    marker = Path(rig.listed()["prefix"]) / "mine"
    marker.touch()
    rig.prepare()
    assert marker.exists()
    assert rig.listed()["standing"] == "unproven"


def test_level_imports_passes_without_the_gpu_and_changes_no_standing(rig: Rig, standin: StandIn) -> None:
    name = rig.prepare()
    rig.oblige()
    ran = rig.verify("--level", "imports")
    assert ran.code == 0, ran.err
    assert f"passed: {name} on cpu, level imports" in ran.out
    assert rig.listed()["standing"] == "unproven"
    volta = having(standin, "v100-580")
    on_another = rig.verify("--level", "imports", "--json", on=volta).result
    assert (on_another["level"], on_another["passed"], on_another["device"]) == ("imports", True, "cuda:0")
    assert rig.verify(on=volta).code == 0
    before = rig.listed()["receipt"]
    assert rig.verify("--level", "imports").code == 0
    assert rig.listed()["receipt"] == before


def test_modules_that_no_longer_import_cost_the_receipt_but_an_unproven_one_had_none(
    rig: Rig, standin: StandIn
) -> None:
    rig.prepare()
    rig.oblige(failing="imports")
    ran = rig.verify("--level", "imports", "--json")
    assert (ran.code, ran.problem["code"]) == (6, "verification_failed")
    assert "level imports" in ran.problem["what"]
    assert rig.listed()["standing"] == "unproven"
    rig.oblige()
    assert rig.verify(on=having(standin, "t4-535")).code == 0
    rig.oblige(failing="imports")
    assert rig.verify("--level", "imports").code == 6
    assert rig.listed()["standing"] == "failed"
    rig.oblige()
    assert rig.verify("--level", "imports").code == 0  # which is no proof
    assert rig.listed()["standing"] == "failed"
    assert rig.verify(on=having(standin, "t4-535")).code == 0
    assert rig.listed()["standing"] == "proven"


@pytest.mark.parametrize("damage", ["begun afresh", "no Python", "moved", "no record"])
def test_what_is_not_whole_is_unfinished(rig: Rig, damage: str) -> None:
    name = rig.prepare()
    prefix, record = Path(rig.listed()["prefix"]), rig.home / "receipts" / f"{name}.unproven.json"
    match damage:
        case "begun afresh":
            (prefix / ".rigfit-unfinished").touch()
        case "no Python":
            (prefix / "bin" / "python").unlink()
        case "moved":
            record.write_text(record.read_text().replace(str(prefix), "/elsewhere"))
        case "no record":
            record.unlink()
    assert (rig.listed()["standing"], rig.listed()["made"]) == ("unfinished", None)
    assert rig.verify(name).code == 5
    rig.prepare()
    assert rig.listed()["standing"] == "unproven"


def test_removing_it_leaves_nothing(rig: Rig) -> None:
    assert rig.ask("remove", rig.prepare(), "--yes").code == 0
    assert list((rig.home / "receipts").iterdir()) == []
    assert rig.ask("list", "--json").result["environments"] == []


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the other platform is ARM here")
def test_a_machine_of_another_platform_is_refused_before_anything_is_changed(tmp_path: Path) -> None:
    catalog = make_catalog(tmp_path / "catalog", make_wheel("torch", "2.13.0"), BNB)
    for_arm(catalog)
    words = (
        "setup",
        "sample",
        "--variant",
        "cpu",
        "--catalog",
        catalog,
        "--home",
        tmp_path / "home",
        "--json",
        "--yes",
    )
    machine = ("--machine", MACHINES / "graviton-cpu.json")
    ran = rigfit(*words, *machine, "--no-verify", environ=bare_environ(tmp_path))
    assert (ran.code, ran.problem["code"]) == (2, "machine_is_recorded")
    assert "linux on aarch64 cannot be made here, on linux on x86_64" in ran.problem["what"]
    assert not (tmp_path / "home").exists()
