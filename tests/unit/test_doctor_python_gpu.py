"""What the doctor says of a Python whose torch or bitsandbytes does not go with the machine, or with each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.stand_ins.bench import LIBRARIES, MACHINES, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


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


def test_a_build_of_torch_that_cannot_be_read_is_unknown(bench: Bench) -> None:
    bench.put_torch("2.8.0", "twelve")
    found = bench.examined("h100-580")
    assert found.findings == ()
    assert [each.what for each in found.unknown] == ["what torch is built for"]


def test_a_link_to_a_library_that_is_gone_is_no_library(bench: Bench) -> None:
    (bench.site / "bitsandbytes/libbitsandbytes_cuda126.so").symlink_to(bench.folder / "gone.so")
    assert bench.examined("h100-580").findings == ()
    (bench.site / "bitsandbytes/libbitsandbytes_cuda128.so").unlink()
    (bench.site / "bitsandbytes/libbitsandbytes_cuda128.so").symlink_to(bench.folder / "gone.so")
    found = bench.only("no_bitsandbytes_library", "h100-580")
    assert found.because[1].endswith("11.8")


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
