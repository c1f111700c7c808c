"""Writes selection-matrix.txt: which variant of each template every recorded machine would get, or the first reason against.

Run `python tests/selection_matrix.py` after a change of facts, locks, machines or rules, and read the difference.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import starmap
from pathlib import Path

from rigfit.catalog.load import load_facts, load_templates
from rigfit.catalog.locate import catalog_dir
from rigfit.core.advice import advised
from rigfit.core.machine import Driver, Machine
from rigfit.core.refusal import nearest
from rigfit.core.selection import Selection, Wish, select
from rigfit.probe.machine import read_machine

TESTS = Path(__file__).resolve().parent
MACHINES = sorted((TESTS / "machines").glob("*.json"))
MATRIX = TESTS / "selection-matrix.txt"
HEAD = """\
Written by `python tests/selection_matrix.py`; a test compares. A cell is the variant that the machine gets of that template, `slow` where
8-bit is slow there, `nf4` where only 4-bit works, `-GPU` for what is left out; or `no` and the requirement that stands against it first.
`setup` is what `rigfit setup` takes where no template is named.
"""
ANY = "setup"


def main() -> None:
    if sys.argv[1:]:
        sys.exit("usage: python tests/selection_matrix.py, without arguments; writes tests/selection-matrix.txt")
    MATRIX.write_text(matrix(), encoding="utf-8")
    sys.stdout.write(f"wrote {MATRIX.relative_to(TESTS.parent)}: {len(MACHINES)} machines\n")


def matrix() -> str:
    """The grid of machines and templates, then every reason against."""
    catalog = catalog_dir(None)
    templates, facts = load_templates(catalog), load_facts(catalog)
    wishes = {ANY: Wish()} | {template.name: Wish(template=template.name) for template in templates}
    machines = {path.stem: read_machine(path) for path in MACHINES}
    judged = {
        stem: {
            name: advised(select(machine, templates, facts, wish), templates, facts) for name, wish in wishes.items()
        }
        for stem, machine in machines.items()
    }
    grid = [["machine", *wishes], *([stem, *starmap(cell, row.items())] for stem, row in judged.items())]
    reasons = (line for stem, row in judged.items() for line in described(stem, machines[stem], row))
    return "\n".join([HEAD, *columns(grid), "", *reasons]).rstrip() + "\n"


def cell(name: str, selection: Selection) -> str:
    chosen, ground = selection.chosen, selection.proving_ground
    if chosen is None:
        return f"no {nearest(selection).decisive[0].requirement}"
    slow = any("8-bit is slow" in warning for warning in chosen.warnings)
    nf4 = chosen.quantization(ground.index if ground else None) == "nf4"
    marks = [*(["slow"] if slow else []), *(["nf4"] if nf4 else []), *(f"-GPU{index}" for index in chosen.left_out)]
    variant = f"{chosen.variant.template}/{chosen.variant.name}" if name == ANY else chosen.variant.name
    return " ".join([variant, *marks])


def described(stem: str, machine: Machine, row: dict[str, Selection]) -> Iterator[str]:
    yield f"{stem}: {summary(machine)}"
    for name, selection in row.items():
        if selection.chosen is None and name != ANY:
            yield f"  {name}/{nearest(selection).variant.name}: {nearest(selection).decisive[0].words}"
        elif selection.chosen is not None:
            yield from (f"  {name}/{selection.chosen.variant.name}: {warning}" for warning in selection.warnings)
    yield ""


def summary(machine: Machine) -> str:
    driver = machine.driver
    said = f"driver {driver.version}" if isinstance(driver, Driver) else driver.fault
    gpus = ", ".join(f"{gpu.label} ({gpu.compute_capability or 'unknown'})" for gpu in machine.gpus) or "no GPU"
    wsl = ", WSL2" if machine.platform.wsl else ""
    return f"{gpus}; {said}; {machine.platform.os} {machine.platform.arch}, glibc {machine.platform.glibc}{wsl}"


def columns(rows: list[list[str]]) -> Iterator[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


if __name__ == "__main__":
    main()
