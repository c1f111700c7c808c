"""The committed matrix of machines and templates: it is up to date, and no cell says `fits` where it cannot work.

What cannot work is said here once more, in plain rules over the machine files that share no code with the judges. A new
template needs nothing here: which there are is what the folders say, and what its variants were built for what its files say.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.selection_matrix import ANY, MACHINES, MATRIX, TESTS, matrix

from rigfit.catalog.load import load_facts, load_templates
from rigfit.catalog.locate import catalog_dir
from rigfit.cli import options
from rigfit.cli.main import parser
from rigfit.core.advice import advised
from rigfit.core.refusal import why_nothing
from rigfit.core.selection import Wish, select
from rigfit.core.template import Variant
from rigfit.core.version import Version
from rigfit.probe.machine import read_machine

VARIANTS = {
    (each.template, each.name): each for template in load_templates(catalog_dir(None)) for each in template.variants
}
LEGACY = ("lora-8bit", "peft-0.10", "transformers-4.28", "transformers-4.27")
WITHOUT_TENSOR_CORES = ("GTX 16", "MX450", "T1000", "T600", "T400")


def grid() -> dict[str, dict[str, str]]:
    """The committed cells by machine and template."""
    head, *rows = MATRIX.read_text(encoding="utf-8").split("\n\n")[1].splitlines()
    names = head.split()
    starts = [head.index(name) for name in names]
    spans = list(zip(starts, [*starts[1:], None], strict=True))
    cut = [[row[start:end].strip() for start, end in spans] for row in rows]
    return {row[0]: dict(zip(names[1:], row[1:], strict=True)) for row in cut}


GRID = grid() if MATRIX.exists() else {}


def fitting() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Machine, template, cell and the machine's file, for each cell that fits."""
    for path in MACHINES:
        said = json.loads(path.read_text(encoding="utf-8"))
        for column, cell in GRID[path.stem].items():
            template, variant = cell.split("/") if column == ANY and "/" in cell else (column, cell)
            if not variant.startswith("no "):
                yield path.stem, template, variant, said


def given(template: str, cell: str) -> Variant:
    return VARIANTS[template, cell.split(maxsplit=1)[0]]


def built_for(said: dict[str, Any]) -> str:
    return {"x86_64": "linux-64", "aarch64": "linux-aarch64"}[said["platform"]["arch"]]


def covered(cell: str, said: dict[str, Any]) -> list[dict[str, Any]]:
    return [gpu for gpu in said["gpus"] if f"-GPU{gpu['index']}" not in cell.split()]


def capability(gpu: dict[str, Any]) -> float:
    return float(gpu["compute_capability"] or "nan")  # no comparison with nan is true


def test_the_committed_matrix_is_what_the_rules_say_now() -> None:
    assert MATRIX.read_text(encoding="utf-8") == matrix(), "run `python tests/selection_matrix.py` and read the diff"


def test_the_matrix_has_forty_machines_and_every_template() -> None:
    templates = {path.parent.name for path in MATRIX.parents[1].glob("environments/*/template.toml")}
    assert len(GRID) >= 40
    assert set(next(iter(GRID.values()))) == {ANY, *templates}
    assert {"current", *LEGACY} <= templates


