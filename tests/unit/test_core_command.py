"""A command that is told for another home than the usual one names it."""

from __future__ import annotations

import pytest

from rigfit.core.command import at_home


@pytest.mark.parametrize(
    ("told", "for_another_home"),
    [
        ("rigfit run a -- python", "rigfit run --home '/b c' a -- python"),
        ('eval "$(rigfit shell-hook a)"', "eval \"$(rigfit shell-hook --home '/b c' a)\""),
        (
            "`rigfit setup` makes one, `rigfit verify a` not",
            "`rigfit setup --home '/b c'` makes one, `rigfit verify --home '/b c' a` not",
        ),
        ("make it here: `rigfit setup a --home /d`", "make it here: `rigfit setup a --home /d`"),
        ("sudo modprobe nvidia", "sudo modprobe nvidia"),
        ("rigfit doctor", "rigfit doctor"),
    ],
)
def test_a_command_names_the_home_once_and_only_where_it_takes_one(told: str, for_another_home: str) -> None:
    assert at_home(told, "/b c") == for_another_home
    assert at_home(told, None) == told
