"""Where a filter is typed, which leaves `?` to the help."""

from __future__ import annotations

from textual.widgets import Input


class FilterField(Input):
    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Nothing that one filters by has a question mark, and the last line promises help for it."""
        return key != "question_mark" and super().check_consume_key(key, character)
