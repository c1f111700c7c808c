"""Asks the package index which versions there are and what they declare of each other, and writes environments/facts/releases.toml.

python -m tests.matrix.releases
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import Specifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from uv import find_uv_bin

from rigfit.catalog.locate import FACTS, catalog_dir
from rigfit.sources.index import sources

# Of what the facts speak, from the first version that a rule or a template knows; and how many parts of a version make a
# line of development: of each the newest is worth a suggestion.
FIRST = {
    "torch": ("1.13.0", 2),
    "transformers": ("4.27.0", 2),
    "peft": ("0.2.0", 2),
    "bitsandbytes": ("0.37.0", 2),
    "accelerate": ("0.15.0", 2),
    "numpy": ("1.22.0", 2),
    "scipy": ("1.8.0", 2),
    "pyarrow": ("10.0.0", 1),
    "setuptools": ("60.0.0", 1),
    "tokenizers": ("0.11.1", 2),
    "huggingface-hub": ("0.11.0", 2),
}
PYTHONS = [f"3.{minor}" for minor in range(8, 15)]
PIP = [find_uv_bin(), "tool", "run", "--quiet", "pip"]
OTHER_PLACES = ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL")
FILE = catalog_dir(None) / FACTS / "releases.toml"


@dataclass(slots=True)
class Package:
    """`pythons` by version: those with a wheel; `needs` by version, of those that were asked for."""

    name: str
    pythons: dict[Version, list[str]] = field(default_factory=dict)
    needs: dict[Version, tuple[str, ...]] = field(default_factory=dict)

    @property
    def versions(self) -> list[Version]:
        return sorted(self.pythons)

    @property
    def lines(self) -> list[list[Version]]:
        parts = FIRST[self.name][1]
        return [list(group) for _, group in groupby(self.versions, key=lambda version: version.release[:parts])]

    def unasked(self) -> list[Version]:
        """The ends of each line of development, and what lies between ends that declare different things."""
        asked = []
        for line in self.lines:
            known = [number for number, version in enumerate(line) if version in self.needs]
            asked += [line[end] for end in {0, len(line) - 1} - set(known)]
            for low, high in pairwise(known):
                if high - low > 1 and self.needs[line[low]] != self.needs[line[high]]:
                    asked.append(line[(low + high) // 2])
        return sorted(asked)

    def fill(self) -> None:
        """What lies between two that declare the same declares it, too."""
        last: tuple[str, ...] = ()
        for version in self.versions:
            last = self.needs.setdefault(version, last)


def plain_environment() -> dict[str, str]:
    """The main index alone: folders of wheels tell of no Python, and other indexes have other builds."""
    settled = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": sources(os.environ).address()}
    return {name: text for name, text in os.environ.items() if name not in OTHER_PLACES} | settled


ENVIRONMENT = plain_environment()


def pip(*words: str) -> Any:
    child = subprocess.run([*PIP, *words], capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert child.returncode == 0, child.stderr
    return json.loads(child.stdout)


def found(name: str) -> Package:
    """Wheels only, as they fit the system that this runs on."""
    package, first = Package(name), Version(FIRST[name][0])
    for python in PYTHONS:
        with_wheels = ["--only-binary=:all:", f"--python-version={python}"]
        for version in map(Version, pip("index", "versions", name, "--json", *with_wheels)["versions"]):
            if version >= first and not version.is_prerelease:
                package.pythons.setdefault(version, []).append(python)
    return package


def ask(pins: dict[str, Version], packages: dict[str, Package]) -> None:
    """No dependency takes part, so that versions which would not go together can be asked for at once.

    All of the same interpreter: what they declare for another one is read with `declared`.
    """
    by_python = sorted(pins, key=lambda name: packages[name].pythons[pins[name]][-1])
    for python, names in groupby(by_python, key=lambda name: packages[name].pythons[pins[name]][-1]):
        plain = ["--quiet", "--dry-run", "--ignore-installed", "--no-deps", "--only-binary=:all:", "--report=-"]
        with tempfile.TemporaryDirectory() as folder:
            where = [f"--python-version={python}", f"--target={folder}"]
            report = pip("install", *plain, *where, *(f"{name}=={pins[name]}" for name in names))
        for item in report["install"]:
            package = packages[canonicalize_name(item["metadata"]["name"])]
            package.needs[pins[package.name]] = declared(item["metadata"].get("requires_dist", ()))


def declared(requires: Iterable[str]) -> tuple[str, ...]:
    """`tokenizers >=0.11.1,<0.14`: of the packages that we know, what holds on every Linux."""
    needs = {}
    for requirement in map(Requirement, requires):
        name = canonicalize_name(requirement.name)
        if name in FIRST and holds(requirement):
            needs[name] = f"{name} {span_of(requirement.specifier)}".strip()
    return tuple(needs[name] for name in sorted(needs))


def holds(requirement: Requirement) -> bool:
    if requirement.marker is None:
        return True
    linux = {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64", "extra": ""}
    versions = ({"python_version": python, "python_full_version": f"{python}.0"} for python in PYTHONS)
    return all(requirement.marker.evaluate({**linux, **version}) for version in versions)


def span_of(specifiers: SpecifierSet) -> str:
    """As `>=` and `<` alone; single versions that are left out stay the installer's business. Empty: any."""
    low = [least for each in specifiers if (least := ends(each)[0])]
    high = [below for each in specifiers if (below := ends(each)[1])]
    parts = [f">={max(low, key=Version)}"] if low else []
    return ",".join([*parts, *([f"<{min(high, key=Version)}"] if high else [])])


