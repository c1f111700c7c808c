"""The templates in a list, each with its mark and word; the chosen one comes first."""

from __future__ import annotations

from textual.events import Resize
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from rigfit.core.selection import Selection
from rigfit.core.template import Template
from rigfit_installer.draw.choice import template_row
from rigfit_installer.widgets.columns import Row, aligned

_ROOM = 60  # cells


class TemplateList(OptionList, can_focus=False):
    """Moved by the keys of the screen, whose focus stays where one types."""

    _drawn: tuple[tuple[Template, ...], Selection, bool] | None = None

    def show(self, templates: tuple[Template, ...], judged: Selection) -> None:
        """Keeps the highlighted template where it is still there; titles only where a whole one has room."""
        before = self.highlighted_option.id if self.highlighted_option else None
        titled = self.size.width >= _ROOM
        rows: list[Row] = [template_row(template, judged, titled=titled) for template in templates]
        self._drawn = (templates, judged, titled)
        names = [template.name for template in templates]
        self.set_options([Option(line, id=name) for line, name in zip(aligned(rows), names, strict=True)])
        if names:
            self.highlighted = names.index(before) if before in names else 0

    def on_resize(self, event: Resize) -> None:
        if self._drawn is not None and self._drawn[2] != (event.size.width >= _ROOM):
            self.show(*self._drawn[:2])

    @property
    def shown(self) -> str | None:
        """The name of the template that is highlighted."""
        option = self.highlighted_option
        return option.id if option else None
