"""What other software says is not taken for ours: no finding is better than a wrong one."""

from __future__ import annotations

from typing import Any

import pytest
from tests.error_texts import texts

from rigfit.catalog.locate import catalog_dir
from rigfit.catalog.rules import load_rules
from rigfit.doctor.errors.classify import findings

RULES = load_rules(catalog_dir(None))
OTHERS = texts("others.toml")


@pytest.mark.parametrize("text", OTHERS, ids=lambda text: text["from"])
def test_the_doctor_has_nothing_to_say_about_other_software(text: dict[str, Any]) -> None:
    assert [finding.code for finding in findings(text["text"], RULES)] == []


def test_texts_enough_of_other_software_are_tried_and_each_once() -> None:
    assert len({text["text"] for text in OTHERS}) == len(OTHERS) >= 120
    assert len({text["from"] for text in OTHERS}) == len(OTHERS)
