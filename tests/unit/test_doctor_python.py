"""What the doctor says of a Python whose libraries are files written here: each fault alone, and its evidence."""

from __future__ import annotations

import json
import os
import shutil
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rigfit.core.finding import Diagnosis, Finding
from rigfit.core.problem import Problem, ProblemError
from rigfit.doctor.python.case import installed_on
from rigfit.doctor.python.look import look_at
from rigfit.doctor.python.native import torch_of
from rigfit.doctor.python.shelf import shelf_of
from rigfit.engine.diagnosing import examine_python
from rigfit.engine.settings import Settings
from rigfit.store.paths import find_home

MACHINES = Path(__file__).parents[1] / "machines"
STACK = {"transformers": "4.57.6", "peft": "0.18.1", "accelerate": "1.12.0", "numpy": "2.3.5", "tokenizers": "0.22.1"}
LIBRARIES = ("cpu", "cuda118", "cuda128")


@dataclass
class Bench:
    """A virtual environment with a sound stack, and where its Python is started."""

    folder: Path
    environ: dict[str, str] = field(default_factory=lambda: {"PATH": os.environ["PATH"]})

    def __post_init__(self) -> None:
        venv.create(self.env, with_pip=False, symlinks=True)
        self.work.mkdir()
        for name, version in STACK.items():
            self.put(name, version)
        self.put("huggingface_hub", "0.36.0")
        self.put_torch("2.8.0", "12.8")
        self.put("bitsandbytes", "0.50.2")
        for number, name in enumerate(LIBRARIES):
            (self.site / f"bitsandbytes/libbitsandbytes_{name}.so").write_bytes(bytes([number]) * (100 + number))

    @property
    def env(self) -> Path:
        return self.folder / "env"

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def site(self) -> Path:
        (found,) = self.env.glob("lib/python3*/site-packages")
        return found

    def put(self, name: str, version: str, *lines: str, into: Path | None = None, own: str | None = None) -> Path:
        """A library; `lines` are further ones of its metadata, `own` what its files call themselves."""
        site = into or self.site
        info = site / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        head = ("Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines)
        (info / "METADATA").write_text("\n".join(head) + "\n")
        (site / name).mkdir(exist_ok=True)
        (site / name / "__init__.py").write_text(f'__version__ = "{own or version}"\n')
        return info

    def have(self, name: str, version: str) -> None:
        """That version in the place of the one that is there."""
        for old in self.site.glob(f"{name}-*.dist-info"):
            shutil.rmtree(old)
        self.put(name, version)

    def put_torch(self, version: str, cuda: str | None) -> None:
        self.have("torch", version)
        told = f"__version__ = {version!r}\ncuda: Optional[str] = {cuda!r}\nhip: Optional[str] = None\n"
        (self.site / "torch/version.py").write_text(told)

    def examined(self, machine: str = "cpu-only", named: Path | None = None, **environ: str) -> Diagnosis:
        return self.examined_with(environ, machine, named)

    def examined_with(self, environ: Mapping[str, str], machine: str, named: Path | None = None) -> Diagnosis:
        around = {**self.environ, "HOME": str(self.folder / "home"), **environ}
        settings = Settings(
            home=find_home(str(self.folder / "rigfit"), around), environ=around, machine=MACHINES / f"{machine}.json"
        )
        return examine_python(settings, named or self.env, folder=self.work)

    def only(self, code: str, machine: str = "cpu-only", **environ: str) -> Finding:
        """That finding, and no other."""
        found = self.examined_with(environ, machine).findings
        assert [each.code for each in found] == [code], found
        return found[0]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_sound_stack_has_nothing_wrong_with_a_gpu_and_without(bench: Bench) -> None:
    for machine in ("cpu-only", "h100-580"):
        found = bench.examined(machine)
        assert (found.findings, found.unknown) == ((), ())
    assert found.versions["torch"] == "2.8.0"
    assert found.place.startswith(str(bench.env / "bin/python"))


def test_what_is_installed_is_told_with_what_is_not(bench: Bench) -> None:
    look = look_at(bench.env, bench.work, bench.environ)
    shelf = shelf_of(look)
    installed = installed_on(shelf, torch_of(shelf), look.version, ("sentencepiece",))
    assert installed.versions["peft"] == "0.18.1"
    assert installed.is_absent("sentencepiece")
    assert (installed.build, str(installed.cuda)) == ("cuda", "12.8")
    assert installed.python == ".".join(map(str, sys.version_info[:3]))


def test_without_any_of_the_libraries_only_that_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    empty = tmp_path / "empty"
    venv.create(empty, with_pip=False, symlinks=True)
    found = bench.examined(named=empty).findings
    assert [each.code for each in found] == ["no_libraries"]
    assert "rigfit setup" in found[0].fix[0]


def test_one_that_is_missing_is_told_with_the_line_that_adds_it(bench: Bench) -> None:
    (bench.site / "accelerate-1.12.0.dist-info/METADATA").unlink()
    (bench.site / "accelerate-1.12.0.dist-info").rmdir()
    (bench.site / "accelerate/__init__.py").unlink()
    found = bench.only("not_installed")
    assert "accelerate" in found.what
    assert " pip install " in found.fix[0]
    assert "accelerate==" in found.fix[0]


def test_an_editable_install_hides_nothing(bench: Bench) -> None:
    checkout = bench.folder / "checkout"
    (checkout / "src/peft").mkdir(parents=True)
    (checkout / "src/peft/__init__.py").write_text('__version__ = "0.18.1"\n')
    (bench.site / "peft/__init__.py").unlink()
    told = {"url": checkout.as_uri(), "dir_info": {"editable": True}}
    (bench.site / "peft-0.18.1.dist-info/direct_url.json").write_text(json.dumps(told))
    (bench.site / "__editable__.peft.pth").write_text(f"{checkout}/src\n")
    assert bench.examined().findings == ()
    assert bench.examined(PYTHONPATH=str(checkout / "src")).findings == ()


def test_a_file_named_like_a_module_of_python_is_a_warning_and_hides_no_look(bench: Bench) -> None:
    (bench.work / "json.py").write_text("raise SystemExit('not the real one')\n")
    found = bench.only("hidden_standard_module")
    assert (found.severity, found.because) == ("warning", (f"`import json` takes {bench.work}/json.py",))


def test_a_copy_in_the_users_folder_is_a_note_where_it_is_the_same_and_more_where_it_is_not(bench: Bench) -> None:
    config = bench.env / "pyvenv.cfg"
    config.write_text(config.read_text().replace("= false", "= true"))  # only then does it look there
    own = bench.folder / f"home/.local/lib/{bench.site.parent.name}/site-packages"
    bench.put("peft", "0.18.1", into=own)
    assert bench.examined().findings == (), "an environment of venv looks there last"
    first = str(own)  # at the beginning, where conda's and the system's Pythons have it
    assert bench.only("two_copies", PYTHONPATH=first).severity == "note"
    bench.put("peft", "0.18.0", into=own)
    shutil.rmtree(own / "peft-0.18.1.dist-info")
    found = bench.only("two_copies", PYTHONPATH=first)
    assert (found.severity, found.fix[0]) == ("warning", "export PYTHONNOUSERSITE=1")
    bench.put("peft", "0.16.0", into=own)
    shutil.rmtree(own / "peft-0.18.0.dist-info")
    (own / "peft/__init__.py").write_text("")
    for name in ("transformers", "tokenizers"):
        for file in bench.site.glob(f"{name}-*/METADATA"):
            file.write_text(file.read_text().replace("4.57.6", "5.0.0"))
    (bench.site / "transformers/__init__.py").write_text('__version__ = "5.0.0"\n')
    found = bench.examined(PYTHONPATH=first).findings[0]
    assert (found.code, found.severity) == ("two_copies", "error"), "PEFT 0.16 does not import with transformers 5"


def test_one_of_pythonpath_that_changes_the_version_is_a_warning(bench: Bench) -> None:
    outside = bench.folder / "outside"
    bench.put("accelerate", "1.11.0", into=outside)
    found = bench.only("two_copies", PYTHONPATH=f"{outside}{os.pathsep}/nowhere")
    assert (found.severity, found.fix) == ("warning", ("export PYTHONPATH=/nowhere",))


def test_files_of_another_version_than_the_metadata_are_told(bench: Bench) -> None:
    (bench.site / "peft/__init__.py").write_text('__version__ = "0.13.2"\n')
    found = bench.only("half_installed")
    assert "the files themselves are 0.13.2" in found.because[1]
    assert "peft==0.18.1" in found.fix[0]


@pytest.mark.parametrize("wrong", ["Requires-Python: <3.9", None])
def test_a_library_for_another_python_is_told(bench: Bench, wrong: str | None) -> None:
    info = bench.site / "tokenizers-0.22.1.dist-info"
    if wrong:
        (info / "METADATA").write_text(f"{(info / 'METADATA').read_text()}{wrong}\n")
    else:
        (info / "WHEEL").write_text("Tag: cp38-cp38-manylinux_2_17_x86_64\n")
    found = bench.only("other_python")
    assert "tokenizers was not made for Python" in found.what


def test_a_declared_need_counts_by_its_marker(bench: Bench) -> None:
    info = bench.site / "transformers-4.57.6.dist-info/METADATA"
    needs = ("numpy>=99; python_version < '3'", "regex", "torch>=99; extra == 'torch'", "numpy<1.20")
    info.write_text(info.read_text() + "".join(f"Requires-Dist: {each}\n" for each in needs))
    found = bench.only("requirement_unmet")
    assert found.because == ("needed: regex; found: no regex", "needed: numpy<1.20; found: numpy 2.3.5")


def test_a_library_that_was_copied_over_the_cpus_is_told_by_its_twin_and_by_its_recorded_size(bench: Bench) -> None:
    cpu = bench.site / "bitsandbytes/libbitsandbytes_cpu.so"
    (bench.site / "bitsandbytes-0.50.2.dist-info/RECORD").write_text(
        "bitsandbytes/libbitsandbytes_cpu.so,sha256=x,100\n"
    )
    assert bench.examined().findings == ()
    cpu.write_bytes(cpu.with_name("libbitsandbytes_cuda128.so").read_bytes())
    found = bench.only("copied_library")
    assert len(found.because) == 3
    cpu.write_bytes(b"of an older build")
    assert "its wheel had it with 100 bytes" in bench.only("copied_library").because[1]


def test_a_cpu_build_explains_everything_else_of_the_gpu(bench: Bench) -> None:
    bench.put_torch("2.8.0+cpu", None)
    for library in LIBRARIES[1:]:
        (bench.site / f"bitsandbytes/libbitsandbytes_{library}.so").unlink()
    found = bench.only("cpu_only_torch", "h100-580")
    assert "--index-url https://download.pytorch.org/whl/cu128 torch==2.8.0+cu128" in found.fix[0]
    assert bench.examined("cpu-only").findings == ()


def test_the_build_that_is_offered_is_one_for_an_older_driver(bench: Bench) -> None:
    bench.put_torch("2.11.0+cpu", None)
    found = bench.only("cpu_only_torch", "a100-535")
    assert "whl/cu128 torch==2.10.0+cu128" in found.fix[0], "CUDA 13 needs driver 580"


def test_a_driver_that_does_not_answer_is_told_with_its_own_steps(bench: Bench) -> None:
    found = bench.only("driver_fault", "driver-updated-not-rebooted")
    assert "rigfit doctor" in found.fix


def test_8_bits_that_a_gpu_cannot_do_or_does_slowly_are_told(bench: Bench) -> None:
    bench.put_torch("2.4.1", "12.1")
    bench.have("bitsandbytes", "0.44.1")
    (bench.site / "bitsandbytes/libbitsandbytes_cuda121.so").write_bytes(b"1")
    found = bench.only("no_8_bit", "h100-580")
    assert "8-bit on 9.0 (Hopper) needs bitsandbytes >= 0.45.0" in found.because[1]
    assert "bitsandbytes==" in found.fix[0]
    note = bench.only("no_gpu_for_8_bit")
    assert (note.severity, "bitsandbytes 0.44.1 does 8 bits on one alone" in note.what) == ("note", True)
    slow = bench.only("slow_8_bit", "p100-535")
    assert (slow.severity, "8-bit is slow on" in slow.what) == ("note", True)


def test_a_torch_that_no_fact_is_about_is_unknown_and_no_finding(bench: Bench) -> None:
    bench.put_torch("2.8.0+cu126", "12.6")
    (bench.site / "bitsandbytes/libbitsandbytes_cuda126.so").write_bytes(b"1")
    found = bench.examined("h100-580")
    assert found.findings == ()
    assert [each.why for each in found.unknown] == ["no fact is about this version built with CUDA 12.6"]


def test_a_torch_that_does_not_tell_its_build_is_unknown(bench: Bench) -> None:
    (bench.site / "torch/version.py").unlink()
    found = bench.examined("h100-580")
    assert (found.findings, [each.what for each in found.unknown]) == ((), ["what torch is built for"])


def test_a_version_after_the_facts_is_unknown(bench: Bench) -> None:
    for file in bench.site.glob("transformers-*/METADATA"):
        file.write_text(file.read_text().replace("4.57.6", "99.0"))
    (bench.site / "transformers/__init__.py").write_text('__version__ = "99.0"\n')
    found = bench.examined()
    assert "transformers 99.0" in found.unknown[0].what


def test_libraries_of_the_loaders_variable_before_those_of_torch_are_told(bench: Bench) -> None:
    own, other = bench.site / "nvidia/cublas/lib", bench.folder / "cuda/lib64"
    for folder, content in ((own, b"12.8"), (other, b"12.1 and longer")):
        folder.mkdir(parents=True)
        (folder / "libcublas.so.12").write_bytes(content)
    found = bench.only("ld_library_path", "h100-580", LD_LIBRARY_PATH=f"{other}:/usr/lib")
    assert (found.severity, found.fix) == ("warning", ("export LD_LIBRARY_PATH=/usr/lib",))
    (other / "libcublas.so.12").rename(other / "libcublas.so.11")
    assert bench.examined("h100-580", LD_LIBRARY_PATH=str(other)).findings == ()
    (other / "libcuda.so.1").write_bytes(b"for linking")
    assert bench.only("driver_stub", "h100-580", LD_LIBRARY_PATH=str(other)).fix == ("unset LD_LIBRARY_PATH",)


def test_two_runtimes_of_one_name_are_a_note(bench: Bench) -> None:
    for folder, content in ((bench.site / "nvidia/cuda_runtime/lib", b"12.8"), (bench.env / "lib", b"12.1...")):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "libcudart.so.12").write_bytes(content)
    assert bench.only("duplicate_cudart").severity == "note"


