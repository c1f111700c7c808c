"""Rows that wrap inside their own column, at any width, with letters of any width."""

from __future__ import annotations

from textual.content import Content

from rigfit_installer.widgets.columns import Columns, aligned


def lines(table: Columns, width: int) -> list[str]:
    return [line.plain.rstrip() for line in table.at(width).split("\n")]


def cells(*texts: str) -> tuple[Content, ...]:
    return tuple(map(Content, texts))


def test_the_last_column_gives_way_and_wraps_under_itself() -> None:
    table = Columns([cells("driver", "needs a newer one"), cells("disk", "ok")])
    assert lines(table, 18) == ["driver  needs a", "        newer one", "disk    ok"]


def test_a_name_that_its_column_would_cut_stands_whole_below_what_it_is() -> None:
    table = Columns([cells("libraries", "one, two"), cells("where", "/home/me/envs/one")])
    assert lines(table, 30) == ["libraries  one, two", "where      /home/me/envs/one"]
    assert lines(table, 20) == ["libraries  one, two", "where", "  /home/me/envs/one"]
    numbered = Columns([cells("[1]", "VS Code interpreter", "/home/me/envs/one")])
    assert lines(numbered, 30) == ["[1]  VS Code interpreter", "     /home/me/envs/one"]


def test_a_name_that_is_cut_anyway_stays_beside_what_it_is() -> None:
    assert lines(Columns([cells("where", "/home/me/envs/one")]), 15)[0].startswith("where  /home/")


def test_a_row_of_one_cell_spans_the_width_and_keeps_its_indent_when_it_wraps() -> None:
    table = Columns([cells("a", "b"), cells("  the whole width for this")])
    assert lines(table, 16) == ["a  b", "  the whole", "  width for this"]


def test_the_columns_that_are_named_share_what_is_left() -> None:
    table = Columns([cells("imports", "m" * 30, "e" * 20, "1 s")], giving=(1, 2))
    assert max(map(len, lines(table, 50))) <= 50
    assert lines(table, 50)[0].endswith("1 s")


def test_wide_letters_stay_under_each_other() -> None:
    first, second = aligned([cells("机器", "x"), cells("disk", "y")])
    assert first.cell_length == second.cell_length == 7


def test_no_row_and_no_width_are_no_failure() -> None:
    assert Columns([], giving=(2, 3)).at(40).plain == ""
    assert Columns([cells("a", "b")], giving=(2, 3)).at(1).plain
