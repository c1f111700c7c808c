"""A piece of a screen that shows rows, and knows no markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content
from textual.visual import VisualType
from textual.widgets import Static

from rigfit_installer.widgets.columns import Columns, Row


class Sheet(Static):
    def __init__(self, content: VisualType = "", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(_wrapping(content), id=id, classes=classes, markup=False)

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        super().update(_wrapping(content), layout=layout)

    def lay(self, rows: Iterable[Row], *, giving: Sequence[int] = (), right: Sequence[int] = ()) -> None:
        self.update(Columns(rows, giving=giving, right=right))

    @property
    def plain(self) -> str:
        """What it says, as text."""
        return getattr(self.visual, "plain", "")


def _wrapping(content: VisualType) -> VisualType:
    """Wide letters are wrapped by us."""
    if isinstance(content, Content) and content.cell_length > len(content.plain):
        return Columns([(content,)])
    return content
