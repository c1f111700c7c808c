"""The main job for real: wheels from the package index, a model loaded in 8 bits, a LoRA step, a receipt."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.stand_ins.channel import make_whole_python
from tests.stand_ins.command import Ran, rigfit
from tests.stand_ins.web import serve

from rigfit.core.proof import check_ids

CHECK_IDS = check_ids("full", "int8", "cpu")
pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
SETUP = ("setup", "current", "--variant", "cpu", "--yes")
HAS_311 = sys.version_info[:2] == (3, 11)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with the CPU environment in it, with a space in its path."""
    place = tmp_path_factory.mktemp("a home") / "rigfit"
    ran = rigfit(*SETUP, "--home", place, "--base", "local")
    if ran.code == 5 and ("torch-2.13.0" in ran.err or "Python 3.11" in ran.err):
        pytest.skip(f"the CPU stack cannot be had here: {ran.err}")
    assert ran.code == 0, ran.err
    (place / "said.txt").write_text(ran.err + ran.out)
    yield place
    shutil.rmtree(place)


def only(home: Path) -> dict[str, object]:
    (environment,) = rigfit("list", "--json", "--home", home).result["environments"]
    assert isinstance(environment, dict)
    return environment


def test_a_person_sees_machine_choice_plan_progress_proof_and_how_to_use_it(home: Path) -> None:
    said = (home / "said.txt").read_text()
    name = str(only(home)["environment"])
    for expected in (
        "machine",
        "choice",
        "current/cpu",
        "because",
        "plan",
        "libraries from wheels:",
        f"rigfit run --home {shlex.quote(str(home))} {name} -- python\n",
    ):
        assert expected in said
    told = [tuple(line.split()[:2]) for line in said.splitlines() if line.split()[:1] and line.split()[0] in CHECK_IDS]
    assert told == [(name, "passed") for name in CHECK_IDS], "each check is told once"
    assert f"proven: {name} on cpu, level full" in said


def test_the_receipt_says_full_on_the_cpu_with_all_eight_checks(home: Path) -> None:
    environment = only(home)
    receipt = environment["receipt"]
    assert isinstance(receipt, dict)
    assert environment["usable"] is True
    assert (receipt["level"], receipt["device"], receipt["passed"], receipt["base"]) == ("full", "cpu", True, "local")
    assert [(check["id"], check["status"]) for check in receipt["checks"]] == [(name, "passed") for name in CHECK_IDS]
    assert receipt["versions"]["torch"] == "2.13.0+cpu"
    assert receipt["machine"]["platform"]["os"] == "linux"


