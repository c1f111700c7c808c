"""Chinese in lines: it is broken between any two signs, and no line begins with the sign that ends a clause."""
# ruff: noqa: RUF001 - the signs of Chinese are meant

from __future__ import annotations

import io

import pytest
from rich.console import Console, Group
from textual.content import Content

from rigfit.cli.rows import Shown
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


@pytest.mark.parametrize("width", range(9, 40))
def test_a_number_stays_with_the_word_after_it(width: int) -> None:
    lines = [line.plain for line in wrapped(Content("需要 3.0 GiB 的空间，以 8 位加载，共 64 个库。"), width)]
    assert all(any(whole in line for line in lines) for whole in ("3.0 GiB", "8 位", "64 个"))


@pytest.mark.parametrize("width", range(6, 40))
def test_no_line_begins_with_what_closes(width: int) -> None:
    lines = [line.plain for line in wrapped(Content("见 /home/me/envs/current，（变体 cu132）：文件)，100%。"), width)]
    assert [line for line in lines if line[0] in "，。：）)%"] == []
    assert max(Content(line).cell_length for line in lines) <= width


@pytest.mark.parametrize("width", range(12, 90, 7))
def test_the_command_line_breaks_its_lines_as_the_installer_does(width: int) -> None:
    console = Console(width=width, file=io.StringIO())
    with console.capture() as captured:
        console.print(Group(Shown(TEXT)))
    lines = [line.plain for line in wrapped(Content(TEXT), width)]
    assert [line.rstrip() for line in captured.get().splitlines()] == lines