def test_the_script_takes_no_arguments_and_writes_nothing_when_it_gets_one() -> None:
    before = MATRIX.stat().st_mtime_ns
    command = [sys.executable, str(TESTS / "selection_matrix.py"), "--help"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "usage: " in ran.stdout + ran.stderr
    assert MATRIX.stat().st_mtime_ns == before


def test_no_gpu_build_is_given_where_no_driver_answers() -> None:
    for machine, template, cell, said in fitting():
        if "fault" in said["driver"]:
            assert said["driver"]["fault"] == "no_device", machine
            assert given(template, cell).is_cpu, (machine, template)


def test_no_old_template_is_given_to_a_card_that_its_8_bit_code_is_too_old_for() -> None:
    for machine, template, cell, said in fitting():
        for gpu in covered(cell, said) if template in LEGACY else ():
            assert 5.0 <= capability(gpu) < 9.0, (machine, template)


def test_8_bit_is_promised_to_no_card_that_the_newest_bitsandbytes_has_no_8_bit_code_for() -> None:
    for machine, template, cell, said in fitting():
        gpus = covered(cell, said) if template == "current" else []
        in_8_bits = [gpu for gpu in gpus if capability(gpu) >= 7.5 and not _lacks_tensor_cores(gpu)]
        assert not gpus or "nf4" in cell or in_8_bits, machine
        assert all(capability(gpu) >= 6.0 for gpu in gpus), machine


def _lacks_tensor_cores(gpu: dict[str, Any]) -> bool:
    return any(part in gpu["name"] for part in WITHOUT_TENSOR_CORES)


def test_no_build_is_given_to_a_driver_below_its_minimum() -> None:
    minimums = {11: (450, 80), 12: (525, 60), 13: (580, 65)}
    windows = {11: (452, 39), 12: (527, 41), 13: (580, 0)}
    for machine, template, cell, said in fitting():
        build = given(template, cell).cuda
        if build and build.parts[0] in minimums:
            driver = said["driver"]
            found = tuple(int(part) for part in driver["version"].split(".")[:2])
            by_number = found >= (windows if said["platform"]["wsl"] else minimums)[build.parts[0]]
            assert by_number or Version(driver["cuda"] or "0.0") >= build, (machine, template)


def test_no_build_is_given_to_a_gpu_that_it_has_no_code_for() -> None:
    up_to_hopper = {"11.7": (3.7, 8.9), "12.1": (5.0, 9.0), "12.4": (5.0, 9.0), "12.6": (5.0, 9.0)}
    known = up_to_hopper | {"12.8": (7.0, 12.1), "13.0": (7.5, 12.1), "13.2": (7.5, 12.1)}
    for machine, template, cell, said in fitting():
        for gpu in covered(cell, said):
            low, high = known.get(str(given(template, cell).cuda), (3.5, 12.1))
            assert low <= capability(gpu) <= high, (machine, template)
            alone = capability(gpu) in (6.2, 7.2, 8.7, 11.0)
            assert not alone or (capability(gpu) == 11.0 and said["platform"]["arch"] == "aarch64"), machine


def test_an_old_system_gets_only_what_was_built_for_it() -> None:
    for machine, template, cell, said in fitting():
        glibc, needed = Version(said["platform"]["glibc"]), given(template, cell).stack(built_for(said)).glibc
        assert glibc >= needed, (machine, template)
        assert glibc >= Version("2.28") or template != "current", machine


def test_another_platform_gets_nothing() -> None:
    for machine, template, cell, said in fitting():
        assert said["platform"]["os"] == "linux", machine
        assert built_for(said) in given(template, cell).platforms, (machine, template)


@pytest.mark.parametrize(
    ("machine", "template", "cell"),
    [
        ("h100-580", "current", "cu132"),
        ("h100-580", "lora-8bit", "no quantization"),
        ("h100-580", "peft-0.10", "no quantization"),
        ("h100-580", "transformers-4.27", "no quantization"),
        ("t4-450", "current", "no driver"),
        ("t4-450", "lora-8bit", "cu117"),
        ("v100-570", "current", "cu128 nf4"),
        ("v100-570", "lora-8bit", "cu121 slow"),
        ("rtx4090-550", "current", "cu128"),
        ("rtx4090-550", "peft-0.10", "cu124"),
        ("rtx5090-575", "current", "cu128"),
        ("cpu-only", "current", "cpu"),
        ("cpu-only", "lora-8bit", "no driver"),
        ("gh200-580", "current", "cu132"),
        ("nouveau", "current", "no driver"),
        ("alpine", "current", "no glibc"),
    ],
)
def test_well_known_machines_get_what_is_known_to_work(machine: str, template: str, cell: str) -> None:
    assert GRID[machine][template] == cell


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)
def test_whatever_a_refusal_or_a_warning_advises_works(path: Path) -> None:
    catalog = catalog_dir(None)
    templates, facts = load_templates(catalog), load_facts(catalog)
    machine = read_machine(path)
    for template in (None, *(template.name for template in templates)):
        wish = Wish(template=template)
        selection = advised(select(machine, templates, facts, wish), templates, facts)
        steps = selection.warnings if selection.chosen else why_nothing(selection, templates, facts).fix
        for command in re.findall(r"`(rigfit setup[^`]*)`", "\n".join(steps)):
            named = options.wish(parser().parse_args(command.split()[1:]))
            assert select(machine, templates, facts, named).chosen, command
        for least, present in re.findall(r"driver: ([\d.]+) or later, instead of ([\d.]+)", "\n".join(steps)):
            assert Version(least) > Version(present)


def test_every_machine_says_where_it_comes_from() -> None:
    for path in MACHINES:
        assert json.loads(Path(path).read_text(encoding="utf-8"))["origin"].strip(), path.stem
