"""What wheels say of themselves by their names and requirements."""

from __future__ import annotations

import pytest
from packaging.tags import Tag
from packaging.utils import parse_wheel_filename

from rigfit.catalog.glibc import least_glibc
from rigfit.catalog.relock.target import Target
from rigfit.catalog.relock.wheel import needs
from rigfit.core.version import Version

LINUX = Target(platform="linux-64", glibc=Version("2.28"))
OLD = Target(platform="linux-64", glibc=Version("2.17"))
ARM = Target(platform="linux-aarch64", glibc=Version("2.28"))


@pytest.mark.parametrize(
    ("filename", "glibc"),
    [
        ("a-1-cp311-cp311-manylinux_2_28_x86_64.whl", "2.28"),
        ("a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "2.17"),
        ("a-1-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl", "2.27"),
        ("a-1-cp311-cp311-manylinux2014_x86_64.whl", "2.17"),
        ("a-1-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", "2.17"),
        ("a-1-cp311-cp311-manylinux1_x86_64.whl", "2.5"),
        ("a-1-cp311-cp311-manylinux2010_x86_64.whl", "2.12"),
        ("a-1-py3-none-any.whl", "None"),
    ],
)
def test_the_least_glibc_is_read_from_the_tags(filename: str, glibc: str) -> None:
    assert str(least_glibc(parse_wheel_filename(filename)[3])) == glibc


def test_the_tags_are_ranked_as_the_interpreter_ranks_them() -> None:
    ranks = LINUX.wheel_ranks((3, 11))
    better = [
        Tag("cp311", "cp311", "manylinux_2_28_x86_64"),
        Tag("cp311", "cp311", "manylinux_2_17_x86_64"),
        Tag("cp311", "cp311", "manylinux2014_x86_64"),
        Tag("cp311", "abi3", "manylinux_2_28_x86_64"),
        Tag("cp39", "abi3", "manylinux_2_28_x86_64"),
        Tag("py3", "none", "manylinux_2_24_x86_64"),
        Tag("py3", "none", "any"),
    ]
    assert sorted(better, key=ranks.__getitem__) == better
    for tag in ("cp312-cp312-manylinux_2_28_x86_64", "cp311-cp311-manylinux_2_34_x86_64", "cp311-cp311-win_amd64"):
        assert Tag(*tag.split("-")) not in ranks


@pytest.mark.parametrize(
    ("target", "tag", "taken"),
    [
        (OLD, "manylinux_2_17_x86_64", True),
        (OLD, "manylinux2014_x86_64", True),
        (OLD, "manylinux2010_x86_64", True),
        (OLD, "manylinux1_x86_64", True),
        (OLD, "manylinux_2_28_x86_64", False),
        (OLD, "manylinux_2_24_x86_64", False),
        (LINUX, "manylinux1_x86_64", True),
        (LINUX, "manylinux_2_28_aarch64", False),
        (ARM, "manylinux_2_28_aarch64", True),
        (ARM, "manylinux2014_aarch64", True),
        (ARM, "manylinux_2_34_aarch64", False),
        (ARM, "manylinux_2_28_x86_64", False),
        (ARM, "manylinux2010_aarch64", False),
    ],
)
def test_a_platform_and_its_glibc_decide_which_wheels_are_taken(target: Target, tag: str, *, taken: bool) -> None:
    assert (Tag("cp311", "cp311", tag) in target.wheel_ranks((3, 11))) is taken


def test_requirements_are_those_of_the_platform() -> None:
    requires = ("a; platform_machine == 'x86_64'", "b; platform_machine == 'aarch64'")
    assert list(needs(requires, LINUX.markers("3.11.15"))) == ["a"]
    assert list(needs(requires, ARM.markers("3.11.15"))) == ["b"]


def test_requirements_for_other_systems_and_extras_are_left_out() -> None:
    requires = ("numpy>=1.17", "Typing_Extensions; python_version < '3.12'", "pywin32; sys_platform == 'win32'")
    found = needs((*requires, "pytest; extra == 'test'", "numpy<3"), LINUX.markers("3.11.15"))
    assert found == {"numpy": ">=1.17,<3", "typing-extensions": ""}
