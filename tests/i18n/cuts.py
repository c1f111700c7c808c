"""Finds what a screen of the installer shows only in part, in whatever language."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from textual.app import App
from textual.command import CommandPalette
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, OptionList

from rigfit_installer.key import Key
from rigfit_installer.screens.stage import Stage
from rigfit_installer.widgets.columns import Columns
from rigfit_installer.widgets.key_line import KeyLine
from rigfit_installer.widgets.sheet import Sheet

_CORNERS = 4  # cells of a border that are none of its title's


def cuts(app: App[int]) -> list[str]:
    """Where, and what; empty where everything is there to be read, if only by scrolling down."""
    return [f"{_place(widget)}: {text}" for widget in _shown(app) for text in _cut_of(widget)]


def keys_left_out(app: App[int]) -> list[str]:
    """What the last line has no room to tell; the help does."""
    lines = app.screen.query(KeyLine)
    hints = [(line.render().plain, key) for line in lines for key in _keys(line)]
    return [f"{key.label}: {key.does}" for line, key in hints if key.label not in line]


def _keys(line: KeyLine) -> list[Key]:
    assert isinstance(line.screen, Stage)
    return [key for key in line.screen.usable_keys() if key.in_line]


def _shown(app: App[int]) -> list[Widget]:
    return [each for each in app.screen.walk_children(Widget) if each.region.area]


def _place(widget: Widget) -> str:
    return f"{type(widget.screen).__name__} {type(widget).__name__}#{widget.id or ''}"


def _cut_of(widget: Widget) -> Iterator[str]:
    if not isinstance(widget.screen, CommandPalette):  # which is laid out by Textual
        yield from _sticks_out(widget)
    if isinstance(widget, Sheet) and widget.content_size.height < _height(widget):
        yield "it has too few lines"
    if widget.border_title and cell_len(str(widget.border_title)) > widget.outer_size.width - _CORNERS:
        yield str(widget.border_title)
    yield from _lines_cut(widget)


def _sticks_out(widget: Widget) -> Iterator[str]:
    parent = widget.parent
    around = parent if isinstance(parent, Widget) and parent.region.area else widget.screen
    if not (around.region.x <= widget.region.x and widget.region.right <= around.region.right):
        yield "it sticks out to the side"


def _height(sheet: Sheet) -> int:
    return sheet.get_content_height(sheet.screen.size, sheet.app.size, sheet.content_size.width)


def _lines_cut(widget: Widget) -> Iterator[str]:
    room = widget.content_size.width
    match widget:
        case KeyLine():
            yield from _wider([widget.render()], room)
        case Sheet() if isinstance(widget.visual, Columns):
            yield from _wider(widget.visual.at(room).split("\n"), room)
        case Sheet() if isinstance(widget.visual, Content) and widget.styles.text_wrap == "nowrap":
            yield from _wider([widget.visual], room)
        case OptionList():
            yield from _wider([option.prompt for option in widget.options if isinstance(option.prompt, Content)], room)
        case Button():
            yield from _wider([Content(str(widget.label))], room)
        case Input():
            yield from _wider([Content(widget.placeholder)], room)
        case _:
            pass


def _wider(lines: list[Content], room: int) -> Iterator[str]:
    yield from (line.plain for line in lines if line.cell_length > room)
