"""All that is found out about a variant on one platform before it is written."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rigfit.catalog.glibc import least_glibc, oldest_glibc
from rigfit.catalog.inputs import EnvironmentFile
from rigfit.catalog.recipe import VariantRecipe
from rigfit.catalog.relock.index import LockedWheel, Question, resolve
from rigfit.catalog.relock.solve import CondaPackage
from rigfit.catalog.relock.target import Target
from rigfit.catalog.relock.wheel import WheelContents, look_into, needs
from rigfit.catalog.sidecar import CONDA_FACTOR, Size
from rigfit.core.template import Stack, file_name

_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    target: Target
    conda: tuple[CondaPackage, ...]
    wheels: tuple[LockedWheel, ...]
    contents: tuple[WheelContents, ...]

    @property
    def python(self) -> str:
        return next(package.version for package in self.conda if package.name == "python")

    @property
    def cuda(self) -> str | None:
        """What its torch says that it was built with."""
        pairs = zip(self.wheels, self.contents, strict=True)
        return next((contents.cuda for wheel, contents in pairs if wheel.name == "torch"), None)

    @property
    def needs(self) -> Mapping[str, Mapping[str, str]]:
        """The requirements of each wheel by name."""
        markers = self.target.markers(self.python)
        pairs = zip(self.wheels, self.contents, strict=True)
        return {wheel.name: needs(contents.requires, markers) for wheel, contents in pairs}

    @property
    def sizes(self) -> Mapping[str, Size]:
        """By file name."""
        sizes = {
            package.file: Size(fetch=package.size, unpacked=package.size * CONDA_FACTOR, estimated=True)
            for package in self.conda
        }
        for wheel, contents in zip(self.wheels, self.contents, strict=True):
            sizes[file_name(wheel.url)] = contents.size
        return sizes

    @property
    def stack(self) -> Stack:
        glibc, because = oldest_glibc(
            [(wheel.name, wheel.version, least_glibc(wheel.tags)) for wheel in self.wheels],
            [(package.name, package.version, package.glibc) for package in self.conda],
        )
        sizes = self.sizes.values()
        return Stack(
            platform=self.target.platform,
            python=self.python,
            versions={wheel.name: wheel.version for wheel in self.wheels},
            glibc=glibc,
            glibc_because=because,
            fetch=sum(size.fetch for size in sizes),
            disk=sum(size.unpacked for size in sizes),
        )


class Looking:
    """Looks into each wheel once: many are the same for several variants and platforms."""

    def __init__(self) -> None:
        self._seen: dict[str, WheelContents] = {}

    def into(self, wheels: tuple[LockedWheel, ...]) -> tuple[WheelContents, ...]:
        new = [wheel.place for wheel in wheels if wheel.place not in self._seen]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            self._seen.update(zip(new, pool.map(look_into, new), strict=True))
        return tuple(self._seen[wheel.place] for wheel in wheels)


def find(
    environment: EnvironmentFile,
    variant: VariantRecipe,
    target: Target,
    conda: tuple[CondaPackage, ...],
    looking: Looking,
) -> Findings:
    """What conda brings already, such as pip, is taken in the same version, so that neither replaces the other's."""
    python = next(package.version for package in conda if package.name == "python").split(".")
    question = Question(
        requirements=(*environment.pip, *variant.pins),
        constraints=tuple(f"{package.name}=={package.version}" for package in conda if package.is_python_package),
        wheels=variant.wheels,
        python=(int(python[0]), int(python[1])),
        target=target,
    )
    wheels = resolve(question)
    return Findings(target=target, conda=conda, wheels=wheels, contents=looking.into(wheels))
