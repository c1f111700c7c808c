"""Chinese in lines: it is broken between any two signs, and no line begins with the sign that ends a clause."""
# ruff: noqa: RUF001 - the signs of Chinese are meant

from __future__ import annotations

import pytest
from textual.content import Content

from rigfit_installer.widgets.wrapping import wrapped

TEXT = "torch 用 CUDA 12.8 编译，可在 525.60.13 及更新的驱动上运行；其数值（实测）可能有偏差。"


@pytest.mark.parametrize("width", range(12, 90, 7))
def test_lines_are_filled_and_whole(width: int) -> None:
    lines = [line.plain for line in wrapped(Content(TEXT), width)]
    assert max(Content(line).cell_length for line in lines) <= width
    assert max([width - Content(line).cell_length for line in lines[:-1]], default=0) < 12  # cells: the longest word
    assert [line for line in lines if line[0] in "，。；）"] == []
    assert "".join(lines).replace(" ", "") == TEXT.replace(" ", "")


def test_a_path_that_is_longer_than_a_line_goes_on_in_the_next() -> None:
    lines = [line.plain for line in wrapped(Content("位置 /home/me/.local/share/rigfit/envs/current"), 20)]
    assert lines == ["位置", "/home/me/.local/shar", "e/rigfit/envs/curren", "t"]


def test_lines_that_are_given_and_empty_ones_stay() -> None:
    assert [line.plain for line in wrapped(Content("一\n\n二三"), 10)] == ["一", "", "二三"]


def test_a_style_goes_with_its_letters() -> None:
    first, second = wrapped(Content.styled("一二三四", "bold"), 4)
    assert first.markup == "[bold]一二[/bold]"
    assert second.markup == "[bold]三四[/bold]"