def test_what_conda_takes_for_another_version_is_told(bench: Bench) -> None:
    books = bench.env / "conda-meta"
    books.mkdir()
    (books / "numpy-1.26.4-py311h64a7726_0.json").write_text("{}")
    (books / "accelerate-1.12.0-pyhd8ed1ab_0.json").write_text("{}")
    found = bench.only("conda_and_pip")
    assert "numpy-1.26.4" in found.because[0]


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


def test_the_impostor_of_nvml_is_a_note(bench: Bench) -> None:
    bench.put("nvidia_ml_py", "12.575.51")
    bench.put("pynvml", "12.0.0")
    assert bench.examined().findings == ()
    (bench.site / "pynvml-12.0.0.dist-info").rename(bench.site / "pynvml-11.5.3.dist-info")
    (bench.site / "pynvml-11.5.3.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: pynvml\nVersion: 11.5.3\n"
    )
    assert bench.only("pynvml_impostor").severity == "note"


def test_into_a_python_that_others_manage_no_line_installs_anything(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bench.site / "peft/__init__.py").write_text('__version__ = "0.13.2"\n')
    monkeypatch.setattr("rigfit.doctor.python.look.Look.is_managed", property(lambda _: True))
    (step,) = bench.only("half_installed").fix
    assert "lets pip change nothing" in step


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


