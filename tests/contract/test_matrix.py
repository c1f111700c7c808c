"""The measured matrix is clean data, and what is said of versions elsewhere does not contradict it."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from packaging.version import Version
from tests.matrix.measure import ROWS, STACKS
from tests.matrix.rows import LEVELS, Row, lines_of, read
from tests.matrix.stacks import minor_of, normal
from tests.matrix.table import PAGE, page

from rigfit.catalog.load import load_facts, load_templates
from rigfit.catalog.locate import catalog_dir
from rigfit.core.fact import Bound

SHIPPED = catalog_dir(None)
MEASURED = read(ROWS)
PEFTS = sorted({row.peft for row in MEASURED}, key=minor_of)
BOUNDS = [
    bound
    for bound in load_facts(SHIPPED).bounds
    if (bound.package, bound.needs, bound.to) == ("peft", "transformers", "import")
]
DECLARED = "4.34.1"  # its own requirements fit no newer accelerate and no newer PEFT


def test_a_run_is_recorded_once_and_in_order() -> None:
    assert [row.order for row in MEASURED] == sorted(row.order for row in MEASURED)
    assert Counter(row.key for row in MEASURED).most_common(1)[0][1] == 1


def test_a_run_that_did_not_get_all_the_way_says_why_and_no_other_does() -> None:
    assert [row for row in MEASURED if bool(row.error) == (row.level == LEVELS[-1])] == []


def test_each_run_names_a_stack_that_is_told_of() -> None:
    told = {line["stack"] for line in lines_of(STACKS)}
    assert {row.stack for row in MEASURED if row.level != "nothing"} == told


def test_an_error_names_no_place_of_a_machine_and_no_host() -> None:
    assert [row.error for row in MEASURED if re.search(r"://|(?<![\w.])/\w+/|\.py\b", row.error)] == []


def test_an_error_is_told_without_its_places() -> None:
    told = "ImportError: cannot import name 'Cache' from 'x' (/a b/x.py) see https://x.org/y (x.py:3 f < y.py:9 g)"
    assert normal(told) == "ImportError: cannot import name 'Cache' from 'x' see ..."


def bound_of(row: Row) -> Bound | None:
    return next((bound for bound in BOUNDS if bound.includes(Version(row.peft))), None)


@pytest.mark.parametrize("peft", PEFTS)
def test_what_is_said_of_peft_and_transformers_is_what_was_measured(peft: str) -> None:
    for row in MEASURED:
        if row.peft == peft and row.transformers != DECLARED:
            bound = bound_of(row)
            said = bound is None or bound.allows(Version(row.transformers))
            assert said == row.reaches("imports"), row


def test_no_lock_holds_a_pair_that_was_measured_not_to_import() -> None:
    imports = {(minor_of(row.transformers), minor_of(row.peft)): row.reaches("imports") for row in MEASURED}
    for template in load_templates(SHIPPED):
        for variant in template.variants:
            for stack in variant.stacks:
                pair = minor_of(str(stack.versions["transformers"])), minor_of(str(stack.versions["peft"]))
                assert imports[pair], f"{variant.template}-{variant.name} locks {pair}"


def test_the_page_tells_what_was_measured() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(MEASURED), "python -m tests.matrix.table writes it anew"
