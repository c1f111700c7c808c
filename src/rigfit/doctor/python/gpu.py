"""Whether torch and bitsandbytes are built for this machine: its driver, its GPUs, and each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from packaging.version import Version as PackageVersion

from rigfit.core.fact import TorchBuild
from rigfit.core.finding import Finding, Unknown
from rigfit.core.machine import Driver, DriverFault
from rigfit.core.release import release_of
from rigfit.core.requirements import platform_name
from rigfit.core.requirements.base import Requirement
from rigfit.core.requirements.driver import NewEnoughDriver
from rigfit.core.requirements.gpu_code import GpuCode
from rigfit.core.requirements.quantization import CpuQuantization, GpuQuantization, taken
from rigfit.core.template import Stack
from rigfit.core.verdict import Verdict, merged
from rigfit.core.version import Version
from rigfit.core.words import say
from rigfit.doctor.python.case import Case, public
from rigfit.doctor.python.native import Torch
from rigfit.doctor.python.pairs import broken

_INDEX = "https://download.pytorch.org/whl"  # PyTorch's own, with a folder for each build CUDA


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What keeps torch from this machine's GPUs, the cause alone; `unknown` is what the facts do not say."""

    findings: tuple[Finding, ...] = ()
    unknown: tuple[Unknown, ...] = ()


def torch_fit(case: Case) -> Fit:
    """Nothing to say of a machine without NVIDIA GPU, or a Python without torch."""
    torch, module = case.torch, case.shelf.module("torch")
    if not case.has_gpu or module is None:
        return Fit()
    if torch is None:
        what, why = say("what torch is built for"), say("{file} does not tell", file=module.file / "version.py")
        return Fit(unknown=(Unknown(what=what, why=why),))
    if torch.build != "cuda" or torch.cuda is None:
        return Fit(findings=(_not_for_cuda(case, torch),))
    if isinstance(case.machine.driver, DriverFault):
        return Fit(findings=(_no_driver(torch, case.machine.driver),))
    return _judged(case, torch, torch.cuda)


def _not_for_cuda(case: Case, torch: Torch) -> Finding:
    gpus = ", ".join(gpu.label for gpu in case.machine.gpus) or say("an NVIDIA GPU")
    kind = say("for the CPU alone") if torch.build == "cpu" else say("for GPUs of other makers")
    return Finding(
        code="cpu_only_torch",
        severity="error",
        what=say(
            "torch {version} is built {kind}, and leaves {gpus} unused", version=torch.version, kind=kind, gpus=gpus
        ),
        because=(say("{file} tells no CUDA", file=torch.file), _driver_words(case)),
        fix=case.ways(_other_torch(case)),
        source="https://pytorch.org/get-started/locally/",
    )


def _no_driver(torch: Torch, fault: DriverFault) -> Finding:
    return Finding(
        code="driver_fault",
        severity="error",
        what=say("torch {version} cannot use the GPU: {fault}", version=torch.version, fault=fault.what),
        because=(say("torch is built with CUDA {cuda}, which runs through the NVIDIA driver", cuda=torch.cuda),),
        fix=(*fault.fix, "rigfit doctor"),
    )


def _driver_words(case: Case) -> str:
    driver = case.machine.driver
    if isinstance(driver, Driver):
        return say("driver {version}, driver CUDA {cuda}", version=driver.version, cuda=driver.cuda or say("unknown"))
    return driver.what


def _judged(case: Case, torch: Torch, cuda: Version) -> Fit:
    """Driver first, then torch's code, then bitsandbytes': each is moot where the one before fails."""
    version = public(torch.version)
    new_enough = NewEnoughDriver(cuda=cuda, facts=case.facts)
    code = GpuCode(torch=version, cuda=cuda, facts=case.facts)
    unknown: list[Unknown] = []
    for kind, requirement in (("torch_too_new_for_driver", new_enough), ("no_gpu_code", code)):
        if kind == "no_gpu_code" and not _is_known(case, version, cuda):
            unknown.append(_unknown_build(torch))
            continue
        against = _against(case, requirement)
        unknown += [_as_unknown(verdict) for verdict in against if verdict.status == "unknown"]
        unmet = [verdict for verdict in against if verdict.status == "unmet"]
        if unmet:
            fix = case.ways(_other_torch(case))
            return Fit(findings=tuple(_finding(kind, each, fix) for each in unmet), unknown=tuple(unknown))
    return Fit(unknown=tuple(unknown))


def quantization(case: Case, *, has_library: bool) -> Fit:
    """Whether bitsandbytes does 8 bits on the GPUs. `has_library`: its files hold one for torch's CUDA."""
    torch, version = case.torch, case.installed.versions.get("bitsandbytes")
    if not case.has_gpu and version is not None:
        return Fit(findings=tuple(_on_the_cpu(case)))
    if torch is None or torch.cuda is None or version is None or not isinstance(case.machine.driver, Driver):
        return Fit()
    if not has_library:
        return Fit()
    if _of_the_wheel(case, version, torch.cuda) is False:
        what = say("8-bit code of bitsandbytes {version}", version=version)
        why = say("its library for CUDA {cuda} is in no wheel that the facts know", cuda=torch.cuda)
        return Fit(unknown=(Unknown(what=what, why=why),))
    needed = GpuQuantization(stack=_stack(case), cuda=torch.cuda, accepts=("int8",), facts=case.facts)
    verdicts = merged(needed.check(case.machine, case.machine.gpus))
    fix = case.ways(case.change)
    unmet = (_finding("no_8_bit", each, fix) for each in verdicts if each.status == "unmet")
    slow = (_slow(each) for each in verdicts if each.status == "met" and each.warning)
    unknown = (_as_unknown(each) for each in verdicts if each.status == "unknown")
    return Fit(findings=(*unmet, *slow), unknown=tuple(unknown))


