"""The templates in a list, each with its mark and word; the chosen one comes first."""

from __future__ import annotations

from textual.content import Content
from textual.widgets.option_list import Option

from rigfit.core.selection import Selection
from rigfit.core.template import Template
from rigfit_installer.draw.choice import template_row
from rigfit_installer.widgets.columns import aligned
from rigfit_installer.widgets.marked_list import MarkedList
from rigfit_installer.words import MUTED, shown

_INDENT = 2


class TemplateList(MarkedList, can_focus=False):
    """Moved by the keys of the screen, whose focus stays where one types."""

    _shows: tuple[tuple[Template, ...], Selection] | None = None

    def show(self, templates: tuple[Template, ...], judged: Selection) -> None:
        """Keeps the highlighted template where it is still there."""
        before = self.highlighted_option.id if self.highlighted_option else None
        self._shows = (templates, judged)
        names = [template.name for template in templates]
        self.set_options([Option(line, id=name) for line, name in zip(self._as_lines(), names, strict=True)])
        if names:
            self.highlighted = names.index(before) if before in names else 0

    def go_to(self, name: str | None) -> None:
        """Where it is listed."""
        names = [option.id for option in self.options]
        if name in names:
            self.highlighted = names.index(name)

    def _as_lines(self) -> list[Content]:
        """With the titles, if none of them would be cut; else they come below, where the list has its own column."""
        if self._shows is None:
            return []
        templates, judged = self._shows
        titled = aligned(template_row(template, judged, titled=True) for template in templates)
        if all(line.cell_length <= self.size.width - self._get_left_gutter_width() for line in titled):
            return titled
        lines = aligned(template_row(template, judged, titled=False) for template in templates)
        if self.screen.has_class("-narrow"):
            return lines
        below = (shown(template.title, MUTED).pad_left(_INDENT) for template in templates)
        return [Content("\n").join(pair) for pair in zip(lines, below, strict=True)]

    def on_resize(self) -> None:
        if self._shows is not None and self._as_lines() != [option.prompt for option in self.options]:
            self.show(*self._shows)

    @property
    def shown(self) -> str | None:
        """The name of the template that is highlighted."""
        option = self.highlighted_option
        return option.id if option else None