@pytest.mark.parametrize("argv", [[], ["/bin/python\0"]])
def test_a_kernel_that_names_no_program_is_refused(bench: Bench, argv: list[str]) -> None:
    (bench.folder / "kernel.json").write_text(json.dumps({"argv": argv}))
    with pytest.raises(ProblemError) as caught:
        bench.examined(named=bench.folder / "kernel.json")
    assert "no kernel.json that names a program" in caught.value.problem.detail


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


def test_a_proven_environment_is_another_way_and_no_second_step(bench: Bench) -> None:
    bench.have("peft", "0.10.0")
    assert bench.only("incompatible_int8").fix[1:] == ("or make a proven environment: `rigfit setup current`",)


@pytest.mark.parametrize("machine", sorted(file.stem for file in MACHINES.glob("*.json")))
def test_no_error_is_told_without_what_to_do(bench: Bench, machine: str) -> None:
    bench.put_torch("2.8.0+cpu", None)
    bench.have("peft", "0.10.0")
    errors = [each for each in bench.examined(machine).findings if each.severity == "error"]
    assert [each.code for each in errors if not each.fix] == []
    assert errors


def test_of_a_gpu_that_no_driver_serves_the_driver_comes_first(bench: Bench) -> None:
    bench.put_torch("2.8.0+cpu", None)
    driver = json.loads((MACHINES / "nouveau.json").read_text())["driver"]
    found = bench.only("cpu_only_torch", "nouveau")
    assert driver["fix"] == list(found.fix[: len(driver["fix"])])


