"""A key of a screen: what binds it, what the last line and the help say of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import Binding, BindingType

from rigfit.core.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """`keys` are Textual's names, `label` is what a keyboard has on it. `help` tells more than `does`.

    Without `keys` it is told of, and heard elsewhere.
    """

    keys: str
    label: str
    does: Words
    action: str
    help: Words | None = None
    priority: bool = False
    in_line: bool = True

    def binding(self) -> Binding:
        return Binding(self.keys, self.action, show=False, priority=self.priority)


def bindings(keys: Iterable[Key]) -> list[BindingType]:
    return [key.binding() for key in keys if key.keys]