def test_a_second_setup_fetches_nothing_and_proves_again(home: Path) -> None:
    before = only(home)["receipt"]
    ran = rigfit(*SETUP, "--home", home, "--base", "local", "--events")
    events = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.code == 0
    assert [event["step"] for event in events if event["event"] == "step_started"] == ["verify"]
    assert events[-1]["event"] == "run_finished"
    after = only(home)["receipt"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert after["made"] == before["made"]
    assert after["proven"] > before["proven"]


def test_an_environment_is_used_by_run_and_by_the_shell_hook(home: Path) -> None:
    question = "import peft, sys; print(sys.prefix, peft.__version__)"
    ran = rigfit("run", "current", "--home", home, "--", "python", "-c", question)
    assert ran.code == 0
    assert str(only(home)["prefix"]) in ran.out
    script = (
        f'eval "$("{Path(sys.executable).with_name("rigfit")}" shell-hook --shell sh --home "$1")" && python -c "$2"'
    )
    hooked = subprocess.run(["sh", "-c", script, "sh", str(home), question], capture_output=True, text=True, check=True)
    assert hooked.stdout == ran.out
    assert rigfit("run", "current", "--home", home, "--", "python", "-c", "raise SystemExit(7)").code == 7


def test_pip_in_an_activated_environment_is_its_own(home: Path) -> None:
    ran = rigfit("run", "current", "--home", home, "--", "pip", "--version")
    assert str(only(home)["prefix"]) in ran.out


def test_verify_proves_the_last_environment_whatever_the_surroundings_say(home: Path) -> None:
    hostile = {
        **os.environ,
        "PYTHONPATH": "/nowhere",
        "PYTHONDONTWRITEBYTECODE": "1",
        "CUDA_VISIBLE_DEVICES": "0",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "TRANSFORMERS_CACHE": "/nowhere",
    }
    ran = rigfit("verify", "--json", "--home", home, environ=hostile)
    assert (ran.code, ran.result["level"], ran.result["passed"]) == (0, "full", True)


def test_a_damaged_environment_loses_its_receipt_and_repair_makes_it_right(home: Path) -> None:
    environment = only(home)
    (library,) = Path(str(environment["prefix"])).glob("lib/python*/site-packages/bitsandbytes/libbitsandbytes_cpu.so")
    library.unlink()
    ran = rigfit("verify", "--json", "--home", home)
    assert (ran.code, ran.problem["code"]) == (6, "verification_failed")
    assert "library" in ran.problem["what"]
    assert (only(home)["usable"], only(home)["standing"]) == (False, "failed")
    refused = rigfit("run", "current", "--home", home, "--", "python")
    assert refused.code == 6
    assert "rigfit repair" in refused.err
    repaired = rigfit("repair", "current", "--json", "--base", "local", "--home", home)
    assert (repaired.code, repaired.result["passed"]) == (0, True)
    assert only(home)["standing"] == "proven"


def test_a_conda_base_comes_from_the_channel_and_is_proven(home: Path, tmp_path: Path) -> None:
    del home  # it has filled the wheel cache, or skipped what cannot be had here
    if not HAS_311:
        pytest.skip("the stand-in interpreter is the one that runs the tests, and the lock is for 3.11")
    with serve() as site:
        catalog = _with_conda_section(tmp_path / "catalog", make_whole_python().put_on(site))
        ran = _conda_setup(catalog, tmp_path, tmp_path / "home")
        assert ran.code == 0, ran.err
        receipt = ran.result
        assert (receipt["base"], receipt["level"], receipt["passed"]) == ("conda", "full", True)
        site.replies.clear()
        shutil.rmtree(tmp_path / "rattler")
        refused = _conda_setup(catalog, tmp_path, tmp_path / "other")
    assert (refused.code, refused.problem["code"]) == (5, "base_unavailable")


def _conda_setup(catalog: Path, folder: Path, home: Path) -> Ran:
    environ = {**os.environ, "RATTLER_CACHE_DIR": str(folder / "rattler")}
    return rigfit(*SETUP, "--base", "conda", "--json", "--catalog", catalog, "--home", home, environ=environ)


def _with_conda_section(catalog: Path, channel: str) -> Path:
    """The real catalog, its interpreter replaced by the stand-in."""
    shutil.copytree(ROOT / "environments", catalog)
    lock, sizes = catalog / "current" / "cpu.conda-lock.yml", catalog / "current" / "cpu.sizes.json"
    python = make_whole_python().locked(channel)
    content = yaml.safe_load(lock.read_text())
    template = next(package for package in content["package"] if package["name"] == "python")
    packages = [package for package in content["package"] if package["manager"] == "pip"]
    packages.append({**template, "version": python.version, "url": python.url, "hash": {"sha256": python.sha256}})
    lock.write_text(yaml.safe_dump(content | {"package": packages}))
    known = json.loads(sizes.read_text())
    known["lock_sha256"] = hashlib.sha256(lock.read_bytes()).hexdigest()
    here = known["platforms"]["linux-64"]
    here["sizes"] = {name: size for name, size in here["sizes"].items() if name.endswith(".whl")}
    here["sizes"][python.filename] = {"fetch": python.size, "unpacked_estimate": python.unpacked}
    for key, part in (("fetch", "fetch"), ("disk", "unpacked")):
        here[key] = sum(size.get(part, size.get(f"{part}_estimate")) for size in here["sizes"].values())
    sizes.write_text(json.dumps(known))
    return catalog


def test_killed_at_random_moments_and_run_again(home: Path) -> None:
    del home
    script = Path(__file__).with_name("kills.py")
    ran = subprocess.run([sys.executable, str(script), "--times", "2"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 passed, 0 failed" in ran.stdout
