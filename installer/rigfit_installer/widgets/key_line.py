"""The last line: the keys that do something on this screen; a click does the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.style import Style
from textual.widget import Widget

from rigfit.language import said
from rigfit_installer.key import Key

if TYPE_CHECKING:
    from rigfit_installer.screens.stage import Stage

_KEY_STYLE = "bold $footer-key-foreground"
_GAP = 2


class KeyLine(Widget):
    """As many hints as have room, in the order of the screen; the last two, help and quit, always do."""

    ALLOW_SELECT = False

    def render(self) -> Content:
        stage: Stage = self.screen  # type: ignore[assignment]
        keys = [key for key in stage.usable_keys() if key.in_line]
        return Content(" " * _GAP).join(_hint(key) for key in _with_room(keys, self.size.width))


def _with_room(keys: list[Key], width: int) -> list[Key]:
    while len(keys) > 2 and sum(_hint(key).cell_length + _GAP for key in keys) - _GAP > width:
        del keys[-3]
    return keys


def _hint(key: Key) -> Content:
    action = key.action if key.action.startswith("app.") else f"screen.{key.action}"
    click = Style.from_meta({"@click": action})
    hint = Content.assemble((key.label, _KEY_STYLE), " ", said(key.does))
    return hint.stylize(click)