def test_what_imports_and_does_not_work_is_not_said_not_to_import(bench: Bench) -> None:
    bench.put_torch("2.0.1", "11.7")
    found = next(each for each in bench.examined().findings if "numpy" in each.what)
    assert (found.code, found.what) == ("incompatible_use", "torch 2.0.1 does not work with numpy 2.3.5")
    assert "with NumPy 2 it warns" in found.because[0]


@pytest.mark.parametrize("file", ["METADATA", "WHEEL"])
def test_metadata_that_is_no_utf8_is_read_as_far_as_it_goes(bench: Bench, file: str) -> None:
    with (bench.site / "peft-0.18.1.dist-info" / file).open("ab") as info:
        info.write(b"Author: J\xf6rg\n")
    assert bench.examined().findings == ()
    assert bench.examined().versions["peft"] == "0.18.1"


@pytest.mark.parametrize("tag", ["garbage", "cp3x-abi3-any"])
def test_a_tag_of_a_wheel_that_is_none_accuses_nobody(bench: Bench, tag: str) -> None:
    (bench.site / "peft-0.18.1.dist-info/WHEEL").write_text(f"Tag: {tag}\n")
    assert bench.examined().findings == ()


def test_a_link_to_a_library_that_is_gone_is_no_library(bench: Bench) -> None:
    (bench.site / "bitsandbytes/libbitsandbytes_cuda126.so").symlink_to(bench.folder / "gone.so")
    assert bench.examined("h100-580").findings == ()
    (bench.site / "bitsandbytes/libbitsandbytes_cuda128.so").unlink()
    (bench.site / "bitsandbytes/libbitsandbytes_cuda128.so").symlink_to(bench.folder / "gone.so")
    found = bench.only("no_bitsandbytes_library", "h100-580")
    assert found.because[1].endswith("11.8")