def ends(specifier: Specifier) -> tuple[str, str]:
    """The first version that it allows and the first after those; empty: no end there."""
    text = specifier.version.removesuffix(".*")
    after = ".".join(map(str, [*Version(text).release[:-1], Version(text).release[-1] + 1]))
    match specifier.operator:
        case ">=":
            return text, ""
        case "<":
            return "", text
        case "<=":
            return "", f"{text}.post0"
        case ">":
            return f"{text}.post0", ""
        case "==":
            return text, after if specifier.version.endswith(".*") else f"{text}.post0"
        case "~=":
            release = Version(text).release[:-1]
            return text, ".".join(map(str, [*release[:-1], release[-1] + 1]))
        case _:
            return "", ""


def python_span(pythons: list[str]) -> str:
    """An end that is the end of what was asked for is none."""
    parts = [] if pythons[0] == PYTHONS[0] else [f">={pythons[0]}"]
    return ",".join([*parts, *([] if pythons[-1] == PYTHONS[-1] else [f"<3.{int(pythons[-1][2:]) + 1}"])])


def rows(package: Package) -> Iterator[str]:
    """One for each run of versions that declare the same."""
    offered = {line[-1] for line in package.lines}

    def same(version: Version) -> tuple[object, ...]:
        return package.needs[version], python_span(package.pythons[version])

    for (needs, python), group in groupby(package.versions, key=same):
        run = list(group)
        worth = [str(version) for version in run if version in offered]
        parts = [f'since = "{run[0]}"', f'until = "{run[-1]}"']
        parts += [f"offered = {json.dumps(worth)}"] if worth else []
        parts += [f'python = "{python}"'] if python else []
        parts += [f"needs = {json.dumps(needs)}"] if needs else []
        yield f"    {{ {', '.join(parts)} }},"


def text(packages: Iterable[Package]) -> str:
    head = f"""# Which versions there are, and what they declare of each other: what an installer insists on. Written by `python -m tests.matrix.releases`.
# A row is a run of versions, `since` to `until`, that declare the same; `offered` are those worth a suggestion, the newest of
# each minor version (of each major one where these come often). `python`: those with wheels, of {PYTHONS[0]} to {PYTHONS[-1]}; left out: all of them.

source = "the package index: wheels for x86_64 Linux by Python version, and the metadata of the first and the last patch of each minor version"
read = {dt.datetime.now(dt.timezone.utc).date()}
"""
    tables = ("\n".join([f"{package.name} = [", *rows(package), "]"]) for package in packages)
    return "\n".join([head, *tables]) + "\n"


def main() -> None:
    with ThreadPoolExecutor(3) as pool:
        packages = {package.name: package for package in pool.map(found, FIRST)}
        while any(package.unasked() for package in packages.values()):
            lists = {name: package.unasked() for name, package in packages.items()}
            rounds = [
                {name: asked[number] for name, asked in lists.items() if number < len(asked)}
                for number in range(max(map(len, lists.values())))
            ]
            list(pool.map(lambda pins: ask(pins, packages), rounds))
    for package in packages.values():
        package.fill()
    FILE.write_text(text(packages.values()), encoding="utf-8")


if __name__ == "__main__":
    main()
