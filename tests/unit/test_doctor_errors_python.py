"""An error text beside the Python that was named: whether it comes from there, and what is to be done in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.stand_ins.bench import MACHINES, Bench
from tests.stand_ins.rules import cause, condition, rule

from rigfit.core.finding import Diagnosis
from rigfit.core.installed import Installed
from rigfit.core.rule import Rule
from rigfit.doctor.errors.commands import for_python
from rigfit.doctor.errors.known import Known, Seen, against, another_python
from rigfit.doctor.errors.versions import versions_in
from rigfit.engine.diagnosing import explain
from rigfit.engine.settings import Settings
from rigfit.store.paths import find_home


@pytest.mark.parametrize(
    ("told", "there", "evidence"),
    [
        ("transformers==4.27.2", "4.57.0", "transformers is 4.27.2 in the text, and 4.57.0 in /env/bin/python"),
        ("transformers==4.27.2", None, "transformers is 4.27.2 in the text, and not there in /env/bin/python"),
        ("Python 3.9.2", "4.27.2", "Python is 3.9.2 in the text, and 3.11.7 in /env/bin/python"),
    ],
)
def test_a_text_of_another_python_is_told_and_judged_by_itself(told: str, there: str | None, evidence: str) -> None:
    seen = Seen(installed=Installed(versions={"transformers": there}, python="3.11.7"), place="/env/bin/python")
    known = Known(told=versions_in(told), seen=seen)
    stranger = another_python(known)
    assert stranger is not None
    assert (stranger.code, stranger.severity, stranger.because) == ("another_python", "warning", (evidence,))
    assert known.installed == known.told


@pytest.mark.parametrize(
    "told", ["transformers==4.27.2", "torch==2.1.0+cu121", "/x/lib/python3.11/site-packages/a.py", ""]
)
def test_a_text_that_agrees_with_the_python_is_from_there(told: str) -> None:
    versions = {"transformers": "4.27.2", "torch": "2.1.0"}
    seen = Seen(installed=Installed(versions=versions, python="3.11.7"), place="/env/bin/python")
    assert another_python(Known(told=versions_in(told), seen=seen)) is None


MISSING = "No module named 'peft'"
CPU_ONLY = Installed(versions={"torch": "2.13.0", "peft": "0.14.0"}, build="cpu")


@pytest.mark.parametrize(
    ("text", "told", "library", "why"),
    [
        (MISSING, rule("gone", "No module"), "peft", "peft is missing in the text, and 0.14.0 in /env/bin/python"),
        (
            "too old a driver",
            replace(rule("driver", "too old"), needs=(condition("torch cuda"),)),
            "",
            'the text has "too old a driver", which torch 2.13.0+cpu in /env/bin/python does not say',
        ),
        (
            "CUDA capability sm_120 is not compatible",
            rule("kernel", "not compatible", cause("old", "torch <2.8", "gpu >=10")),
            "",
            'the text has "CUDA capability sm_120 is not compatible", which torch 2.13.0+cpu in /env/bin/python does not say',
        ),
    ],
)
def test_what_that_python_cannot_have_said_is_of_another(text: str, told: Rule, library: str, why: str) -> None:
    known = Known(told=versions_in(text), seen=Seen(installed=CPU_ONLY, place="/env/bin/python"))
    assert against(told, text, library, known) == why


def test_a_build_of_torch_that_the_rules_do_not_know_may_have_said_anything() -> None:
    text = "CUDA capability sm_120 is not compatible"
    seen = Seen(installed=CPU_ONLY, place="/env/bin/python", usual=False)
    kernel = rule("kernel", "not compatible", cause("old", "torch <2.8", "gpu >=10"))
    assert against(kernel, text, "", Known(told=versions_in(text), seen=seen)) == ""


@pytest.mark.parametrize(
    ("line", "own", "uv"),
    [
        (
            "python -m pip install 'a<2'",
            "'/e v/python' -m pip install 'a<2'",
            "uv pip install --python '/e v/python' 'a<2'",
        ),
        ("pip list | grep a", "'/e v/python' -m pip list | grep a", "uv pip list --python '/e v/python' | grep a"),
        (
            "python -m pip uninstall -y a",
            "'/e v/python' -m pip uninstall -y a",
            "uv pip uninstall --python '/e v/python' a",
        ),
        ("python -m pip cache purge", "'/e v/python' -m pip cache purge", "uv cache clean"),
        ("python -m pip install --upgrade pip", "'/e v/python' -m pip install --upgrade pip", ""),
        (
            "python -c 'import a; b'; pip --version",
            "'/e v/python' -c 'import a; b'; '/e v/python' -m pip --version",
            "",
        ),
        (
            "python -c \"import a; f('b')\"",
            "'/e v/python' -c \"import a; f('b')\"",
            "'/e v/python' -c \"import a; f('b')\"",
        ),
        ("nvidia-smi", "nvidia-smi", "nvidia-smi"),
    ],
)
def test_a_command_is_said_for_the_python_that_was_named_with_its_pip_or_with_uv(line: str, own: str, uv: str) -> None:
    assert for_python(line, "/e v/python") == own
    assert for_python(line, "/e v/python", "uv") == uv


NOT_COMPILED = "AssertionError: Torch not compiled with CUDA enabled"
TOO_OLD_DRIVER = "RuntimeError: The NVIDIA driver on your system is too old (found version 11040)."


def explained(bench: Bench, text: str, machine: str) -> Diagnosis:
    environ = {**bench.environ, "HOME": str(bench.folder / "home")}
    home = find_home(str(bench.folder / "rigfit"), environ)
    return explain(Settings(home=home, environ=environ, machine=MACHINES / f"{machine}.json"), text, bench.env)


def test_the_line_that_is_computed_for_the_machine_stands_in_place_of_a_newest_torch_it_cannot_run(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    bench.put_torch("2.13.0+cpu", None)
    found = explained(bench, NOT_COMPILED, "h100-525").findings
    assert [each.code for each in found] == ["torch_without_cuda"]
    alone = bench.examined("h100-525").findings
    assert [each.code for each in alone] == ["cpu_only_torch"]
    assert found[0].fix == alone[0].fix
    assert f"--python {bench.env}" in found[0].fix[0]
    assert "cu12" in found[0].fix[0]


def test_a_python_whose_torch_has_no_cuda_cannot_have_met_a_driver_that_is_too_old(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.put_torch("2.13.0+cpu", None)
    driver, stranger = explained(bench, TOO_OLD_DRIVER, "h100-525").findings
    assert (driver.code, stranger.code) == ("driver_too_old_for_torch", "another_python")
    assert "torch 2.13.0+cpu" in stranger.because[0]
    assert not any("torch==2.10" in step for step in driver.fix), "which CUDA 11.4 does not run"


def test_a_library_that_is_there_is_not_to_be_installed_again_and_one_that_is_not_is_by_its_name(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    _, stranger = explained(bench, "ModuleNotFoundError: No module named 'peft'", "cpu-only").findings
    assert stranger.code == "another_python"
    assert "peft is missing in the text, and 0.18.1 in" in stranger.because[0]
    (found,) = explained(bench, "ModuleNotFoundError: No module named 'datasets'", "cpu-only").findings
    assert found.fix[0].endswith(f"pip install --python {bench.env}/bin/python datasets")


def test_the_version_of_the_python_that_was_named_decides_between_causes(tmp_path: Path) -> None:
    (found,) = explained(Bench(tmp_path), "Failed to build tokenizers", "cpu-only").findings
    assert found.fix, "one of the two causes is left"
    assert "no cause" not in " ".join(found.because)


def test_an_index_that_was_not_reached_is_told_as_that_and_not_as_a_missing_version(tmp_path: Path) -> None:
    broken = (
        "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('no name')': /simple/torch/"
    )
    none = "ERROR: Could not find a version that satisfies the requirement torch (from versions: none)"
    missing = "ERROR: No matching distribution found for torch"
    bench = Bench(tmp_path)
    told = explained(bench, f"{broken}\n{none}\n{missing}", "cpu-only").findings
    assert [each.code for each in told] == ["index_not_reached"]
    told = explained(bench, f"{none}\n{missing}", "cpu-only").findings
    assert [each.code for each in told] == ["no_torch_for_this_python"]