def test_a_build_of_torch_that_cannot_be_read_is_unknown(bench: Bench) -> None:
    bench.put_torch("2.8.0", "twelve")
    found = bench.examined("h100-580")
    assert found.findings == ()
    assert [each.what for each in found.unknown] == ["what torch is built for"]


@pytest.mark.parametrize(
    "line", ["sys.stdout.write('no end of line')", "from pathlib import Path; sys.path.append(Path('/nowhere'))"]
)
def test_what_a_python_does_when_it_starts_keeps_nobody_from_looking(bench: Bench, line: str) -> None:
    (bench.site / "starts.pth").write_text(f"import sys; {line}\n")
    assert bench.examined().findings == ()


def test_a_version_that_is_none_is_unknown(bench: Bench) -> None:
    bench.have("peft", "main-2f3")
    found = bench.examined()
    assert found.findings == ()
    assert [each.what for each in found.unknown] == ["how peft main-2f3 goes with the others"]


def test_of_two_in_one_folder_the_later_version_is_kept_where_the_files_do_not_tell(bench: Bench) -> None:
    bench.put("peft", "0.9.0")
    (bench.site / "peft/__init__.py").write_text("")
    found = bench.only("two_copies")
    assert found.fix[0].startswith(f"rm -r {bench.site}/peft-0.9.0.dist-info && ")
    assert found.fix[0].endswith(" peft==0.18.1")


def test_no_line_asks_for_a_version_that_is_none(bench: Bench) -> None:
    shutil.rmtree(bench.site / "peft-0.18.1.dist-info")
    bench.put("peft", "abc", own="0.18.1")
    assert bench.only("half_installed").fix[0].endswith(" peft==0.18.1")
