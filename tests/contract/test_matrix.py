"""The measured matrix is clean data, and what is said of versions elsewhere does not contradict it."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from packaging.version import Version
from tests.matrix import derive
from tests.matrix.bounds import bounds, in_toml
from tests.matrix.brief import brief
from tests.matrix.edges import Edge, edges
from tests.matrix.measure import ROWS, STACKS
from tests.matrix.picture import PICTURE, picture
from tests.matrix.rows import LEVELS, Row, lines_of, read
from tests.matrix.stacks import minor_of, normal
from tests.matrix.table import PAGE, page

from rigfit.catalog.load import load_facts, load_templates
from rigfit.catalog.locate import catalog_dir
from rigfit.catalog.matrix import read_matrix
from rigfit.core.fact import End
from rigfit.core.matrix import newest_of_minors

SHIPPED = catalog_dir(None)
MEASURED = read(ROWS)
BOUNDS = [bound for bound in load_facts(SHIPPED).bounds if bound.to != "check"]
AROUND = {
    line["stack"]: {name: Version(text) for name, text in (pin.split("==") for pin in line["packages"])}
    for line in lines_of(STACKS)
}
UNDECLARED = (
    "peft: ModuleNotFoundError: No module named 'huggingface_hub.errors'"  # of one pair, and no bound between two
)


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


def broken(row: Row) -> set[End]:
    """What the facts say will fail."""
    versions = {**AROUND[row.stack], "peft": Version(row.peft)}
    return {
        bound.to
        for bound in BOUNDS
        if bound.concerns(versions) and bound.needs in versions and not bound.allows(versions[bound.needs])
    }


def expected(row: Row) -> tuple[set[str], set[str]]:
    """The levels that it can end at, with both models and with the causal one alone."""
    ends = broken(row)
    if "import" in ends:
        return {"resolves"}, {"resolves"}
    if row.needs_gpu:
        return {"imports"}, {"imports"}
    if "int8" in ends:
        return {"imports", "numbers"}, {"imports", "numbers"}
    return {"numbers" if "seq2seq" in ends else LEVELS[-1]}, {LEVELS[-1]}


def test_each_run_ends_where_the_facts_say() -> None:
    resolved = [row for row in MEASURED if row.level != "nothing" and row.error != UNDECLARED]
    assert len(resolved) > 4500
    for row in resolved:
        level, causal = expected(row)
        assert (row.level in level, row.causal in causal) == (True, True), (row, broken(row))


def test_the_bounds_are_those_that_the_data_gives() -> None:
    again = "python -m tests.matrix.derive writes it anew"
    assert derive.BOUNDS.read_text(encoding="utf-8") == in_toml(bounds(MEASURED), MEASURED), again


def test_what_ships_of_the_matrix_is_what_was_measured() -> None:
    stacks = {line["stack"]: line["packages"] for line in lines_of(STACKS)}
    assert derive.BRIEF.read_text(encoding="utf-8") == brief(MEASURED, stacks), (
        "python -m tests.matrix.derive writes it anew"
    )
    assert derive.BRIEF.stat().st_size < 60_000


@pytest.mark.parametrize("edge", edges(), ids=str)
def test_each_edge_lies_where_something_measured_changes(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    others = tuple(other for other in edges() if other != edge)
    monkeypatch.setattr("tests.matrix.edges.edges", lambda: others)
    assert in_toml(bounds(MEASURED), MEASURED) != derive.BOUNDS.read_text(encoding="utf-8")


def test_no_lock_holds_a_pair_that_was_measured_not_to_import() -> None:
    imports = {(minor_of(row.transformers), minor_of(row.peft)): row.reaches("imports") for row in MEASURED}
    for template in load_templates(SHIPPED):
        for variant in template.variants:
            for stack in variant.stacks:
                pair = minor_of(str(stack.versions["transformers"])), minor_of(str(stack.versions["peft"]))
                assert imports[pair], f"{variant.template}-{variant.name} locks {pair}"


def test_the_page_tells_what_was_measured() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(MEASURED), "python -m tests.matrix.table writes it anew"


def test_the_picture_shows_what_was_measured() -> None:
    again = "python -m tests.matrix.picture draws it anew"
    assert PICTURE.read_text(encoding="utf-8") == picture(read_matrix(SHIPPED)), again


def test_a_picture_has_a_cell_for_each_pair_and_names_no_host() -> None:
    drawn = PICTURE.read_text(encoding="utf-8")
    pairs = newest_of_minors(row.peft for row in MEASURED), newest_of_minors(row.transformers for row in MEASURED)
    cells = re.findall(r'<use href="#(\w+)" x="[\d.]+" y="[\d.]+"/>', drawn.split("</defs>")[1])
    legend = set(re.findall(r'<g id="(\w+)"', drawn))
    assert len(cells) == len(pairs[0]) * len(pairs[1]) + len(legend)
    assert set(cells) == legend
    assert set(re.findall(r"\w+://[^\s\"]+", drawn)) == {"http://www.w3.org/2000/svg"}