def _on_the_cpu(case: Case) -> Iterator[Finding]:
    """A note: the Python may be meant for another machine."""
    for verdict in CpuQuantization(stack=_stack(case), facts=case.facts).check(case.machine, ()):
        if verdict.status == "unmet":
            yield Finding(
                code="no_gpu_for_8_bit",
                severity="note",
                what=say("this machine has no NVIDIA GPU, and {found} does 8 bits on one alone", found=verdict.found),
                because=(say("needed: {needed}; found: {found}", needed=verdict.needed, found=verdict.found),),
                fix=case.ways(),
                source=verdict.source,
            )


def _of_the_wheel(case: Case, version: str, cuda: Version) -> bool | None:
    """Whether the wheel of that version holds a library for `cuda`; None where no fact tells."""
    rows = [row for row in case.facts.libraries if row.arch == case.machine.platform.arch]
    shipped = [row for row in rows if row.includes(PackageVersion(version))]
    return taken(shipped, cuda) is not None if shipped else None


def _stack(case: Case) -> Stack:
    """The libraries that are there, as a template would lock them."""
    versions = {name: version for name, version in case.installed.versions.items() if version is not None}
    return Stack(
        platform=platform_name(case.machine) or "",
        python=case.look.version,
        versions=versions,
        glibc=Version("0"),
        glibc_because="",
        fetch=0,
        disk=0,
    )


def _against(case: Case, requirement: Requirement) -> tuple[Verdict, ...]:
    return tuple(v for v in merged(requirement.check(case.machine, case.machine.gpus)) if v.status != "met")


def _finding(code: str, verdict: Verdict, fix: tuple[str, ...]) -> Finding:
    whats = {
        "torch_too_new_for_driver": say("the driver is too old for this torch"),
        "no_gpu_code": say("this torch has no code for the GPU"),
        "no_8_bit": say("this bitsandbytes does not work in 8 bits on the GPU"),
    }
    return Finding(
        code=code,
        severity="error",
        what=whats[code],
        because=(say("needed: {needed}; found: {found}", needed=verdict.needed, found=verdict.found), verdict.why),
        fix=fix,
        source=verdict.source,
    )


def _slow(verdict: Verdict) -> Finding:
    return Finding(
        code="slow_8_bit", severity="note", what=verdict.warning, because=(verdict.why,), source=verdict.source
    )


def _as_unknown(verdict: Verdict) -> Unknown:
    return Unknown(what=verdict.needed, why=say("{why}; found: {found}", why=verdict.why, found=verdict.found))


def _unknown_build(torch: Torch) -> Unknown:
    return Unknown(
        what=say("which GPUs torch {version} has code for", version=torch.version),
        why=say("no fact is about this version built with CUDA {cuda}", cuda=torch.cuda),
    )


def _is_known(case: Case, version: str, cuda: Version) -> bool:
    return any(row.cuda == cuda for row in _rows(case) if row.includes(PackageVersion(version)))


def _rows(case: Case) -> list[TorchBuild]:
    return [row for row in case.facts.torch if row.arch == case.machine.platform.arch]


# The torch that would do instead


def _other_torch(case: Case) -> str:
    """The line for a build that this driver and these GPUs take: of the same version, or else of the nearest."""
    now = PackageVersion(public(case.torch.version)) if case.torch else None
    if now is None or not isinstance(case.machine.driver, Driver) or case.look.is_managed:
        return ""
    rows = sorted(_rows(case), key=lambda row: row.since)
    home = sum(row.until < now for row in rows)
    by_nearness = sorted(enumerate(rows), key=lambda each: (abs(each[0] - home), -each[0]))
    for _, row in by_nearness:
        version = now if row.includes(now) else row.until
        if _would_do(case, row, version):
            build = f"cu{row.cuda}".replace(".", "")
            return case.install(f"torch=={version}+{build}", options=f"--index-url {_INDEX}/{build} ")
    return ""


def _would_do(case: Case, row: TorchBuild, version: PackageVersion) -> bool:
    """By the facts alone: the driver, the GPUs, the Python, and the libraries that are there."""
    needed = (
        NewEnoughDriver(cuda=row.cuda, facts=case.facts),
        GpuCode(torch=str(version), cuda=row.cuda, facts=case.facts),
    )
    if any(_against(case, requirement) for requirement in needed):
        return False
    release = release_of(case.releases, "torch", version)
    if release is not None and not release.python.allows(PackageVersion(case.look.version)):
        return False
    quantizer = case.installed.versions.get("bitsandbytes")
    if quantizer is not None and _of_the_wheel(case, quantizer, row.cuda) is False:
        return False
    swapped = replace(case.installed, versions={**case.installed.versions, "torch": str(version)})
    return not any("torch" in (bound.package, bound.needs) for bound in broken(swapped, case.facts))
