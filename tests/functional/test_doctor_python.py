"""`rigfit doctor --python` on environments that were broken on purpose: the one cause first, and a line that mends it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.stand_ins.patient import ENVIRON, IMPORTED, Patient, followed, patient, torch_wheel

pytestmark = pytest.mark.slow
MACHINES = Path(__file__).parents[1] / "machines"
H100 = ("--machine", MACHINES / "h100-580.json")
OLD = (
    *("transformers==4.28.0", "peft==0.13.2", "accelerate==1.12.0", "bitsandbytes==0.42.0"),
    *("numpy==1.26.4", "setuptools==81.0.0", "scipy==1.16.3"),
)
RECIPE = ("transformers==4.27.2", "peft==0.2.0", "accelerate==0.17.1", "bitsandbytes==0.42.0", *OLD[4:5], *OLD[6:])
NEW = ("transformers==4.57.6", "peft==0.18.1", "accelerate==1.12.0", "bitsandbytes==0.50.2", "numpy==2.3.5", "pip")


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Patient:
    return patient(tmp_path_factory.mktemp("old") / "env", torch_wheel("2.0.1", "11.7"), *OLD)


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Patient:
    return patient(tmp_path_factory.mktemp("new") / "env", torch_wheel("2.8.0", "12.8"), *NEW)


def first(who: Patient, *words: str | Path, **around: object) -> dict[str, object]:
    """What the doctor tells first; it must be an error, with exit code 7."""
    ran = who.looked_at(*words, **around)  # type: ignore[arg-type]
    assert ran.code == 7, ran.out + ran.err
    found: dict[str, object] = ran.result["findings"][0]
    assert found["severity"] == "error"
    assert found["because"]
    return found


def well(who: Patient, *words: str | Path, **around: object) -> None:
    ran = who.looked_at(*words, **around)  # type: ignore[arg-type]
    assert [each for each in ran.result["findings"] if each["severity"] != "note"] == [], ran.out
    assert ran.code == 0


def test_what_goes_together_has_nothing_wrong_and_torch_is_not_imported_for_it(old: Patient, new: Patient) -> None:
    well(old)
    well(new)
    well(new, *H100)
    for who in (old, new):
        assert not (who.site / "torch" / IMPORTED).exists()


@pytest.mark.parametrize(
    ("breaks", "code", "names"),
    [
        (("numpy==2.2.6",), "incompatible_use", ("torch 2.0.1", "numpy 2.2.6")),
        (("peft==0.14.0",), "incompatible_import", ("peft 0.14.0", "transformers 4.28.0")),
        (("tokenizers==0.22.1", "--no-deps"), "requirement_unmet", ("transformers 4.28.0", "tokenizers")),
        (("transformers==5.0.0", "--no-deps"), "requirement_unmet", ("transformers 5.0.0", "tokenizers")),
    ],
)
def test_versions_that_do_not_import_together_are_named_and_the_line_mends_them(
    old: Patient, breaks: tuple[str, ...], code: str, names: tuple[str, ...]
) -> None:
    old.install(*breaks)
    found = first(old)
    assert found["code"] == code
    assert all(name in str(found["what"]) for name in names), found
    followed(found["fix"][0], old.folder)  # type: ignore[index]
    well(old)
    old.install(*OLD)


def test_a_bitsandbytes_that_an_old_peft_cannot_train_with_is_named_here_and_on_a_gpu(new: Patient) -> None:
    new.install("peft==0.10.0")
    here, there = first(new), first(new, *H100)
    assert here["code"] == there["code"] == "incompatible_int8"
    assert "peft 0.10.0 does not train in 8 bits with bitsandbytes 0.50.2" in str(there["what"])
    followed(there["fix"][0], new.folder)  # type: ignore[index]
    well(new, *H100)
    new.install(*NEW)


def test_a_cpu_build_on_a_machine_with_a_gpu_is_the_one_cause_and_the_build_for_its_driver_mends_it(
    new: Patient, tmp_path: Path
) -> None:
    new.install("--no-deps", torch_wheel("2.8.0+cpu", None).put_in(tmp_path))
    ran = new.looked_at(*H100)
    assert [each["code"] for each in ran.result["findings"]] == ["cpu_only_torch"]
    line = ran.result["findings"][0]["fix"][0]
    index = "https://download.pytorch.org/whl/cu128"
    assert f"--index-url {index} torch==2.8.0+cu128" in line
    well(new)  # without a GPU a CPU build is what belongs there
    wheel = torch_wheel("2.8.0+cu128", "12.8").put_in(tmp_path / "index/torch")
    wheel.with_name("index.html").write_text(f'<a href="{quote(wheel.name)}">{wheel.name}</a>')
    followed(line.replace(index, (tmp_path / "index").as_uri()), new.folder)
    well(new, *H100)


def test_two_versions_over_each_other_are_told_with_what_the_files_are(old: Patient, tmp_path: Path) -> None:
    (info,) = old.site.glob("transformers-*.dist-info")
    shutil.copytree(info, tmp_path / info.name)
    old.install("transformers==4.29.2")
    shutil.copytree(tmp_path / info.name, old.site / info.name)
    found = first(old)
    assert found["code"] == "two_copies"
    assert "the files themselves are 4.29.2" in " ".join(found["because"])  # type: ignore[arg-type]
    followed(found["fix"][0], old.folder)  # type: ignore[index]
    assert not (old.site / info.name).exists()
    well(old)
    old.install(*OLD)


def test_a_copy_in_pythonpath_that_breaks_what_the_own_one_would_keep_is_the_cause(
    old: Patient, tmp_path: Path
) -> None:
    outside = tmp_path / "lib"
    old.install("--target", outside, "--no-deps", "numpy==2.2.6")
    found = first(old, environ={**ENVIRON, "PYTHONPATH": str(outside)})
    assert (found["code"], found["fix"]) == ("two_copies", ["unset PYTHONPATH"])
    assert str(outside) in str(found["because"])
    well(old)


def test_a_checkout_or_a_file_where_python_is_started_is_told_as_what_hides_the_library(
    old: Patient, tmp_path: Path
) -> None:
    here = tmp_path / "work"
    (here / "accelerate").mkdir(parents=True)  # without __init__.py it hides nothing
    (here / "bitsandbytes").mkdir()
    well(old, folder=here)
    (here / "bitsandbytes/__init__.py").touch()
    found = first(old, folder=here)
    assert found["code"] == "hidden_library"
    assert f"{here}/bitsandbytes hides the library bitsandbytes" in str(found["what"])
    assert found["fix"][0] == f"cd {tmp_path}"  # type: ignore[index]
    well(old, folder=tmp_path)
    shutil.rmtree(here / "bitsandbytes")
    (here / "torch.py").touch()
    found = first(old, folder=here)
    assert (found["code"], found["what"]) == ("hidden_library", f"{here}/torch.py hides the library torch")
    followed(found["fix"][0], here)  # type: ignore[index]
    well(old, folder=here)


def test_a_library_copied_over_the_cpus_is_told_with_its_twin_and_reinstalled(old: Patient) -> None:
    cpu = old.site / "bitsandbytes/libbitsandbytes_cpu.so"
    cpu.unlink()  # a link to the cache
    shutil.copy(cpu.with_name("libbitsandbytes_cuda118.so"), cpu)
    found = first(old)
    assert found["code"] == "copied_library"
    assert "libbitsandbytes_cuda118.so has the same content" in str(found["because"])
    followed(found["fix"][0], old.folder)  # type: ignore[index]
    well(old)


def test_a_library_without_metadata_is_told_and_gets_it_back(old: Patient) -> None:
    (info,) = old.site.glob("accelerate-*.dist-info")
    shutil.rmtree(info)
    found = first(old)
    assert found["code"] == "metadata_missing"
    assert "accelerate has no metadata" in str(found["what"])
    followed(found["fix"][0], old.folder)  # type: ignore[index]
    well(old)


def test_a_driver_too_old_for_torch_is_told_before_anything_of_the_gpu(new: Patient) -> None:
    ran = new.looked_at("--machine", MACHINES / "a100-470.json")
    assert ran.result["findings"][0]["code"] == "torch_too_new_for_driver"
    assert "no_8_bit" not in {each["code"] for each in ran.result["findings"]}


def test_a_bitsandbytes_that_lost_its_library_for_torchs_cuda_is_told_with_those_it_has_and_mended(
    old: Patient,
) -> None:
    machine = ("--machine", MACHINES / "a100-535.json")
    well(old, *machine)
    (old.site / "bitsandbytes/libbitsandbytes_cuda117.so").unlink()
    found = first(old, *machine)
    assert found["code"] == "no_bitsandbytes_library"
    assert "11.8" in str(found["because"])
    followed(found["fix"][0], old.folder)  # type: ignore[index]
    well(old, *machine)
    found = first(old, *machine, environ={**ENVIRON, "BNB_CUDA_VERSION": "999"})
    assert (found["code"], found["fix"]) == ("bnb_cuda_version", ["unset BNB_CUDA_VERSION"])


def test_8_bit_that_no_kernel_does_is_told_with_the_chain(old: Patient) -> None:
    found = first(old, *H100)
    assert found["code"] == "no_gpu_code", "torch 2.0 has none for Hopper"


@pytest.fixture(scope="module")
def real(stack: Callable[..., Path]) -> Patient:
    """With a torch that can be imported."""
    return Patient(stack(*OLD[:-1]).parents[1])


@pytest.mark.parametrize(
    ("breaks", "module", "said", "cause"),
    [
        (("peft==0.14.0",), "peft", "cannot import name 'Cache'", "peft 0.14.0 does not import"),
        (("setuptools==82.0.0", *RECIPE), "accelerate", "pkg_resources", "accelerate 0.17.1 does not import"),
    ],
)
def test_after_the_line_the_real_import_works(
    real: Patient, breaks: tuple[str, ...], module: str, said: str, cause: str
) -> None:
    def imported() -> subprocess.CompletedProcess[str]:
        environ = {name: value for name, value in ENVIRON.items() if name != "PYTHONDONTWRITEBYTECODE"}
        command = [str(real.python), "-c", f"import {module}"]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    real.install(*breaks)
    assert said in imported().stderr
    found = first(real)
    assert found["code"] == "incompatible_import"
    assert cause in str(found["what"])
    followed(found["fix"][0], real.folder)  # type: ignore[index]
    well(real)
    after = imported()
    assert after.returncode == 0, after.stderr
    real.install(*OLD)
