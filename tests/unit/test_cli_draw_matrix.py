"""The measured matrix in a terminal that is too narrow for all its columns."""

from __future__ import annotations

import pytest
from rich.console import Console

from rigfit.cli.draw_matrix import Grid
from rigfit.core.matrix import Reach

COLUMNS = ("4.28.1", "4.29.2", "4.30.2", "4.31.0", "5.9.0", "5.10.4", "5.11.0")


def drawn(width: int, reach: dict[tuple[str, str], Reach]) -> list[str]:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(Grid(("0.21.2", "0.2.0"), COLUMNS, reach))
    return captured.get().splitlines()


def reaches() -> dict[tuple[str, str], Reach]:
    found: dict[tuple[str, str], Reach] = {("0.21.2", column): "resolves" for column in COLUMNS}
    found |= {("0.2.0", column): "numbers" for column in COLUMNS}
    return {**found, ("0.21.2", "5.10.4"): "adapter_roundtrip"}


def test_a_column_stands_under_its_minor_version() -> None:
    assert drawn(80, reaches()) == [
        "transformers 4.2 4.3 5. 5.1",
        "PEFT         89  01  9  01",
        "0.21.2       xx  xx  x  #x",
        "0.2.0        oo  oo  o  oo",
    ]


@pytest.mark.parametrize("width", [18, 24, 26])
def test_what_is_too_wide_comes_in_blocks_and_nothing_is_lost(width: int) -> None:
    lines = drawn(width, reaches())
    assert max(map(len, lines)) <= width
    signs = "".join(line.removeprefix("0.21.2") for line in lines if line.startswith("0.21.2"))
    assert signs.replace(" ", "") == "xxxxx#x"
    assert lines.count("") == sum(line.startswith("transformers") for line in lines) - 1
