"""A recorded machine is read exactly, and every slip in one is named by file, key, needed and found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rigfit.core.machine import FAULTS, Driver, DriverFault, Gpu, Machine, Platform
from rigfit.core.problem import ProblemError
from rigfit.core.version import Capability, Version
from rigfit.probe.machine import read_machine

MACHINES = sorted((Path(__file__).parents[1] / "machines").glob("*.json"))
H100 = next(path for path in MACHINES if path.stem == "h100-580")


def written(tmp_path: Path, value: object) -> Path:
    path = tmp_path / "machine.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ProblemError) as caught:
        read_machine(path)
    problem = caught.value.problem
    assert (problem.code, problem.exit_code) == ("machine_invalid", 2)
    assert str(path) in problem.what
    assert problem.fix
    assert str(path) in problem.what
    return problem.what


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)
def test_each_recorded_machine_survives_a_round_trip(tmp_path: Path, path: Path) -> None:
    machine = read_machine(path)
    assert read_machine(written(tmp_path, machine.to_json())) == machine
    recorded = json.loads(path.read_text())
    assert recorded.pop("origin")
    said = machine.to_json()
    judged_apart: dict[str, None] = {"driver": None, "gpus": None}
    assert {key: said[key] for key in recorded} | judged_apart == recorded | judged_apart
    assert recorded["driver"].items() <= said["driver"].items()
    assert all(old.items() <= new.items() for old, new in zip(recorded["gpus"], said["gpus"], strict=True))


def architecture(gpu: Gpu) -> str:
    match gpu.compute_capability:
        case Capability(major=7, minor=minor):
            return "Turing" if minor == 5 else "Volta"
        case Capability(major=8, minor=9):
            return "Ada"
        case Capability(major=major):
            return {3: "Kepler", 5: "Maxwell", 6: "Pascal", 8: "Ampere", 9: "Hopper"}.get(major, "Blackwell")
        case None:
            return "unread"


def test_the_library_has_every_fault_every_architecture_and_many_drivers() -> None:
    machines = [read_machine(path) for path in MACHINES]
    assert len(machines) >= 40
    assert {each.driver.fault for each in machines if isinstance(each.driver, DriverFault)} == set(FAULTS)
    seen = {architecture(gpu) for each in machines for gpu in each.gpus}
    from_kepler_on = {"Kepler", "Maxwell", "Pascal", "Volta", "Turing", "Ampere", "Ada", "Hopper", "Blackwell"}
    assert seen == from_kepler_on | {"unread"}
    branches = {each.driver.version.parts[0] for each in machines if isinstance(each.driver, Driver)}
    assert {450, 470, 525, 535, 550, 570, 580, 610} <= branches


def test_the_library_has_the_odd_places_too() -> None:
    machines = [read_machine(path) for path in MACHINES]
    gpus = [gpu for each in machines for gpu in each.gpus]
    platforms = [each.platform for each in machines]
    assert {each.os for each in platforms} == {"linux", "darwin", "win32"}
    assert {"x86_64", "aarch64"} <= {each.arch for each in platforms if each.os == "linux"}
    assert {Version("2.17"), None} <= {each.glibc for each in platforms if each.os == "linux"}
    assert {each.wsl for each in platforms} == {True, False}
    assert {gpu.compute_mode for gpu in gpus} == {None, "default", "exclusive_process", "prohibited"}
    assert {None, (), 4} == {gpu.slices if not gpu.slices else len(gpu.slices) for gpu in gpus if gpu.mig}
    assert any(len({gpu.compute_capability for gpu in each.gpus}) > 1 for each in machines)


def test_a_record_from_before_mig_instances_were_read_has_none() -> None:
    assert "slices" not in json.loads(H100.read_text())["gpus"][0]
    assert read_machine(H100).gpus[0].slices is None


def test_the_record_of_the_h100_is_read_field_by_field() -> None:
    machine = read_machine(H100)
    assert machine.driver == Driver(version=Version("580.159.04"), cuda=Version("13.0"))
    assert machine.platform.glibc == Version("2.39")
    gpu = machine.gpus[0]
    assert (gpu.compute_capability, gpu.memory_total, gpu.mig) == (Capability(9, 0), 85520809984, False)


def test_what_detect_prints_is_read_with_its_envelope(tmp_path: Path) -> None:
    record = json.loads(H100.read_text())
    envelope = {"schema": 1, "command": "detect", "ok": True, "result": record}
    assert read_machine(written(tmp_path, envelope)) == read_machine(H100)


def test_a_machine_with_a_fault_and_all_that_may_be_null_survives_a_round_trip(tmp_path: Path) -> None:
    machine = Machine(
        platform=Platform(os="linux", arch="x86_64", glibc=None),
        driver=DriverFault(fault="unknown", cause="gpu_lost", what="so it is", module_version=Version("1.2")),
    )
    assert read_machine(written(tmp_path, machine.to_json())) == machine


def change(record: dict[str, Any], key: str, value: object) -> None:
    *above, last = (int(name) if name.isdigit() else name for name in key.split("."))
    place: Any = record
    for name in above:
        place = place[name]
    if value is ...:
        del place[last]
    else:
        place[last] = value


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("schema", 2, "schema: needed 1; found 2"),
        ("schema", True, "schema: needed 1; found true"),
        ("schema", ..., "schema: needed this key; found none"),
        ("origin", 3, "origin: needed a text; found 3"),
        ("speed", 3, "found the key 'speed'"),
        ("platform", [], "platform: needed an object; found []"),
        ("platform.os", None, "platform.os: needed a text; found null"),
        ("platform.os", "", 'platform.os: needed a text; found ""'),
        ("platform.arch", ..., "platform.arch: needed this key; found none"),
        ("platform.glibc", "2.39-dev", "platform.glibc: needed a version"),
        ("platform.wsl", None, "platform.wsl: needed true or false; found null"),
        ("platform.libc", "2", "found the key 'libc'"),
        ("driver", None, "driver: needed an object; found null"),
        ("driver.version", None, "driver.version: needed a version such as 580.159.04, as a text; found null"),
        ("driver.version", 580, "driver.version: needed a version such as 580.159.04, as a text; found 580"),
        ("driver.cuda", 13.0, "driver.cuda: needed a version"),
        ("driver.cuda", ..., "driver.cuda: needed this key; found none"),
        ("driver.fault", "broken", "driver.version: needed one of the keys fault, cause, what, fix"),
        ("gpus", {}, "gpus: needed a list; found {}"),
        ("gpus.0", None, "gpus[0]: needed an object; found null"),
        ("gpus.0.index", -1, "gpus[0].index: needed a whole number; found -1"),
        ("gpus.0.index", True, "gpus[0].index: needed a whole number; found true"),
        ("gpus.0.compute_capability", "9", "gpus[0].compute_capability: needed a compute capability such as 9.0"),
        ("gpus.0.compute_capability", 9.0, "gpus[0].compute_capability: needed a compute capability such as 9.0"),
        (
            "gpus.0.memory_total",
            "80 GB",
            'gpus[0].memory_total: needed a whole number of bytes, or null; found "80 GB"',
        ),
        ("gpus.0.memory_free", 1.5, "gpus[0].memory_free: needed a whole number of bytes, or null; found 1.5"),
        ("gpus.0.mig", "off", 'gpus[0].mig: needed true or false; found "off"'),
        ("gpus.0.uuid", ..., "gpus[0].uuid: needed this key; found none"),
        ("gpus.0.memory", 3, "found the key 'memory'"),
        ("gpus.0.slices", 3, "gpus[0].slices: needed a list; found 3"),
        ("gpus.0.slices", [{"uuid": None}], "gpus[0].slices[0].name: needed this key; found none"),
        ("gpus.0.slices", [{"profile": "1g"}], "gpus[0].slices[0].profile: needed one of the keys uuid, name, memory"),
        ("memory_total", -5, "memory_total: needed a whole number of bytes, or null; found -5"),
        ("disk_free", ..., "disk_free: needed this key; found none"),
        ("cache_disk_free", "much", 'cache_disk_free: needed a whole number of bytes, or null; found "much"'),
    ],
)
def test_a_slip_is_named_by_its_key_with_what_is_needed_and_found(
    tmp_path: Path, key: str, value: object, said: str
) -> None:
    record = json.loads(H100.read_text())
    change(record, key, value)
    assert said in refusal(written(tmp_path, record))


@pytest.mark.parametrize(
    ("driver", "said"),
    [
        ({"fault": "broken", "what": "x"}, "driver.fault: needed one of no_device, no_driver"),
        ({"fault": ["no_device"], "what": "x"}, "driver.fault: needed one of no_device"),
        ({"fault": "no_device"}, "driver.what: needed this key; found none"),
        ({"fault": "no_device", "what": "x", "fix": "reboot"}, 'driver.fix: needed a list; found "reboot"'),
        ({"fault": "no_device", "what": "x", "fix": [1]}, "driver.fix[0]: needed a text; found 1"),
        (
            {"fault": "version_mismatch", "what": "x", "module_version": "new"},
            "driver.module_version: needed a version",
        ),
    ],
)
def test_a_slip_in_a_fault_is_named(tmp_path: Path, driver: object, said: str) -> None:
    record = json.loads(H100.read_text())
    assert said in refusal(written(tmp_path, record | {"driver": driver}))


def test_two_gpus_with_one_index_are_refused(tmp_path: Path) -> None:
    record = json.loads(H100.read_text())
    record["gpus"] *= 2
    assert "gpus[0].index: needed an index that no other GPU has; found 0" in refusal(written(tmp_path, record))


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '"machine"', "\x00", "[" * 100_000])
def test_a_file_that_holds_no_machine_is_refused(tmp_path: Path, text: str) -> None:
    assert "needed" in refusal(written(tmp_path, text))


def test_a_file_that_is_not_there_or_is_a_folder_or_not_utf8_is_refused(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "nowhere.json")
    assert "directory" in refusal(tmp_path)
    (tmp_path / "latin").write_bytes(b'{"origin": "\xe9"}')
    assert "UTF-8" in refusal(tmp_path / "latin")


def test_a_recorded_problem_is_no_machine(tmp_path: Path) -> None:
    assert "'command'" in refusal(written(tmp_path, {"schema": 1, "command": "detect", "ok": False, "problem": {}}))
