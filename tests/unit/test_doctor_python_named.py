"""What can be named to the doctor as a Python: an environment, a program, a kernel; and what is said of others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.stand_ins.bench import Bench

from rigfit.core.problem import Problem, ProblemError


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "no such file"),
        ("", "nothing that can be run"),
        ("#!/bin/sh\necho hello\n", "a program that is no Python 3"),
        ("#!/bin/sh\necho sorry >&2; exit 3\n", "sorry"),
    ],
)
def test_what_is_no_python_is_refused_with_what_it_is(bench: Bench, content: str | None, found: str) -> None:
    path = bench.folder / "python"
    if content is not None:
        path.write_text(content)
        path.chmod(0o755 if content else 0o644)
    with pytest.raises(ProblemError) as caught:
        bench.examined(named=path)
    assert caught.value.problem.code == "python_invalid"
    assert "cannot be looked at" in caught.value.problem.what
    assert found in caught.value.problem.detail


def refusal(bench: Bench, named: Path, **environ: str) -> Problem:
    with pytest.raises(ProblemError) as caught:
        bench.examined(named=named, **environ)
    assert caught.value.problem.code == "python_invalid"
    return caught.value.problem


def test_an_environment_whose_python_is_gone_is_to_be_made_anew(bench: Bench) -> None:
    python = bench.env / "bin/python"
    python.unlink()
    python.symlink_to("/gone/python3.9")
    for named in (bench.env, python, bench.env / "bin"):
        problem = refusal(bench, named)
        assert "a link to /gone/python3.9, which is gone" in problem.detail
        assert "make the environment anew" in problem.fix[0]


def test_any_link_that_leads_nowhere_is_told_with_where_it_leads(bench: Bench) -> None:
    (bench.folder / "here").symlink_to("/gone/env")
    for named in (bench.folder / "here", bench.folder / "here/bin/python"):
        problem = refusal(bench, named)
        assert "a link to /gone/env, which is gone" in problem.detail
        assert str(bench.folder / "here") in problem.fix[0]


def test_the_name_of_a_program_is_looked_up_as_a_shell_does(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bench.work)
    found = bench.examined(named=Path("python"), PATH=str(bench.env / "bin"))
    assert found.place.startswith(str(bench.env / "bin/python"))
    assert "no such file" in refusal(bench, Path("python"), PATH=str(bench.work)).detail
    (bench.work / "python").symlink_to(bench.env)
    assert bench.examined(named=Path("python"), PATH="").place.startswith(str(bench.work / "python/bin/python"))


def test_the_folder_of_the_programs_means_its_environment(bench: Bench) -> None:
    assert bench.examined(named=bench.env / "bin").place == bench.examined().place


@pytest.mark.parametrize(("name", "mode"), [("activate", 0o644), ("pip", 0o755)])
def test_another_file_of_an_environment_is_asked_for_as_the_environment(bench: Bench, name: str, mode: int) -> None:
    file = bench.env / "bin" / name
    file.write_text("#!/bin/sh\nexit 2\n")
    file.chmod(mode)
    assert refusal(bench, file).fix == (f"name the environment: `--python {bench.env}`",)


@pytest.mark.parametrize(
    "line", ["sys.stdout.write('no end of line')", "from pathlib import Path; sys.path.append(Path('/nowhere'))"]
)
def test_what_a_python_does_when_it_starts_keeps_nobody_from_looking(bench: Bench, line: str) -> None:
    (bench.site / "starts.pth").write_text(f"import sys; {line}\n")
    assert bench.examined().findings == ()


def test_a_kernel_that_starts_another_python_is_told_and_can_be_named_itself(bench: Bench) -> None:
    spec = bench.env / "share/jupyter/kernels/python3/kernel.json"
    spec.parent.mkdir(parents=True)

    def starts(program: str, **environ: str) -> None:
        spec.write_text(json.dumps({"argv": [program, "-m", "ipykernel_launcher"], "env": environ}))

    starts("python")
    assert bench.examined().findings == ()
    assert bench.examined(named=spec).place.startswith(str(bench.env / "bin/python"))
    outside = bench.folder / "outside"
    bench.put("accelerate", "1.11.0", into=outside)
    starts("python", PYTHONPATH=str(outside))
    assert [each.code for each in bench.examined(named=spec).findings] == ["two_copies"], "its variables count"
    starts("/nowhere/bin/python3")
    found = bench.only("kernel_of_another_python")
    assert "there is no such file" in found.because[0]


@pytest.mark.parametrize("argv", [[], ["/bin/python\0"]])
def test_a_kernel_that_names_no_program_is_refused(bench: Bench, argv: list[str]) -> None:
    (bench.folder / "kernel.json").write_text(json.dumps({"argv": argv}))
    with pytest.raises(ProblemError) as caught:
        bench.examined(named=bench.folder / "kernel.json")
    assert "no kernel.json that names a program" in caught.value.problem.detail


def kernel(bench: Bench, program: str) -> Path:
    spec = bench.env / "share/jupyter/kernels/mine/kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps({"argv": [program, "-m", "ipykernel_launcher"]}))
    return spec


def test_the_folder_of_a_kernel_is_looked_at_as_its_file(bench: Bench) -> None:
    spec = kernel(bench, str(bench.env / "bin/python"))
    assert bench.examined(named=spec.parent).place == bench.examined(named=spec).place == bench.examined().place


def test_of_a_kernel_that_leads_nowhere_the_kernel_is_told_to_be_at_fault(bench: Bench) -> None:
    spec = kernel(bench, "/nowhere/bin/python3")
    for named in (spec, spec.parent):
        problem = refusal(bench, named)
        assert problem.what.startswith(f"the Jupyter kernel is at fault: {spec} starts /nowhere/bin/python3")
        assert "-m ipykernel install --user --name mine" in problem.fix[-1]


def test_a_kernel_is_made_anew_with_what_makes_kernels(bench: Bench) -> None:
    kernel(bench, "/nowhere/bin/python3")
    (step,) = bench.only("kernel_of_another_python").fix
    installing, _, making = step.partition(" && ")
    assert " pip install " in installing
    assert installing.endswith(" ipykernel")
    bench.put("ipykernel", "6.29.5")
    assert bench.only("kernel_of_another_python").fix == (making,)
    assert "-m ipykernel install --sys-prefix --name mine" in making
