"""The smallest change of versions: what is changed, what is kept, and how it is written down."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import TypedDict

import pytest
from packaging.version import Version as PackageVersion
from tests.going_together import broken

from rigfit.core.fact import (
    Beside,
    Bound,
    DriverMinimum,
    End,
    Facts,
    GpuMemory,
    Int8OnCpu,
    Int8Support,
    Library,
    Names,
    TorchBuild,
    VirtualSeries,
)
from rigfit.core.installed import Installed
from rigfit.core.machine import Driver, Gpu, Machine, Platform
from rigfit.core.nearest.change import Change, Nearest, nearest
from rigfit.core.nearest.options import WEIGHTS
from rigfit.core.release import Release, Span
from rigfit.core.version import Capability, Version


class Read(TypedDict):
    source: str
    read: str


READ = Read(source="made for this test", read="2026-11-22")


def version(text: str | None) -> PackageVersion | None:
    return None if text is None else PackageVersion(text)


def bound(
    of: str,
    needs: str,
    *,
    at_least: str | None = None,
    below: str | None = None,
    to: End = "import",
    beside: Beside | None = None,
) -> Bound:
    """`of` is `peft 0.14.0 0.15.2`: a package, since, until."""
    package, since, until = of.split()
    return Bound(
        package=package,
        since=PackageVersion(since),
        until=PackageVersion(until),
        needs=needs,
        at_least=version(at_least),
        below=version(below),
        to=to,
        why="it fails",
        beside=beside,
        **READ,
    )


def span(text: str) -> Span:
    """`0.13:0.14`, either end may be missing."""
    low, _, high = text.partition(":")
    return Span(at_least=version(low or None), below=version(high or None))


def release(package: str, *versions: str, python: str = ":", **needs: str) -> Release:
    """Versions that declare the same; of a name in `needs`, `_` is `-`."""
    offered = tuple(PackageVersion(text) for text in versions)
    return Release(
        package=package,
        since=min(offered),
        until=max(offered),
        offered=offered,
        python=span(python),
        needs=tuple((name.replace("_", "-"), span(text)) for name, text in needs.items()),
    )


def facts(*bounds: Bound, int8: tuple[Int8Support, ...] = (), libraries: tuple[Library, ...] = ()) -> Facts:
    builds = (("1.13.0", "2.0.1", "11.7", ["8.0", "8.6"]), ("2.1.0", "2.13.0", "12.6", ["8.0", "9.0"]))
    return Facts(
        drivers=tuple(driver_minimum(cuda, least) for cuda, least in (("11.7", "450.80.02"), ("12.6", "525.60.13"))),
        last_drivers=(),
        torch=tuple(
            TorchBuild(
                since=PackageVersion(since),
                until=PackageVersion(until),
                arch="x86_64",
                cuda=Version(cuda),
                cubins=tuple(map(Capability.parse, cubins)),
                ptx=(),
                **READ,
            )
            for since, until, cuda, cubins in builds
        ),
        libraries=libraries,
        int8=int8,
        nf4=(),
        nf4_first=(),
        int8_on_cpu=Int8OnCpu(since=PackageVersion("0.47.0"), **READ),
        bounds=bounds,
        architectures=(),
        no_tensor_cores=Names(parts=("T500",), **READ),
        virtual_series=VirtualSeries(without_cuda=(), **READ),
        gpu_memory=GpuMemory(least=1, why="it is small", **READ),
    )


def driver_minimum(cuda: str, least: str) -> DriverMinimum:
    driver = Version(least)
    return DriverMinimum(
        cuda=Version(cuda), minimum=driver, toolkit=driver, windows=driver, windows_toolkit=None, **READ
    )


def int8(since: str, until: str, lowest: str, highest: str) -> Int8Support:
    return Int8Support(
        since=PackageVersion(since),
        until=PackageVersion(until),
        lowest=Capability.parse(lowest),
        highest=Capability.parse(highest),
        speed="fast",
        **READ,
    )


def library(since: str, until: str, cuda: str) -> Library:
    return Library(
        since=PackageVersion(since),
        until=PackageVersion(until),
        arch="x86_64",
        cuda=Version(cuda),
        cubins=(Capability(8, 0), Capability(9, 0)),
        match="exact",
        **READ,
    )


BOUNDS = (
    bound("peft 0.14.0 0.15.2", "transformers", at_least="4.43.0"),
    bound("peft 0.16.0 0.17.1", "transformers", at_least="4.44.0", below="5.0.0"),
    bound("peft 0.18.0 0.21.2", "transformers", at_least="4.43.0"),
    bound("peft 0.2.0 0.13.2", "bitsandbytes", below="0.45.0", to="int8"),
    bound("transformers 4.45.0 4.57.6", "accelerate", at_least="0.26.0", to="check"),
    bound("transformers 5.0.0 5.23.0", "bitsandbytes", at_least="0.46.1", to="check"),
    bound("transformers 5.0.0 5.23.0", "torch", at_least="2.4", to="check"),
    bound("torch 1.13.0 2.2.2", "numpy", below="2.0.0"),
    bound("accelerate 0.16.0 0.20.3", "setuptools", below="82.0.0"),
)
RELEASES = (
    release("torch", "2.0.1", "2.3.1", "2.13.0"),
    release("transformers", "4.27.4", "4.28.1", "4.33.3", tokenizers="0.11:0.14"),
    release("transformers", "4.42.4", "4.43.4", "4.44.2", tokenizers="0.19:0.20"),
    release("transformers", "4.57.6", tokenizers="0.22:0.23"),
    release("transformers", "5.0.0", "5.23.0", tokenizers="0.22:0.24"),
    release("tokenizers", "0.13.3", python=":3.12"),
    release("tokenizers", "0.19.1", "0.22.2", "0.23.1"),
    release("peft", "0.10.0", "0.13.2", "0.14.0", "0.15.2", "0.16.0", "0.17.1", "0.18.1", "0.21.2"),
    release("bitsandbytes", "0.41.3", "0.44.1", "0.45.5", "0.46.1", "0.50.2"),
    release("accelerate", "0.17.1", "0.20.3", "0.21.0", "0.26.1", "1.15.0"),
    release("numpy", "1.25.2", "1.26.4", "2.0.2", "2.4.6"),
    release("setuptools", "69.5.1", "81.0.0", "82.0.1", "84.2.1"),
)
ON_CPU = Int8OnCpu(since=PackageVersion("0.47.0"), transformers=PackageVersion("4.53.0"), **READ)
INT8 = (int8("0.37.0", "0.44.1", "7.5", "8.9"), int8("0.45.0", "0.50.2", "7.5", "9.0"))
SOUND = {
    "torch": "2.13.0",
    "transformers": "4.57.6",
    "peft": "0.17.1",
    "bitsandbytes": "0.50.2",
    "accelerate": "1.15.0",
    "numpy": "2.4.6",
    "setuptools": "81.0.0",
    "tokenizers": "0.22.2",
}
OLD = {
    "torch": "2.0.1",
    "transformers": "4.28.1",
    "peft": "0.10.0",
    "bitsandbytes": "0.41.3",
    "accelerate": "0.21.0",
    "numpy": "1.26.4",
    "setuptools": "69.5.1",
    "tokenizers": "0.13.3",
}


def installed(base: dict[str, str], python: str = "3.11.7", **other: str | None) -> Installed:
    changed = {name.replace("_", "-"): text for name, text in other.items()}
    return Installed(versions={**base, **changed}, python=python)


def pins(found: Nearest | None) -> str:
    assert found is not None
    return " ".join(f"{change.package}=={change.to}" for change in found.changes)


@pytest.mark.parametrize(
    ("there", "change"),
    [
        pytest.param(installed(SOUND), "", id="nothing to change"),
        pytest.param(installed(OLD), "", id="nothing to change in an old one"),
        pytest.param(installed(OLD, numpy="2.4.6"), "numpy==1.26.4", id="numpy 2 with torch 2.0"),
        pytest.param(
            installed(OLD, accelerate="0.17.1", setuptools="82.0.1"),
            "setuptools==81.0.0",
            id="setuptools 82 with accelerate 0.17.1",
        ),
        pytest.param(
            installed(SOUND, peft="0.10.0"), "peft==0.14.0", id="bitsandbytes 0.50 with peft 0.10, transformers 4.57"
        ),
        pytest.param(
            installed(SOUND, peft="0.10.0", transformers="5.23.0"),
            "peft==0.14.0",
            id="bitsandbytes 0.50 with peft 0.10, transformers 5",
        ),
        pytest.param(
            installed(OLD, bitsandbytes="0.50.2"),
            "bitsandbytes==0.44.1",
            id="bitsandbytes 0.50 with peft 0.10, transformers 4.28: the one that is less to change",
        ),
        pytest.param(installed(OLD, peft="0.14.0"), "peft==0.13.2", id="peft 0.14 with transformers 4.28"),
        pytest.param(
            installed(OLD, peft="0.14.0", bitsandbytes="0.50.2"),
            "transformers==4.43.4 tokenizers==0.19.1",
            id="the same with a bitsandbytes that no older peft can use",
        ),
        pytest.param(
            installed(SOUND, transformers="5.23.0"), "peft==0.18.1", id="peft 0.17 with transformers 5: upward"
        ),
        pytest.param(installed(SOUND, tokenizers="0.13.3"), "tokenizers==0.22.2", id="what is declared is needed, too"),
        pytest.param(installed(SOUND, accelerate=None), "accelerate==1.15.0", id="accelerate is not there"),
        pytest.param(installed(OLD, setuptools=None), "", id="what nobody needs may be absent"),
        pytest.param(
            installed(OLD, accelerate="0.17.1", setuptools=None),
            "setuptools==81.0.0",
            id="what must be imported is put in",
        ),
    ],
)
def test_the_least_that_makes_all_go_together_is_changed(there: Installed, change: str) -> None:
    assert pins(nearest(there, facts(*BOUNDS), RELEASES)) == change


def rig(*gpus: str, driver: str = "580.65.06") -> Machine:
    return Machine(
        platform=Platform(os="linux", arch="x86_64", glibc=Version("2.39")),
        driver=Driver(version=Version(driver)),
        gpus=tuple(
            Gpu(index=index, name="a GPU", compute_capability=Capability.parse(text)) for index, text in enumerate(gpus)
        ),
    )


LIBRARIES = (
    library("0.37.0", "0.46.1", "11.7"),
    library("0.44.0", "0.50.2", "12.6"),
)


def on_gpu(there: dict[str, str], machine: Machine | None, cuda: str) -> Nearest | None:
    known = facts(*BOUNDS, int8=INT8, libraries=LIBRARIES)
    return nearest(
        Installed(versions=there, python="3.11.7", build="cuda", cuda=Version(cuda)), known, RELEASES, machine=machine
    )


def test_a_gpu_asks_for_a_bitsandbytes_that_does_8_bits_there_and_for_all_that_comes_with_it() -> None:
    there = {**SOUND, "peft": "0.10.0", "bitsandbytes": "0.44.1"}
    assert pins(on_gpu(there, rig("8.9"), "12.6")) == ""
    assert pins(on_gpu(there, rig("9.0"), "12.6")) == "peft==0.14.0 bitsandbytes==0.45.5"


def test_every_gpu_counts() -> None:
    there = {**SOUND, "bitsandbytes": "0.44.1"}
    assert pins(on_gpu(there, rig("8.0", "9.0"), "12.6")) == "bitsandbytes==0.45.5"
    assert on_gpu(there, rig("6.1", "9.0"), "12.6") is None


def test_torch_is_changed_where_it_has_no_code_for_the_gpu_and_to_one_that_the_driver_can_run() -> None:
    there = {**OLD, "peft": "0.14.0", "transformers": "4.57.6", "tokenizers": "0.22.2", "accelerate": "1.15.0"}
    there["bitsandbytes"] = "0.46.1"
    assert pins(on_gpu(there, rig("9.0"), "11.7")) == "torch==2.3.1"
    assert on_gpu(there, rig("9.0", driver="470.57.02"), "11.7") is None


def test_bitsandbytes_has_a_library_for_the_cuda_of_torch() -> None:
    there = {**SOUND, "torch": "2.13.0", "bitsandbytes": "0.41.3"}
    assert pins(on_gpu(there, None, "12.6")) == "bitsandbytes==0.44.1"


def test_nothing_is_said_against_a_bitsandbytes_that_is_newer_than_the_facts_where_no_gpu_asks() -> None:
    there = {**SOUND, "bitsandbytes": "0.51.0"}
    assert pins(on_gpu(there, None, "12.6")) == ""
    assert pins(on_gpu(there, rig("9.0"), "12.6")) == "bitsandbytes==0.50.2"


def test_a_torch_that_no_fact_speaks_of_is_not_suggested() -> None:
    newer = (*RELEASES, release("torch", "2.99.0"))
    there = Installed(versions={**SOUND, "torch": None}, python="3.11.7")
    assert pins(nearest(there, facts(*BOUNDS), newer)) == "torch==2.13.0"


def test_a_torch_for_the_cpu_asks_for_libraries_that_do_8_bits_there() -> None:
    known = replace(facts(*BOUNDS), int8_on_cpu=ON_CPU)
    there = Installed(versions={**SOUND, "bitsandbytes": "0.46.1"}, python="3.11.7", build="cpu")
    assert pins(nearest(there, known, RELEASES)) == "bitsandbytes==0.50.2"
    old = Installed(versions={**OLD, "torch": "2.13.0"}, python="3.11.7", build="cpu")
    changed = "transformers==5.0.0 peft==0.14.0 bitsandbytes==0.50.2 tokenizers==0.22.2"
    assert pins(nearest(old, known, RELEASES)) == changed


def test_a_torch_with_a_local_part_is_the_version_before_it() -> None:
    there = installed(OLD, torch="2.0.1+cu118", numpy="2.4.6")
    assert pins(nearest(there, facts(*BOUNDS), RELEASES)) == "numpy==1.26.4"


def test_a_version_without_a_wheel_for_that_python_is_not_suggested() -> None:
    there = installed(OLD, tokenizers="0.19.1")
    assert pins(nearest(there, facts(*BOUNDS), RELEASES)) == "tokenizers==0.13.3"
    newer = installed(OLD, tokenizers="0.19.1", python="3.12.1")
    assert pins(nearest(newer, facts(*BOUNDS), RELEASES)) == "transformers==4.42.4"


def test_what_was_not_looked_for_is_left_out() -> None:
    there = Installed(versions={"transformers": "4.28.1", "peft": "0.14.0"})
    assert pins(nearest(there, facts(*BOUNDS), RELEASES)) == "peft==0.13.2"


def test_libraries_of_which_nothing_is_known_are_in_nobodys_way() -> None:
    others: dict[str, str | None] = {f"library-{number}": "1.0" for number in range(1500)}
    there = Installed(versions={**OLD, **others, "numpy": "2.4.6"}, python="3.11.7")
    assert pins(nearest(there, facts(*BOUNDS), RELEASES)) == "numpy==1.26.4"


def test_a_bound_that_holds_beside_a_third_package_only_is_kept_there_only() -> None:
    beside = Beside(package="bitsandbytes", at_least=PackageVersion("0.48.0"))
    only_there = bound("transformers 4.28.0 4.31.0", "accelerate", below="1.13.0", to="int8", beside=beside)
    there = {"transformers": "4.28.1", "accelerate": "1.15.0", "bitsandbytes": "0.46.1"}
    assert pins(nearest(Installed(versions=there), facts(only_there), RELEASES)) == ""
    beside_newer = Installed(versions={**there, "bitsandbytes": "0.50.2"})
    assert pins(nearest(beside_newer, facts(only_there), RELEASES)) == "accelerate==0.26.1"


def test_where_no_change_helps_there_is_none() -> None:
    never = bound("torch 1.13.0 2.13.0", "numpy", at_least="3.0.0")
    assert nearest(installed(SOUND), facts(never), RELEASES) is None


def test_the_line_is_for_the_interpreter_that_was_looked_at() -> None:
    found = Nearest(
        changes=(Change(package="peft", found="0.14.0", to="0.13.2"), Change(package="numpy", found=None, to="1.26.4"))
    )
    assert (
        found.line("/envs/old/bin/python", pip=True)
        == "/envs/old/bin/python -m pip install 'peft==0.13.2' 'numpy==1.26.4'"
    )
    assert (
        found.line("/my envs/python", pip=False)
        == "uv pip install --python '/my envs/python' 'peft==0.13.2' 'numpy==1.26.4'"
    )
    assert found.line(None, pip=True) == "pip install 'peft==0.13.2' 'numpy==1.26.4'"
    assert found.line(None, pip=False) == "uv pip install 'peft==0.13.2' 'numpy==1.26.4'"


# Against all sets there are, in universes small enough to try each

NAMES = ("transformers", "peft", "bitsandbytes", "accelerate", "tokenizers")


def universes() -> Iterator[tuple[int, Installed, Facts, tuple[Release, ...]]]:
    for seed in range(150):
        dice = random.Random(seed)  # noqa: S311 - the same universes each time
        limits = [some_bound(dice) for _ in range(dice.randint(2, 12))]
        known = tuple(release(name, "1", "2", "3", "4") for name in NAMES)
        declared = tuple(
            release(name, "2", "3", **{dice.choice([other for other in NAMES if other != name]): ":4"})
            for name in NAMES[:2]
        )
        there = {name: dice.choice(["1", "2", "3", "4"]) for name in NAMES}
        yield seed, Installed(versions=there), facts(*limits), (*known[2:], *apart(known[:2], declared))


def apart(known: tuple[Release, ...], declared: tuple[Release, ...]) -> Iterator[Release]:
    """1 and 4 declare nothing, 2 and 3 do."""
    yield from declared
    yield from (release(row.package, end) for row in known for end in ("1", "4"))


def some_bound(dice: random.Random) -> Bound:
    package, needs, third = dice.sample(NAMES, 3)
    since, until = sorted(dice.choices("1234", k=2))
    low, high = dice.choice([("2", None), ("3", None), (None, "2"), (None, "4"), ("2", "4")])
    beside = Beside(package=third, at_least=PackageVersion(dice.choice("234"))) if dice.random() < 0.3 else None
    return bound(f"{package} {since} {until}", needs, at_least=low, below=high, beside=beside)


def weight(there: Installed, versions: dict[str, str]) -> int:
    return sum(WEIGHTS[name] for name, text in versions.items() if there.versions[name] != text)


@pytest.mark.parametrize(
    ("there", "known", "releases"), [pytest.param(*rest, id=f"seed {seed}") for seed, *rest in universes()]
)
def test_no_smaller_change_would_do(there: Installed, known: Facts, releases: tuple[Release, ...]) -> None:
    every = (dict(zip(NAMES, choice, strict=True)) for choice in product("1234", repeat=len(NAMES)))
    sound = [versions for versions in every if not any(broken(versions, known.bounds, releases))]
    found = nearest(there, known, releases)
    if found is None:
        assert sound == []
        return
    mended = {**there.versions, **{change.package: change.to for change in found.changes}}
    assert mended in sound
    assert weight(there, mended) == min(weight(there, versions) for versions in sound)  # type: ignore[arg-type]
