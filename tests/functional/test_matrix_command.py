"""The real command `rigfit matrix`: the measured matrix, a line of it, a pair, and what was not measured."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.functional.test_terminal_lines import shown
from tests.matrix.measure import ROWS
from tests.matrix.rows import Row, read
from tests.stand_ins.command import Ran, rigfit

from rigfit.catalog.locate import catalog_dir

NEWEST = "0.50.2"
COLUMNS = [*range(27, 58), *range(24)]  # minors of transformers 4, then of 5


def row(out: str, peft: str) -> str:
    """The signs of a PEFT, without the gaps between the groups."""
    (line,) = (line for line in out.splitlines() if re.match(rf"{re.escape(peft)} ", line))
    return line.removeprefix(peft).replace(" ", "")


def pair(peft: str, transformers: str, *more: str) -> Ran:
    return rigfit("matrix", "--peft", peft, "--transformers", transformers, *more)


# The table


def test_a_table_has_a_sign_for_each_pair_and_says_what_each_means() -> None:
    ran = rigfit("matrix")
    assert ran.code == 0, ran.err
    signs = row(ran.out, "0.16.0")
    assert len(signs) == len(COLUMNS)
    assert dict(zip(COLUMNS[:31], signs, strict=False))[44] == "?"
    assert signs[COLUMNS.index(57)] == "#"
    assert signs[COLUMNS[:31].index(43)] == signs[31] == "x"
    assert set(signs) <= {line[0] for line in ran.out.splitlines() if re.match(r"\S +\d+  \S", line)}


def test_a_table_counts_what_it_shows() -> None:
    out = rigfit("matrix").out
    shown_signs = Counter(
        "".join(row(out, each["peft"]) for each in rigfit("matrix", "--transformers", "5.23", "--json").result["pairs"])
    )
    told = {sign: int(number) for sign, number in re.findall(r"^(\S) +(\d+)  \S", out, flags=re.MULTILINE)}
    assert shown_signs == told
    assert sum(told.values()) == 20 * 55


def test_a_table_fits_80_columns() -> None:
    lines = shown("matrix")
    assert max(map(len, lines)) <= 80
    assert len(row("\n".join(lines), "0.21.2")) == 55


def test_a_table_is_the_same_without_colours() -> None:
    plain = rigfit("matrix", environ={**os.environ, "NO_COLOR": "1"})
    assert plain.out == rigfit("matrix", "--color", "never").out
    coloured = rigfit("matrix", "--color", "always").out
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain.out


def test_a_table_of_another_bitsandbytes_is_another() -> None:
    older = rigfit("matrix", "--bitsandbytes", "0.48.2").out
    assert "bitsandbytes 0.48.2" in older
    assert row(older, "0.10.0").startswith("-----")  # 4.27 to 4.31 with the newest accelerate
    assert row(rigfit("matrix").out, "0.10.0").startswith("ooooo")  # with an older one


def test_a_program_gets_each_pair_as_it_was_measured() -> None:
    result = rigfit("matrix", "--json").result
    measured = {
        (line.peft, line.transformers, line.accelerate): line for line in read(ROWS) if line.bitsandbytes == NEWEST
    }
    assert len(result["pairs"]) == 20 * 56
    for each in result["pairs"]:
        line = measured[each["peft"], each["transformers"], each["accelerate"] or ""]
        assert (each["level"], each["causal"], each["needs_gpu"], each["error"] or "") == told_of(line)
    assert result["read"] == "2026-11-22"
    assert result["torch"] == "2.13.0+cpu"


def told_of(line: Row) -> tuple[str, str, bool, str]:
    return line.level, line.causal, line.needs_gpu, line.error


# One library


def test_a_peft_alone_is_told_in_spans_of_transformers() -> None:
    ran = rigfit("matrix", "--peft", "0.16.0")
    assert ran.code == 0
    assert re.search(r"^4\.53\.3 to 4\.57\.6 +# +goes all the way", ran.out, flags=re.MULTILINE)
    assert "cannot import name 'HybridCache' from 'transformers'" in ran.out
    assert "0.17.1" not in ran.out


def test_a_transformers_alone_is_told_in_spans_of_peft() -> None:
    ran = rigfit("matrix", "--transformers", "5.23.0")
    assert re.search(r"^0\.18\.1 to 0\.20\.0 +\+ +goes all the way with LLaMA", ran.out, flags=re.MULTILINE)
    assert re.search(r"^0\.21\.2 +# ", ran.out, flags=re.MULTILINE)


# A pair


def test_a_pair_that_goes_all_the_way_exits_with_0() -> None:
    ran = pair("0.21.2", "5.23.0")
    assert (ran.code, ran.err) == (0, "")
    assert "goes all the way" in ran.out
    assert "2026-11-22" in ran.out
    assert "accelerate 1.15.0" in ran.out


def test_a_pair_that_fails_says_where_and_with_which_versions_it_would_work() -> None:
    ran = pair("0.14.0", "4.28.0")
    assert ran.code == 3
    assert "cannot import name 'Cache' from 'transformers'" in ran.out
    assert re.search(r"^failed +importing$", ran.out, flags=re.MULTILINE)
    assert "PEFT 0.14.0 goes all the way with transformers 4.53.3 to 5.17.0" in ran.err


def test_a_pair_of_which_one_model_alone_works_does_not_count_as_working() -> None:
    ran = pair("0.20.0", "5.18.0")
    assert ran.code == 3
    assert "LLaMA, and not with T5" in ran.out
    assert "transformers 5.18.0 goes all the way with PEFT 0.21.2" in ran.err


def test_what_needs_a_gpu_is_unknown_and_no_yes() -> None:
    ran = pair("0.14.0", "4.45.2")
    assert ran.code == 3
    assert re.search(r"^unknown +loading LLaMA and T5 in 8 bits$", ran.out, flags=re.MULTILINE)
    assert "rigfit verify --python PATH" in ran.err


def test_where_a_fact_says_that_it_fails_no_gpu_is_asked_for() -> None:
    ran = pair("0.10.0", "4.45")
    told, why = " ".join(ran.out.split()), " ".join(ran.err.split())
    assert ran.code == 3
    assert "? imports, and cannot train in 8 bits, by the facts" in told
    assert "fact peft 0.10.0 needs bitsandbytes <0.45.0: its LoRA layers read memory_efficient_backward" in told
    assert "needs a GPU to know" not in why
    assert "do not go all the way, on a GPU either: peft 0.10.0 needs bitsandbytes <0.45.0" in why
    assert why.index("take peft ") < why.index("or take bitsandbytes <0.45.0")
    facts = [each["facts"] for each in pair("0.10.0", "4.45", "--json").result["pairs"]]
    assert all([fact["needs"] for fact in each] == ["bitsandbytes <0.45.0"] for each in facts)


def test_a_pair_with_two_fates_tells_both_the_further_first() -> None:
    result = pair("0.10.0", "4.28.0", "--json").result
    fates = {(each["bitsandbytes"], each["accelerate"]): each["level"] for each in result["pairs"]}
    assert fates == {
        ("0.50.2", "1.15.0"): "imports",
        ("0.50.2", "1.12.0"): "numbers",
        ("0.49.2", "1.15.0"): "imports",
        ("0.48.2", "1.15.0"): "imports",
        ("0.47.0", "1.15.0"): "numbers",
    }
    out = pair("0.10.0", "4.28.0").out
    assert out.index("LoRA does not train") < out.index("does not load in 8 bits")
    assert "accelerate 1.12.0, older than the newest" in out


def test_a_pair_next_to_one_bitsandbytes_leaves_the_others_out() -> None:
    result = pair("0.10.0", "4.28.0", "--bitsandbytes", "0.47.0", "--json").result
    assert [each["bitsandbytes"] for each in result["pairs"]] == ["0.47.0"]


def test_a_program_gets_the_packages_around_a_pair() -> None:
    result = pair("0.10.0", "4.34.1", "--json").result
    packages: list[dict[str, Any]] = [each["packages"] for each in result["pairs"]]
    assert {each["huggingface-hub"] for each in packages} == {"0.17.3"}
    assert result["measured"] is True


def test_a_minor_version_means_its_newest_patch() -> None:
    assert "transformers 4.28.1" in pair("0.10.0", "4.28").out
    assert "transformers 4.28.0" in pair("0.10.0", "4.28.0").out


# What was not measured


def test_a_patch_that_was_not_measured_is_unknown_even_if_its_minor_works() -> None:
    ran = pair("0.14.0", "4.57.1")
    assert ran.code == 3
    assert re.search(
        r"^unknown +transformers 4\.57\.1 was not measured; beside it: 4\.57\.6$", ran.out, flags=re.MULTILINE
    )
    assert "not measured, so unknown: transformers 4.57.1" in ran.err


@pytest.mark.parametrize(
    ("words", "beside"),
    [
        (("--transformers", "4.26.0"), {"transformers": ["4.27.4"]}),
        (("--transformers", "6.0"), {"transformers": ["5.23.0"]}),
        (("--transformers", "4.60.0", "--peft", "0.21.2"), {"transformers": ["4.57.6", "5.0.0"]}),
        (("--transformers", "4.28.2"), {"transformers": ["4.28.0", "4.28.1"]}),
        (("--bitsandbytes", "0.41.1"), {"bitsandbytes": ["0.47.0"]}),
        (("--peft", "0.1.0", "--transformers", "5.23.1"), {"peft": ["0.2.0"], "transformers": ["5.23.0"]}),
    ],
)
def test_a_version_that_was_not_measured_is_unknown_and_its_neighbours_are_named(
    words: tuple[str, ...], beside: dict[str, list[str]]
) -> None:
    ran = rigfit("matrix", *words, "--json")
    assert ran.code == 3
    assert (ran.result["measured"], ran.result["beside"]) == (False, beside)


def test_what_is_no_version_is_refused() -> None:
    ran = rigfit("matrix", "--peft", "newest")
    assert ran.code == 2
    assert "'newest' is no version" in ran.err


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"level":"resolves"', '"level":"resolved"', "level`: needs nothing or resolves or"),
        ('"0.21.2"]', '"0.21.2","0.22.0"]', "key `runs`: needs bitsandbytes, transformers, rule"),
        ("{\n", "", "needs JSON; found a syntax error"),
    ],
)
def test_a_damaged_matrix_is_refused_with_its_place(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    catalog = tmp_path / "catalog"
    shutil.copytree(catalog_dir(None), catalog)
    path = catalog / "facts" / "matrix.json"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    ran = rigfit("matrix", "--catalog", catalog)
    assert ran.code == 4
    assert f"{path}: " in ran.err
    assert complaint in ran.err
