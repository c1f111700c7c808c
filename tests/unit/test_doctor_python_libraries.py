"""What the doctor says of the libraries of a Python: each fault alone, and its evidence."""

from __future__ import annotations

import json
import os
import shutil
import sys
import venv
from pathlib import Path

import pytest
from tests.stand_ins.bench import Bench

from rigfit.doctor.python.case import installed_on
from rigfit.doctor.python.look import look_at
from rigfit.doctor.python.native import torch_of
from rigfit.doctor.python.shelf import shelf_of


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


def test_a_version_after_the_facts_is_unknown(bench: Bench) -> None:
    for file in bench.site.glob("transformers-*/METADATA"):
        file.write_text(file.read_text().replace("4.57.6", "99.0"))
    (bench.site / "transformers/__init__.py").write_text('__version__ = "99.0"\n')
    found = bench.examined()
    assert "transformers 99.0" in found.unknown[0].what


def test_what_conda_takes_for_another_version_is_told(bench: Bench) -> None:
    books = bench.env / "conda-meta"
    books.mkdir()
    (books / "numpy-1.26.4-py311h64a7726_0.json").write_text("{}")
    (books / "accelerate-1.12.0-pyhd8ed1ab_0.json").write_text("{}")
    found = bench.only("conda_and_pip")
    assert "numpy-1.26.4" in found.because[0]


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


def test_a_proven_environment_is_another_way_and_no_second_step(bench: Bench) -> None:
    bench.have("peft", "0.10.0")
    assert bench.only("incompatible_int8").fix[1:] == ("or make a proven environment: `rigfit setup current`",)


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
