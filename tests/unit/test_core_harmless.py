"""Text for a terminal commands nothing."""

from __future__ import annotations

import pytest

from rigfit.core.harmless import harmless, unsigned


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("plain, 机器 ✓ é\ttab", "plain, 机器 ✓ é\ttab"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[Htop", "top"),
        ("\x9b31mred", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]52;c;ZXZpbA==\x1b\\text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;without an end", ""),
        ("\x1b]0;without an end \x1b[31mred", "red"),
        ("\x1bPq#0\x1b\\picture", "picture"),
        ("\x1bcreset\x1b(Bset", "resetset"),
        ("bell\x07 back\x08 null\x00 delete\x7f half \x1b", "bell back null delete half "),
    ],
)
def test_commands_to_a_terminal_are_taken_out_whole(said: str, shown: str) -> None:
    assert harmless(said) == shown


def test_without_its_signs_a_text_is_as_wide_as_before() -> None:
    assert unsigned("\x1b[31mred") == "[31mred"
