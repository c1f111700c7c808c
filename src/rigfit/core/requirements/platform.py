"""The system that the locked wheels are built for."""

from __future__ import annotations

from dataclasses import dataclass

from rigfit.core.machine import Gpu, Machine
from rigfit.core.verdict import Status, Verdict
from rigfit.core.version import Version
from rigfit.core.words import alternatives, say

PLATFORMS = {"linux-64": "x86_64", "linux-aarch64": "aarch64"}  # conda's word, and what such a Linux says of itself


def platform_name(machine: Machine) -> str | None:
    """The conda name of the machine's platform, None for one that no template is made for."""
    here = machine.platform
    return next((name for name, arch in PLATFORMS.items() if here.os == "linux" and here.arch == arch), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnPlatform:
    platforms: tuple[str, ...]

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        del gpus
        met = platform_name(machine) in self.platforms
        verdict = Verdict(
            requirement="platform",
            status="met" if met else "unmet",
            needed=alternatives(self.platforms),
            found=f"{machine.platform.os} {machine.platform.arch}",
            why=say("the lock is made for this platform")
            if met
            else say("its wheels are built for other platforms only"),
        )
        return (verdict,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Glibc:
    """`least` comes from the manylinux tags of the locked wheels."""

    least: Version
    because: str

    def check(self, machine: Machine, gpus: tuple[Gpu, ...]) -> tuple[Verdict, ...]:
        del gpus
        found = machine.platform.glibc
        status: Status = "unknown" if found is None else "met" if found >= self.least else "unmet"
        verdict = Verdict(
            requirement="glibc",
            status=status,
            needed=say("glibc >= {version}", version=self.least),
            found=say("none that could be read") if found is None else say("glibc {version}", version=found),
            why=say("{wheel} is built against that version", wheel=self.because),
            source=say("the wheel's manylinux tag"),
        )
        return (verdict,)
